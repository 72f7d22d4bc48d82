/* SPDX-License-Identifier: MIT */
/*
 * Drivers for the tests of the configuration, so that a change of the real
 * drivers does not change these tests, and a configuration with every section.
 */
#ifndef UNIT_CONF_DRIVERS_H
#define UNIT_CONF_DRIVERS_H

#include "base/arena.h"
#include "base/err.h"
#include "conf/problems.h"
#include "conf/settings.h"
#include "tests/support/run.h"

/* STR() for initialisers of static tables. */
#define LIT(text)                                                              \
	{                                                                      \
		.p = text, .n = sizeof(text) - 1                               \
	}

#define ARENA_BYTES (64 * 1024 * 1024)

struct session_conf {
	int64_t idle_timeout, max_per_user;
};

static inline int
session_check(const void *conf, struct err *err)
{
	const struct session_conf *c = conf;

	if (c->idle_timeout < 86400)
		return 0;
	return err_set(err, ERR_CONFIG, "idle_timeout is too much in all");
}

static const struct option session_options[] = {
	OPTION(SECONDS, struct session_conf, idle_timeout, .def = "30m",
	       .min = 60, .max = 2 * 86400,
	       .help = "A session unused for so long ends. A second "
		       "sentence."),
	OPTION(INT, struct session_conf, max_per_user, .def = "0",
	       .help = "Sessions of a user."),
	OPTION_END,
};

struct net_conf {
	struct str url, password;
	int64_t timeout;
};

static const struct option net_options[] = {
	OPTION(STR, struct net_conf, url, .flags = OPTION_REQUIRED,
	       .help = "Where the server is."),
	OPTION(SECRET, struct net_conf, password, .help = "To log in."),
	OPTION(SECONDS, struct net_conf, timeout, .def = "5s",
	       .flags = OPTION_RESTART, .help = "How long to wait."),
	OPTION_END,
};

struct file_conf {
	const char *path;
};

static const struct option file_options[] = {
	OPTION(PATH, struct file_conf, path, .def = "/var/lib/x.db",
	       .flags = OPTION_REQUIRED, .help = "The database."),
	OPTION_END,
};

static const struct settings_driver stores[] = {
	{ .name = "sqlite",
	  .summary = "A file.",
	  .options = file_options,
	  .size = sizeof(struct file_conf),
	  .compiled = true },
	{ .name = "net",
	  .summary = "A server.",
	  .options = net_options,
	  .size = sizeof(struct net_conf),
	  .compiled = true },
	{ .name = "absent", .summary = "Another." },
};
static const struct settings_driver users[] = {
	{ .name = "sqlite",
	  .summary = "A file.",
	  .options = file_options,
	  .size = sizeof(struct file_conf),
	  .compiled = true },
};
static const struct settings_driver factors[] = {
	{ .name = "auto", .summary = "Any.", .size = 1, .compiled = true },
	{ .name = "none", .summary = "None.", .size = 1, .compiled = true },
	{ .name = "sqlite",
	  .summary = "A file.",
	  .options = file_options,
	  .size = sizeof(struct file_conf),
	  .reach = SETTINGS_HOST,
	  .compiled = true },
};
static const struct settings_driver modes[] = {
	{ .name = "session",
	  .summary = "A session.",
	  .options = session_options,
	  .size = sizeof(struct session_conf),
	  .check = session_check,
	  .compiled = true },
	{ .name = "token", .summary = "Not here." },
};
static const struct settings_drivers drivers = {
	.stores = stores,
	.nstores = ARRAY_LEN(stores),
	.users = users,
	.nusers = ARRAY_LEN(users),
	.factors = factors,
	.nfactors = ARRAY_LEN(factors),
	.modes = modes,
	.nmodes = ARRAY_LEN(modes),
};

struct parsed {
	struct arena *arena;
	struct problems problems;
	struct settings settings;
	int rc;
};

static inline void
parse(struct parsed *p, struct str text)
{
	p->arena = arena_new(ARENA_BYTES);
	ck_assert_ptr_nonnull(p->arena);
	problems_init(&p->problems, p->arena);
	p->rc = settings_parse(text, "t.ini", &drivers, p->arena, &p->settings,
			       &p->problems);
	ck_assert_int_eq(p->rc == 0, p->problems.count == 0);
}

static inline const char *
first_problem(const struct parsed *p)
{
	return p->problems.first != NULL ? p->problems.first->text : "(none)";
}

/* Every section, with no value that is its default. */
static const char full[] =
    "[server]\n"
    "listen = unix:/a 127.0.0.1:9000 [::1]:9001\n"
    "socket_mode = 666\n"
    "peer_secret = \"x #y\"\n"
    "hosts = A.Example.com [::1] 10.0.0.1.example.com\n"
    "login_url = https://a.example.com:8443/auth/login\n"
    "threads = 256\n"
    "path = /a/b-c_d~e\n"
    "log_level = debug\n"
    "log_format = json\n"
    "[auth]\nmode = session\ndeliver = both\n"
    "[store]\ndriver = net\nurl = \"tcp: \\\"q\\\" ; #\\\\\"\n"
    "password = hush\ntimeout = 90s\n"
    "[users]\ndriver = sqlite\npath = /tmp/a b\n"
    "[session]\nidle_timeout = 2h\nmax_per_user = 3\n"
    "[cookie]\nname = Sid#1\nsecure = OFF\nsame_site = strict\n"
    "[redirect]\nallow = App.example.com .example.org\n"
    "[cors]\norigins = HTTPS://app.example.com http://[::1]:8080\n"
    "[headers]\nuser = X-User\n"
    "[password]\nmin_length = 8\nblocklist = /etc/list\n"
    "[limits]\nbody = 1m\nhash_slots = 4\nlogin_ban = 12h\n"
    "[mail]\nfrom = Login <login@example.com>\n"
    "smtp = smtp://[::1]:587\nusername = u\npassword = \"p ;\"\n"
    "tls = no\nca_file = /etc/ca.pem\n"
    "[rule one]\nhost = App.Example.com [::1]\npath = \"/a ;b\"\n"
    "method = GET POST\nnetwork = 10.0.0.0/8 ::1\nrequire = role:a user:b\n"
    "[rule Two.2]\npath_regex = \"/x/[0-9]+ #\"\nrequire = deny\n"
    "[rule _]\nrequire = public\n";

#endif
