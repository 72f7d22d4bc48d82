/* SPDX-License-Identifier: MIT */
/*
 * Ids of sessions: 48 bits of time, so that of two sessions the older has the
 * lower id; 8 bits, the shard of the user; then 72 random bits.
 *
 * The shard is a hash of the user's name without a key.  A store that is
 * spread over servers keeps what is of one user together by it, and finds that
 * by the name as well as by an id.  Whoever knows an id learns so much about
 * the name; instances of all versions have to agree on it.
 */
#ifndef STRATEGY_SESSION_ID_H
#define STRATEGY_SESSION_ID_H

#include "strategy/session_store.h"

#define SESSION_SHARDS 256

int session_id_make(const struct env *env, int64_t now_ms, struct str user,
		    struct session_id *out, struct err *err) MUST_USE;

/* When the session began. */
int64_t session_id_time_ms(const struct session_id *id);

/* Of the session's user; an id that was made up has any. */
uint8_t session_id_shard(const struct session_id *id);
uint8_t session_shard_of(struct str user);

#endif
