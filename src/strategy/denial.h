/* SPDX-License-Identifier: MIT */
/*
 * Stateless tokens that were ended before their time (session_store.h, deny):
 * which keys a token answers to, and how one that is made now stands behind
 * what has been ended.
 */
#ifndef STRATEGY_DENIAL_H
#define STRATEGY_DENIAL_H

#include "strategy/call.h"
#include "strategy/store.h"
#include "base/enc.h"

/* "sid:HEX", of one session. */
#define DENIAL_SESSION_KEY (sizeof("sid:") - 1 + HEX_LEN(SESSION_ID_BYTES))
struct str denial_session_key(const struct session_id *id,
			      char out[DENIAL_SESSION_KEY]);

/* Of a user, or (user.p NULL) of everybody; from `a`.  {} out of memory. */
struct str denial_user_key(struct str user, struct arena *a);

/* Were the tokens of this user's session ended before their time? */
int denial_covers(const struct call *c, struct str user,
		  const struct session_id *session, bool *denied,
		  struct err *err) MUST_USE;

/*
 * The id of a session that begins now, of which no earlier end of this user or
 * of everybody is true.  An end reaches `leeway` seconds ahead, for the hosts
 * whose clock is; who signs in within that time begins behind it, and no later
 * than the next end reaches.
 */
int denial_session_id(const struct call *c, struct str user, int64_t leeway,
		      struct session_id *out, struct err *err) MUST_USE;

#endif
