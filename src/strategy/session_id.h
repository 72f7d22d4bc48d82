/* SPDX-License-Identifier: MIT */
/*
 * Ids of sessions: 48 bits of time, so that of two sessions the older has the
 * lower id, then 80 random bits.
 */
#ifndef STRATEGY_SESSION_ID_H
#define STRATEGY_SESSION_ID_H

#include "strategy/session_store.h"

int session_id_make(const struct env *env, int64_t now_ms,
		    struct session_id *out, struct err *err) MUST_USE;

/* When the session began. */
int64_t session_id_time_ms(const struct session_id *id);

#endif
