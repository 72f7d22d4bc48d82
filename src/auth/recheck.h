/* SPDX-License-Identifier: MIT */
/*
 * Checks that the user of a session is unchanged since the sign-in. Other
 * programs may change users at any time, so the user of each session is looked
 * up again once per [users] recheck.
 *
 * Time is divided into spans of that length, which begin at different times for
 * different sessions. The first request of a session in a span looks the user
 * up and moves the last_seen of the session into the span; from last_seen, the
 * other requests, on all instances, see that this has been done. A sign-in
 * counts as a look-up. If the new last_seen is written late or lost, some more
 * requests look the user up, but never fewer. A last_seen ahead of the clock
 * (seen_ahead()) is ignored.
 */
#ifndef AUTH_RECHECK_H
#define AUTH_RECHECK_H

#include "auth/request_context.h"

/* Returns true when the user must be looked up; `principal` must have
 * last_seen_ms. */
bool recheck_is_due(const struct request_context *ctx,
		    const struct principal *principal);

/*
 * Looks up the user and updates *principal. If the user does not exist any
 * more or is disabled, all their sessions end; if they have another password,
 * the sessions of the old one end (strategy/password_mark.h). In both cases
 * *still is false. If the identity has changed, principal->who and the
 * sessions of the user get the new one. Returns -1 when the user cannot be
 * determined; the request must then be refused.
 */
int recheck_user(struct request_context *ctx, struct principal *principal,
		 bool *still, struct err *err) MUST_USE;

#endif
