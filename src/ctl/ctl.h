/* SPDX-License-Identifier: MIT */
/*
 * What the commands of fcgiauthctl share: the settings, the way to users and
 * store, messages, the audit line.  One thread.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "strategy/auth_mode.h"
#include "strategy/health.h"
#include "conf/settings.h"
#include "ctl/args.h"

#include <sys/types.h>

/* Exit statuses. */
enum ctl_exit { CTL_DONE = 0, CTL_REFUSED = 1, CTL_USAGE = 2 };

/* Who called us, as of the start of the program. */
struct ctl_caller {
	uid_t uid;
	char login[64]; /* empty when nobody knows */
};

struct ctl;
struct rules;

struct ctl_command {
	const char *group, *verb;
	const char *usage; /* what follows the two words */
	const char *help;
	unsigned flags; /* FLAG_BIT()s it accepts beside the common ones */
	size_t min, max; /* words after the first two */
	enum ctl_exit (*run)(struct ctl *c);
	/* Is what was given enough, and not too much?  Before anything is
	 * read or opened.  NULL: flags, min and max say it all. */
	enum ctl_exit (*check)(const struct ctl *c);
};

struct ctl {
	struct arena *arena;
	struct log log;
	struct env env;
	struct ctl_caller caller;
	const struct args *args;
	const struct ctl_command *command;
	const char *operand; /* NAME or ID; NULL when not given */
	struct settings settings;
	const struct problem *warnings; /* of the settings */
	struct rules *rules; /* the same */
	struct store_link *store_link; /* NULL until ctl_open() */
	struct users_link *users_link; /* NULL until ctl_open() */
	struct call call; /* ctl_call() */
};

bool ctl_given(const struct ctl *c, enum flag flag);

/* The value of a flag; empty when it was not given. */
struct str ctl_value(const struct ctl *c, enum flag flag);

/* What an operation works with, at this moment; good until the next one. */
struct call *ctl_call(struct ctl *c);

/* `fcgiauthctl: MESSAGE` on stderr, safe for a terminal. */
void ctl_warn(const char *fmt, ...) PRINTF(1, 2);

/* The same; returns CTL_REFUSED, so that a failing path is one line. */
enum ctl_exit ctl_refuse(const char *fmt, ...) PRINTF(1, 2);

/* The same with how the command is used; returns CTL_USAGE. */
enum ctl_exit ctl_usage(const struct ctl *c, const char *fmt, ...)
    PRINTF(2, 3);

/* One line of class "audit" with the caller added; at most 4 fields. */
void ctl_audit(const struct ctl *c, const char *event,
	       const struct log_field *fields, size_t n);

/* One line each on stderr. */
struct problem;
void ctl_problems(const struct problem *first);

/* Loads the settings of -c; every problem goes to stderr. */
enum ctl_exit ctl_load_settings(struct ctl *c);

/* The two things that are opened. */
enum ctl_part { CTL_STORE, CTL_USERS };

/* What the settings say of it, and whose it is. */
struct backend_choice ctl_choice(const struct ctl *c, enum ctl_part part);
const struct driver *ctl_driver(const struct ctl *c, enum ctl_part part);

/* The mode of the settings. */
const struct auth_mode_ops *ctl_mode(const struct ctl *c);

/* False when its state lives in the daemon's memory. */
bool ctl_reachable(const struct ctl *c, enum ctl_part part);

/* Started as root, becomes the owner of the embedded data first.  Does not look
 * at the schema.  *out is what the link of the part begins with. */
int ctl_connect(struct ctl *c, enum ctl_part part, struct conn **out,
		struct err *err) MUST_USE;

/* The same, and the schema is the one of this program. */
int ctl_open(struct ctl *c, enum ctl_part part, struct err *err) MUST_USE;

/* In what state is it? */
void ctl_look(struct ctl *c, enum ctl_part part, struct health_report *out);

/*
 * From here to the end of the program no ^C comes between the change of a user
 * and the end of the sessions.
 */
void ctl_hold_signals(void);

/* At the end, whatever was opened. */
void ctl_close(struct ctl *c);

/* The bytes of `password.blocklist`; empty when none is configured. */
int ctl_blocklist(struct ctl *c, struct str *out, struct err *err) MUST_USE;

/* The commands. */
enum ctl_exit user_add(struct ctl *c);
enum ctl_exit user_list(struct ctl *c);
enum ctl_exit user_show(struct ctl *c);
enum ctl_exit user_passwd(struct ctl *c);
enum ctl_exit user_set(struct ctl *c);
enum ctl_exit user_set_check(const struct ctl *c);
enum ctl_exit user_disable(struct ctl *c);
enum ctl_exit user_enable(struct ctl *c);
enum ctl_exit user_delete(struct ctl *c);
enum ctl_exit session_list(struct ctl *c);
enum ctl_exit session_revoke(struct ctl *c);
enum ctl_exit session_revoke_check(const struct ctl *c);
enum ctl_exit ban_list(struct ctl *c);
enum ctl_exit ban_lift(struct ctl *c);
enum ctl_exit ban_lift_check(const struct ctl *c);
enum ctl_exit schema_migrate(struct ctl *c);
enum ctl_exit schema_status(struct ctl *c);
enum ctl_exit key_list(struct ctl *c);
enum ctl_exit key_generate(struct ctl *c);
enum ctl_exit key_import(struct ctl *c);
enum ctl_exit key_rotate(struct ctl *c);
enum ctl_exit key_retire(struct ctl *c);
enum ctl_exit token_issue(struct ctl *c);
enum ctl_exit token_issue_check(const struct ctl *c);
enum ctl_exit token_inspect(struct ctl *c);
enum ctl_exit token_inspect_check(const struct ctl *c);
enum ctl_exit rule_test(struct ctl *c);
enum ctl_exit webserver_check(struct ctl *c);
enum ctl_exit config_check(struct ctl *c);
enum ctl_exit config_show(struct ctl *c);

#endif
