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

#endif
