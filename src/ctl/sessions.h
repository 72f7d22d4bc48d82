/* SPDX-License-Identifier: MIT */
/* What the commands about live state in the store share. */
#ifndef CTL_SESSIONS_H
#define CTL_SESSIONS_H

#include "ctl/ctl.h"

/* Opens the store for a command; says why when it cannot. */
enum ctl_exit sessions_open(struct ctl *c, const char *what);

/* --user checked; empty, p NULL, when it was not given. */
enum ctl_exit sessions_user(const struct ctl *c, struct str *out);

/*
 * Does the mode hand out tokens that are written down nowhere?  Then the store
 * has no sessions, and holds at most what was ended before its time.
 */
bool sessions_is_stateless(const struct ctl *c);

/* Does a store that can be reached from here hold which of them were ended? */
bool sessions_is_deniable(const struct ctl *c);

/* How long a token works that nobody ends; seconds. */
int64_t sessions_token_life(const struct ctl *c);

/* False, with a warning, when what a user has cannot be ended from here. */
bool sessions_can_end(const struct ctl *c, struct str name);

/* How many sessions of a user ended; SESSIONS_UNCOUNTED where nobody can know. */
#define SESSIONS_UNCOUNTED (-1)
int sessions_end_user(struct ctl *c, struct str name, int64_t *ended,
		  struct err *err) MUST_USE;
void sessions_audit_ended(const struct ctl *c, struct str name, int64_t ended);

#endif
