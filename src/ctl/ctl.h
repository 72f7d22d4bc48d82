/* SPDX-License-Identifier: MIT */
/*
 * What the commands of fcgiauthctl share: the settings, access to the user
 * source and the stores, messages, the audit line. Used by one thread.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "strategy/auth_mode.h"
#include "strategy/health.h"
#include "conf/settings.h"
#include "ctl/args.h"

#include <sys/types.h>

/* The exit statuses. */
enum ctl_exit { CTL_DONE = 0, CTL_REFUSED = 1, CTL_USAGE = 2 };

/* The user who runs the program, as found when it starts. */
struct ctl_caller {
	uid_t uid;
	char login[64]; /* empty when the name is not known */
};

struct ctl;
struct rules;

struct ctl_command {
	const char *group, *verb; /* the verb may be empty */
	/* the arguments that follow the words of the command */
	const char *usage;
	const char *help;
	/* the FLAG_BIT()s that it accepts besides the common ones */
	unsigned flags;
	size_t min, max; /* the number of words after those */
	enum ctl_exit (*run)(struct ctl *c);
	/* Checks whether what is given is enough and not too much, before
	 * anything is read or opened. NULL when flags, min and max suffice. */
	enum ctl_exit (*check)(const struct ctl *c);
};

struct ctl {
	struct arena *arena;
	struct log log;
	struct env env;
	struct ctl_caller caller;
	const struct args *args;
	const struct ctl_command *command;
	const char *operand; /* NAME or ID; NULL when it is not given */
	struct settings settings;
	const struct problem *warnings; /* the warnings about the settings */
	struct rules *rules; /* the rules of the settings */
	struct store_conn *store_conn; /* NULL until ctl_open() */
	struct users_conn *users_conn; /* NULL until ctl_open() */
	struct factors_conn *factors_conn; /* NULL until ctl_open() */
	struct call call; /* filled by ctl_call() */
};

bool ctl_given(const struct ctl *c, enum flag flag);

/* Returns the value of a flag; empty when it is not given. */
struct str ctl_value(const struct ctl *c, enum flag flag);

/* Returns the call for the next operation, with the present time; valid until
 * the next ctl_call(). */
struct call *ctl_call(struct ctl *c);

/* Prints `fcgiauthctl: MESSAGE` to stderr, safe for a terminal. */
void ctl_warn(const char *fmt, ...) PRINTF(1, 2);

/* As ctl_warn(); returns CTL_REFUSED, so that a failing path is one line. */
enum ctl_exit ctl_refuse(const char *fmt, ...) PRINTF(1, 2);

/* As ctl_warn(), with the usage of the command; returns CTL_USAGE. */
enum ctl_exit ctl_usage(const struct ctl *c, const char *fmt, ...) PRINTF(2, 3);

/* Logs a line of class "audit" with the caller added; takes at most 4
 * fields. */
void ctl_audit(const struct ctl *c, const char *event,
	       const struct log_field *fields, size_t n);

/* Prints each problem as a line on stderr. */
struct problem;
void ctl_problems(const struct problem *first);

/* Loads the settings of -c; prints every problem to stderr. */
enum ctl_exit ctl_load_settings(struct ctl *c);

/* What can be opened. */
enum ctl_part { CTL_STORE, CTL_USERS, CTL_FACTORS };

/* Returns the backend that the settings choose for the part; the ops of
 * CTL_FACTORS are NULL if there is no factor store. */
struct backend_choice ctl_choice(const struct ctl *c, enum ctl_part part);
bool ctl_exists(const struct ctl *c, enum ctl_part part);

/* Returns the driver of a part that exists. */
const struct driver *ctl_driver(const struct ctl *c, enum ctl_part part);

/* Returns the mode of the settings. */
const struct auth_mode_ops *ctl_mode(const struct ctl *c);

/* Returns false when the part is in the memory of the daemon, or does not
 * exist. */
bool ctl_reachable(const struct ctl *c, enum ctl_part part);

/* A process of root becomes the owner of the embedded data (os/owner.h). */
int ctl_become_owner(const struct ctl *c, struct err *err) MUST_USE;

/* Opens a part that exists, without checking its schema, after
 * ctl_become_owner(). *out is the `base` of the connection. */
int ctl_connect(struct ctl *c, enum ctl_part part, struct conn **out,
		struct err *err) MUST_USE;

/* As ctl_connect(), but fails if the schema is not the one of this program. */
int ctl_open(struct ctl *c, enum ctl_part part, struct err *err) MUST_USE;

/* Probes the part and reports its state. */
void ctl_probe(struct ctl *c, enum ctl_part part, struct health_report *out);

/*
 * Blocks signals, so that ^C cannot come between the change of a user and the
 * end of the sessions: until the program ends, or until
 * ctl_release_signals().
 */
void ctl_hold_signals(void);
void ctl_release_signals(void);

/* Closes everything that was opened; called at the end. */
void ctl_close(struct ctl *c);

/* Reads the bytes of `password.blocklist`; empty when none is configured. */
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
enum ctl_exit user_import(struct ctl *c);
enum ctl_exit user_export(struct ctl *c);
enum ctl_exit session_list(struct ctl *c);
enum ctl_exit session_list_check(const struct ctl *c);
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
enum ctl_exit link_reset(struct ctl *c);
enum ctl_exit link_invite(struct ctl *c);
enum ctl_exit mail_test(struct ctl *c);
enum ctl_exit mail_test_check(const struct ctl *c);
enum ctl_exit webserver_check(struct ctl *c);
enum ctl_exit status_show(struct ctl *c);
enum ctl_exit status_check(const struct ctl *c);
enum ctl_exit config_check(struct ctl *c);
enum ctl_exit config_show(struct ctl *c);

#endif
