/* SPDX-License-Identifier: MIT */
/*
 * The audit log, lines of class `audit`: who did what, from where.  Never a
 * password, token, hash or cookie.
 */
#ifndef AUTH_AUDIT_H
#define AUTH_AUDIT_H

#include "auth/exchange.h"

/*
 * `event` and `why` are words of ours, `why` perhaps with what a user source
 * said; why NULL: nothing to add.  `user`
 * is what was claimed or proven, `session` NULL where there is none.
 */
void audit(const struct exchange *e, const char *event, struct str user,
	   const struct session_id *session, const char *why);

/* The same of `ended` sessions at once. */
void audit_ended(const struct exchange *e, const char *event, struct str user,
		 int64_t ended);

/* As audit(), of an event that anybody can cause as often as they like: a line
 * a second at most, which says how many were left out. */
void audit_bounded(const struct exchange *e, struct log_limit *limit,
		   const char *event, struct str user, const char *why);

#endif
