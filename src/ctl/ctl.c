/* SPDX-License-Identifier: MIT */
/* What the commands share: messages, audit, the way to users and store. */
#include "ctl/ctl.h"

#include "strategy/registry.h"
#include "auth/rules.h"
#include "base/buf.h"
#include "os/owner.h"
#include "os/file.h"
#include "conf/problems.h"
#include "ctl/output.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#define MESSAGE_MAX   2048
#define BLOCKLIST_MAX ((size_t)64 * 1024 * 1024)

bool
ctl_given(const struct ctl *c, enum flag flag)
{
	return (c->args->given & FLAG_BIT(flag)) != 0;
}

struct str
ctl_value(const struct ctl *c, enum flag flag)
{
	return str_from(c->args->value[flag]);
}

struct call *
ctl_call(struct ctl *c)
{
	c->call = (struct call){ .arena = c->arena,
				 .env = &c->env,
				 .now_ms = env_wall_ms(&c->env),
				 .store = c->store_link,
				 .users = c->users_link };
	return &c->call;
}

/* Messages quote the command line, files and servers: none of them may reach
 * the terminal as control sequences. */
static void
print_safely(const char *prefix, const char *text)
{
	struct arena *a = arena_new((size_t)16 * MESSAGE_MAX);
	struct buf safe;

	if (a == NULL) {
		(void)fputs("fcgiauthctl: out of memory\n", stderr);
		return;
	}
	buf_init(&safe, a, (size_t)4 * MESSAGE_MAX);
	(void)output_escape(&safe, str_from(text)); /* no columns here */
	(void)fprintf(stderr, "%s%.*s\n", prefix, STR_ARG(buf_str(&safe)));
	arena_free(a);
}

static void PRINTF(1, 0)
say(const char *fmt, va_list ap)
{
	char text[MESSAGE_MAX] = "";

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	print_safely("fcgiauthctl: ", text);
}

void
ctl_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

enum ctl_exit
ctl_refuse(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return CTL_REFUSED;
}

enum ctl_exit
ctl_usage(const struct ctl *c, const char *fmt, ...)
{
	const struct ctl_command *command = c->command;
	char text[MESSAGE_MAX / 2] = "";
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (command == NULL)
		ctl_warn("%s; try: fcgiauthctl --help", text);
	else
		ctl_warn("%s; usage: fcgiauthctl %s %s%s%s", text,
			 command->group, command->verb,
			 command->usage[0] == '\0' ? "" : " ", command->usage);
	return CTL_USAGE;
}

void
ctl_audit(const struct ctl *c, const char *event,
	  const struct log_field *fields, size_t n)
{
	struct log_field all[6] = {
		{ .key = NULL },
	};
	size_t used = 0;

	for (size_t i = 0; i < n && i < 4; i++)
		all[used++] = fields[i];
	all[used++] = F_INT("by_uid", c->caller.uid);
	if (c->caller.login[0] != '\0')
		all[used++] = F_CSTR("by", c->caller.login);
	log_event(&c->log, LOG_INFO, "audit", event, all, used);
}

void
ctl_problems(const struct problem *first)
{
	/* FILE:LINE first, as editors expect it. */
	for (const struct problem *p = first; p != NULL; p = p->next)
		print_safely("", p->text);
}

enum ctl_exit
ctl_load_settings(struct ctl *c)
{
	const char *file = ctl_given(c, FLAG_CONFIG) ?
	    c->args->value[FLAG_CONFIG] :
	    SYSCONFDIR "/fcgiauth/fcgiauth.ini";
	struct settings_drivers drivers;
	struct problems problems;

	if (registry_drivers(c->arena, &drivers) != 0)
		return ctl_refuse("out of memory");
	problems_init(&problems, c->arena);
	if (settings_load(file, &drivers, c->arena, &c->settings, &problems) ==
		0 &&
	    rules_compile(&c->settings, c->arena, &c->rules, &problems) == 0) {
		c->warnings = problems.first_warning;
		return CTL_DONE;
	}
	ctl_problems(problems.first);
	return CTL_REFUSED;
}

static const struct settings_choice *
store_choice(const struct ctl *c)
{
	return &c->settings.store;
}

/* The one that the mode uses. */
static const struct driver *
store_backend(const struct ctl *c)
{
	return &registry_effective_store(&c->settings)->base.driver;
}

static int
store_part_open(struct ctl *c, struct err *err)
{
	const struct settings_choice *choice = &c->settings.store;

	c->store_link = store_link_new(&c->env);
	if (c->store_link == NULL)
		return err_nomem(err);
	if (store_open(registry_effective_store(&c->settings), choice->conf,
		       &c->env, &c->store, err) != 0)
		return -1;
	store_link_bind(c->store_link, c->store);
	return 0;
}

static int
store_part_check(struct ctl *c, struct err *err)
{
	return store_check_schema(c->store_link, err);
}

static int
store_part_schema(struct ctl *c, struct schema_state *out, struct err *err)
{
	return store_schema(c->store_link, out, err);
}

static int
store_part_migrate(struct ctl *c, struct err *err)
{
	return store_migrate(c->store_link, err);
}

static int
store_part_ping(struct ctl *c, struct err *err)
{
	return store_ping(c->store_link, err);
}

static void
store_part_advise(struct ctl *c, char advice[BACKEND_ADVICE_MAX])
{
	conn_advise(&c->store_link->conn, advice);
}

static const struct settings_choice *
users_choice(const struct ctl *c)
{
	return &c->settings.users;
}

static const struct driver *
users_backend(const struct ctl *c)
{
	/* settings_load() took the driver from the registry: it is there. */
	return &registry_user_source(c->settings.users.driver->name)
		    ->base.driver;
}

static int
users_part_open(struct ctl *c, struct err *err)
{
	const struct settings_choice *choice = &c->settings.users;

	c->users_link = users_link_new(&c->env);
	if (c->users_link == NULL)
		return err_nomem(err);
	if (users_open(registry_user_source(choice->driver->name),
		       choice->conf, &c->env, &c->users, err) != 0)
		return -1;
	users_link_bind(c->users_link, c->users);
	return 0;
}

static int
users_part_check(struct ctl *c, struct err *err)
{
	return users_check_schema(c->users_link, err);
}

static int
users_part_schema(struct ctl *c, struct schema_state *out, struct err *err)
{
	return users_schema(c->users_link, out, err);
}

static int
users_part_migrate(struct ctl *c, struct err *err)
{
	return users_migrate(c->users_link, err);
}

static int
users_part_ping(struct ctl *c, struct err *err)
{
	return users_ping(c->users_link, err);
}

static const struct ctl_part parts[] = {
	[CTL_STORE] = {
		.name = "store",
		.reachable = BACKEND_SHARED,
		.embedded = BACKEND_EMBEDDED,
		.choice = store_choice,
		.backend = store_backend,
		.open = store_part_open,
		.check_schema = store_part_check,
		.schema = store_part_schema,
		.migrate = store_part_migrate,
		.ping = store_part_ping,
		.advise = store_part_advise,
	},
	[CTL_USERS] = {
		.name = "users",
		.reachable = BACKEND_SHARED,
		.embedded = BACKEND_EMBEDDED,
		.choice = users_choice,
		.backend = users_backend,
		.open = users_part_open,
		.check_schema = users_part_check,
		.schema = users_part_schema,
		.migrate = users_part_migrate,
		.ping = users_part_ping,
	},
};

const struct ctl_part *
ctl_part(enum ctl_part_id id)
{
	return &parts[id];
}

const struct driver *
ctl_backend(const struct ctl *c, const struct ctl_part *part)
{
	return part->backend(c);
}

const struct auth_mode_ops *
ctl_mode(const struct ctl *c)
{
	return registry_mode(c->settings.mode.driver->name);
}

bool
ctl_reachable(const struct ctl *c, const struct ctl_part *part)
{
	return (ctl_backend(c, part)->caps & part->reachable) != 0;
}

const char *
ctl_part_path(const struct ctl *c, const struct ctl_part *part)
{
	const struct driver *backend = ctl_backend(c, part);

	if ((backend->caps & part->embedded) == 0)
		return NULL;
	return backend_path(backend, part->choice(c)->conf);
}

int
ctl_become_owner(const struct ctl *c, struct err *err)
{
	const char *files[ARRAY_LEN(parts)];

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		files[i] = ctl_part_path(c, &parts[i]);
	return owner_become(files, ARRAY_LEN(files), err);
}

int
ctl_connect(struct ctl *c, const struct ctl_part *part, struct err *err)
{
	if (ctl_become_owner(c, err) != 0)
		return -1;
	return part->open(c, err);
}

int
ctl_open(struct ctl *c, const struct ctl_part *part, struct err *err)
{
	if (ctl_connect(c, part, err) != 0)
		return -1;
	return part->check_schema(c, err);
}

void
ctl_hold_signals(void)
{
	static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(held); i++)
		(void)sigaddset(&set, held[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL); /* cannot fail with these */
}

void
ctl_close(struct ctl *c)
{
	store_link_free(c->store_link);
	backend_unref(c->store);
	users_link_free(c->users_link);
	backend_unref(c->users);
}

int
ctl_blocklist(struct ctl *c, struct str *out, struct err *err)
{
	const char *file = c->settings.password.blocklist;

	if (file == NULL || file[0] == '\0') {
		*out = STR("");
		return 0;
	}
	if (file_read(file, BLOCKLIST_MAX, c->arena, out, NULL, err) != 0)
		return err_context(err, "%s", file);
	return 0;
}
