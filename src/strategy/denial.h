/* SPDX-License-Identifier: MIT */
/*
 * Stateless tokens that were revoked (session_store.h, deny): the keys by which
 * a token is revoked, and how a new token avoids the revocations of earlier
 * ones.
 */
#ifndef STRATEGY_DENIAL_H
#define STRATEGY_DENIAL_H

#include "strategy/call.h"
#include "strategy/store.h"
#include "base/enc.h"

/* Writes "sid:HEX", the key of the tokens of one session. */
#define DENIAL_SESSION_KEY (sizeof("sid:") - 1 + HEX_LEN(SESSION_ID_BYTES))
struct str denial_session_key(const struct session_id *id,
			      char out[DENIAL_SESSION_KEY]);

/* Returns the key of the tokens of a user, or, if user.p is NULL, of all users.
 * It is allocated in `a`; .p is NULL if out of memory. */
struct str denial_user_key(struct str user, struct arena *a);

/* Finds out whether the tokens of this session of this user were revoked. */
int denial_covers(const struct call *c, struct str user,
		  const struct session_id *session, bool *denied,
		  struct err *err) MUST_USE;

/*
 * Makes the id of a session that begins now and that no earlier revocation of
 * the tokens of this user, or of all users, covers. A revocation covers tokens
 * that are issued up to `leeway` seconds later, because the clocks of other
 * hosts may be ahead. The id of a session that begins within that time gets a
 * time `leeway` seconds ahead: after the revocation, and not so late that the
 * next revocation does not cover it.
 */
int denial_session_id(const struct call *c, struct str user, int64_t leeway,
		      struct session_id *out, struct err *err) MUST_USE;

#endif
