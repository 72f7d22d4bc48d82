/* SPDX-License-Identifier: MIT */
/* What the commands about sessions and bans share. */
#ifndef CTL_SESSIONS_H
#define CTL_SESSIONS_H

#include "ctl/ctl.h"

/* Opens the store for a command about `what`; prints a message when it
 * fails. */
enum ctl_exit sessions_open(struct ctl *c, const char *what);

/* Checks the value of --user; empty, with p NULL, when it is not given. */
enum ctl_exit sessions_user(const struct ctl *c, struct str *out);

/* Returns true when sign-ins store sessions. */
bool sessions_are_stored(const struct ctl *c);

/*
 * Returns true when a check does not read sessions: then the tokens must be
 * denied as well. Not all of them have a session in the store.
 */
bool sessions_is_stateless(const struct ctl *c);

/* Returns true when the mode is stateless and a store that can be reached from
 * here records which tokens were ended. */
bool sessions_is_deniable(const struct ctl *c);

/* Returns for how many seconds a token is valid if it is not ended. */
int64_t sessions_token_life(const struct ctl *c);

/* Returns false and prints a warning when what a user has cannot be ended
 * here. */
bool sessions_can_end(const struct ctl *c, struct str name);

/* Ends everything that a user has, or all users if name.p is NULL. *ended is
 * the number of sessions, or SESSIONS_UNCOUNTED where it cannot be known. */
#define SESSIONS_UNCOUNTED (-1)
int sessions_end_user(struct ctl *c, struct str name, int64_t *ended,
		      struct err *err) MUST_USE;
void sessions_audit_ended(const struct ctl *c, struct str name, int64_t ended);

#endif
