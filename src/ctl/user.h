/* SPDX-License-Identifier: MIT */
/* What the files of `fcgiauthctl user` share. */
#ifndef CTL_USER_H
#define CTL_USER_H

#include "ctl/ctl.h"

/* Opens the users for a command that needs these abilities (bits of enum
 * users_caps; 0: only to find users); prints a message when it fails. */
enum ctl_exit user_open(struct ctl *c, unsigned needs);

/* Finds the user named by the operand; prints a message when there is none. */
enum ctl_exit user_find(struct ctl *c, struct user *out);

/*
 * Checks that a new name means nobody yet, and that an e-mail address means no
 * other user, at a sign-in as [users] allows it. ERR_INPUT if they do.
 */
int user_check_free(struct ctl *c, struct str name, struct err *err) MUST_USE;
int user_check_email(struct ctl *c, const struct identity *who,
		     struct err *err) MUST_USE;

void user_audit(const struct ctl *c, const char *event, struct str name);

/*
 * Ends the sessions of a changed user, and prints `NAME: DONE`. Called after
 * the change is committed, never before: a sign-in in between would begin a
 * session that is not ended.
 */
enum ctl_exit user_end_sessions(struct ctl *c, struct str name,
				const char *done);

/* Gives the live sessions of a user the new identity, and prints `NAME: DONE`.
 * Called after the change is committed. */
enum ctl_exit user_follow(struct ctl *c, const struct identity *who,
			  const char *done);

/* Sets the roles in `who` if they are given. */
enum ctl_exit user_take_roles(struct ctl *c, struct identity *who);

/* Opens the factor store; prints a message when it fails. `what` needs it. */
enum ctl_exit user_open_factors(struct ctl *c, const char *what);

/*
 * --must-change and --no-must-change. user_open_account() opens what they need,
 * before anything is changed. user_set_account() does what they say, after the
 * user was changed; `done` is what has been. Both do nothing when neither flag
 * is given, and print a message when they fail.
 */
enum ctl_exit user_open_account(struct ctl *c);
enum ctl_exit user_set_account(struct ctl *c, struct str name,
			       const char *done);

/* Voids the links and tickets of a user who was changed; `done` is what was
 * changed. Prints a message when it fails: `again` is the command that does it
 * later. */
enum ctl_exit user_void_secrets(struct ctl *c, struct str name,
				const char *done, const char *again);

/* Tells a user whose password was changed by mail, if there is [mail]; called
 * after user_void_secrets(). Prints a warning when it fails. */
void user_tell_change(struct ctl *c, const struct identity *who);

/* Forgets the e-mail address that the user has proven, unless it is this one:
 * mail goes to the one that was set now. Prints a message when it fails. */
enum ctl_exit user_forget_email(struct ctl *c, const struct identity *who);

/* Finds out whether the user must change their password; *known is false if
 * there is no factor store, or none that can be reached. */
enum ctl_exit user_must_change(struct ctl *c, struct str name, bool *must,
			       bool *known);

#endif
