/* SPDX-License-Identifier: MIT */
/* Rules for counting a sign-in, which all stores share. Only stores include
 * this file. */
#ifndef STRATEGY_LOGIN_KEYS_H
#define STRATEGY_LOGIN_KEYS_H

#include "strategy/clock.h"
#include "strategy/session_store.h"

/* The times that a store reads for a sign-in: the end of the known network, the
 * end of the ban of the first key, that of the key `known`, and the latest end
 * of a ban of the other keys. A time is 0 if there is no such network or ban,
 * or if it has expired; the end of a network may also be in the past. */
enum login_fact {
	LOGIN_NETWORK,
	LOGIN_FIRST_BAN,
	LOGIN_KNOWN_BAN,
	LOGIN_OTHER_BAN,
	LOGIN_FACTS
};

static inline struct login_standing
login_standing_of(const struct login_keys *k, int64_t now_ms,
		  const int64_t facts[LOGIN_FACTS])
{
	struct login_standing s = { .known = false };
	int64_t user;

	if (facts[LOGIN_NETWORK] > now_ms)
		s.known_until_ms = facts[LOGIN_NETWORK];
	s.known = s.known_until_ms > 0 &&
		  s.known_until_ms <= latest_ms(now_ms, k->known_ms);
	user = facts[s.known ? LOGIN_KNOWN_BAN : LOGIN_FIRST_BAN];
	s.banned_until_ms =
	    user > facts[LOGIN_OTHER_BAN] ? user : facts[LOGIN_OTHER_BAN];
	return s;
}

/* Returns the key that is counted at index i. */
static inline struct str
login_key_of(const struct login_keys *k, const struct login_standing *s,
	     size_t i)
{
	return i == 0 && s->known ? k->known : k->v[i].key;
}

/* Decides from the attempts in c->v[] whether the sign-in is counted, and sets
 * c->counted. If a ban began after c->standing was read, stores its end there.
 * When c->counted is false, the caller must undo these attempts. */
static inline void
login_settle(const struct login_keys *k, struct login_count *c)
{
	c->counted = true;
	for (size_t i = 0; i < k->n; i++) {
		const struct attempt *a = &c->v[i];

		if (a->banned_until_ms > c->standing.banned_until_ms)
			c->standing.banned_until_ms = a->banned_until_ms;
		if (a->banned_until_ms > 0 || a->count > k->v[i].max)
			c->counted = false;
	}
}

#endif
