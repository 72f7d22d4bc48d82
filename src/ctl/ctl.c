/* SPDX-License-Identifier: MIT */
/* What the commands share: messages, audit, access to the user source and the
 * stores. */
#include "ctl/ctl.h"

#include "strategy/factors.h"
#include "strategy/registry.h"
#include "auth/rules.h"
#include "base/buf.h"
#include "crypto/password_policy.h"
#include "os/owner.h"
#include "os/file.h"
#include "conf/problems.h"
#include "ctl/output.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#define MESSAGE_MAX 2048

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
				 .store = c->store_conn,
				 .users = c->users_conn,
				 .factors = c->factors_conn };
	return &c->call;
}

/* Escapes what a message quotes of the command line, files and servers, so that
 * no control sequence reaches the terminal. */
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
	/* the number of columns is not needed */
	(void)output_escape(&safe, str_from(text));
	(void)fprintf(stderr, "%s%.*s\n", prefix, STR_ARG(buf_str(&safe)));
	arena_free(a);
}

static void PRINTF(1, 0) say(const char *fmt, va_list ap)
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
		ctl_warn("%s; usage: fcgiauthctl %s%s%s%s%s", text,
			 command->group, command->verb[0] == '\0' ? "" : " ",
			 command->verb, command->usage[0] == '\0' ? "" : " ",
			 command->usage);
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
	/* A problem begins with FILE:LINE, as editors expect. */
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
		c->log.format = (enum log_format)c->settings.server.log_format;
		return CTL_DONE;
	}
	ctl_problems(problems.first);
	return CTL_REFUSED;
}

struct backend_choice
ctl_choice(const struct ctl *c, enum ctl_part part)
{
	switch (part) {
	case CTL_USERS:
		return registry_users_choice(&c->settings);
	case CTL_FACTORS:
		return registry_factors_choice(&c->settings);
	case CTL_STORE:
		break;
	}
	return registry_store_choice(&c->settings);
}

bool
ctl_exists(const struct ctl *c, enum ctl_part part)
{
	return ctl_choice(c, part).ops != NULL;
}

const struct driver *
ctl_driver(const struct ctl *c, enum ctl_part part)
{
	return &ctl_choice(c, part).ops->driver;
}

const struct auth_mode_ops *
ctl_mode(const struct ctl *c)
{
	return registry_mode(c->settings.mode.driver->name);
}

bool
ctl_reachable(const struct ctl *c, enum ctl_part part)
{
	return ctl_exists(c, part) &&
	       (ctl_driver(c, part)->caps & BACKEND_SHARED) != 0;
}

int
ctl_become_owner(const struct ctl *c, struct err *err)
{
	const struct backend_choice store = ctl_choice(c, CTL_STORE),
				    users = ctl_choice(c, CTL_USERS),
				    factors = ctl_choice(c, CTL_FACTORS);
	const char *const files[] = {
		backend_path(&store),
		backend_path(&users),
		backend_path(&factors),
	};

	return owner_become(files, ARRAY_LEN(files), err);
}

/* Returns NULL when out of memory. */
static struct conn *
ctl_new_conn(struct ctl *c, enum ctl_part part)
{
	switch (part) {
	case CTL_USERS:
		c->users_conn = users_conn_new(&c->env);
		return c->users_conn != NULL ? &c->users_conn->base : NULL;
	case CTL_FACTORS:
		c->factors_conn = factors_conn_new(&c->env);
		return c->factors_conn != NULL ? &c->factors_conn->base : NULL;
	case CTL_STORE:
		break;
	}
	c->store_conn = store_conn_new(&c->env);
	return c->store_conn != NULL ? &c->store_conn->base : NULL;
}

int
ctl_connect(struct ctl *c, enum ctl_part part, struct conn **out,
	    struct err *err)
{
	const struct backend_choice choice = ctl_choice(c, part);
	struct backend *b;
	struct conn *conn;

	if (ctl_become_owner(c, err) != 0)
		return -1;
	conn = ctl_new_conn(c, part);
	if (conn == NULL)
		return err_nomem(err);
	if (backend_open(&choice, &c->env, &b, err) != 0)
		return -1;
	conn_bind(conn, b);
	backend_unref(b); /* the connection holds a reference */
	*out = conn;
	return 0;
}

void
ctl_probe(struct ctl *c, enum ctl_part part, struct health_report *out)
{
	const struct backend_choice choice = ctl_choice(c, part);
	struct conn *conn;

	*out = (struct health_report){ .health = HEALTH_DAEMON };
	if (!ctl_reachable(c, part))
		return;
	if (ctl_connect(c, part, &conn, &out->err) != 0)
		out->health = HEALTH_UNREACHABLE;
	else
		health_probe(conn, backend_path(&choice), out);
}

int
ctl_open(struct ctl *c, enum ctl_part part, struct err *err)
{
	struct conn *conn;

	if (ctl_connect(c, part, &conn, err) != 0)
		return -1;
	return conn_check_schema(conn, err);
}

static void
ctl_mask_signals(int how)
{
	static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(held); i++)
		(void)sigaddset(&set, held[i]);
	/* cannot fail with these arguments */
	(void)sigprocmask(how, &set, NULL);
}

void
ctl_hold_signals(void)
{
	ctl_mask_signals(SIG_BLOCK);
}

void
ctl_release_signals(void)
{
	ctl_mask_signals(SIG_UNBLOCK);
}

void
ctl_close(struct ctl *c)
{
	store_conn_free(c->store_conn);
	users_conn_free(c->users_conn);
	factors_conn_free(c->factors_conn);
}

int
ctl_blocklist(struct ctl *c, struct str *out, struct err *err)
{
	const char *file = c->settings.password.blocklist;

	if (file == NULL || file[0] == '\0') {
		*out = STR("");
		return 0;
	}
	if (file_read(file, PASSWORD_BLOCKLIST_MAX, c->arena, out, NULL, err) !=
	    0)
		return err_context(err, "%s", file);
	return 0;
}
