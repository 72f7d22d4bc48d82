/* SPDX-License-Identifier: MIT */
/*
 * Is the user of a session still the one who signed in?  Others may change the
 * users behind our back, so each session's user is looked up again once in
 * [users] recheck.
 *
 * Time is cut into spans of that length, for each session at other moments.
 * The first request of a session in a span looks the user up and moves the
 * session's last_seen into the span; the others, on all instances, see by
 * last_seen that it is done.  A login counts as a look-up.  When the new
 * last_seen is late or lost, some more requests ask; never does one too few.
 * One that is ahead of the clock (seen_ahead()) says nothing.
 */
#ifndef AUTH_RECHECK_H
#define AUTH_RECHECK_H

#include "auth/exchange.h"

/* For a grant with last_seen_ms. */
bool recheck_is_due(const struct exchange *e, const struct grant *grant);

/*
 * Looks up the user.  One who is gone or disabled loses all sessions, and one
 * who has got another password those of the old one (strategy/password_mark.h): then
 * *still is false.  One who has changed: grant->who, and his sessions, follow.
 * -1: could not tell, so nobody may pass.
 */
int recheck_user(struct exchange *e, struct grant *grant, bool *still,
		 struct err *err) MUST_USE;

#endif
