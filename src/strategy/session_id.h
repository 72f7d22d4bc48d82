/* SPDX-License-Identifier: MIT */
/*
 * Session ids: 48 bits of time in milliseconds, so that of two sessions the
 * older has the lower id; then 8 bits, the shard of the user; then 72 random
 * bits.
 *
 * The shard is a hash of the user name without a key. A store that is
 * distributed over servers uses it to keep all data of one user together, and
 * to find that data by the user name as well as by a session id. A session id
 * thus discloses 8 bits about the user name. All versions of the service must
 * compute the same shard.
 */
#ifndef STRATEGY_SESSION_ID_H
#define STRATEGY_SESSION_ID_H

#include "strategy/session_store.h"

#define SESSION_SHARDS 256

int session_id_make(const struct env *env, int64_t now_ms, struct str user,
		    struct session_id *out, struct err *err) MUST_USE;

/* Returns when the session began, in milliseconds since the epoch. */
int64_t session_id_time_ms(const struct session_id *id);

/* Return the shard of the session's user, and of a user name. The shard of a
 * forged id is arbitrary. */
uint8_t session_id_shard(const struct session_id *id);
uint8_t session_shard_of(struct str user);

#endif
