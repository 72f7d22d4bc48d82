/* SPDX-License-Identifier: MIT */
/*
 * Credentials that were verified before, in memory: a check of one of them does
 * not ask the store. What makes this safe:
 *
 * Order    every change (strategy/change.h) gets a number, one higher than the
 *          one before, when it is reported. An entry has the number of the last
 *          change before its credential was verified (cache_moment()). It is
 *          valid as long as no change that concerns it has a higher number. So
 *          a change that is reported while a credential is verified makes the
 *          result invalid, whenever it is added.
 * Proof    an entry is believed only while all changes are known to arrive:
 *          the feed of the store has been proven recently, or no other process
 *          can change the store (enum cache_trust).
 * Bounds   the number of entries is fixed. If all are in use, those that were
 *          not used lately make room.
 *
 * A change is found by the hash of its session or user in a table of numbers.
 * Two of them may share a place there, and then a change of one makes the entry
 * of the other invalid too, which costs one question to the store.
 *
 * Only valid credentials are kept, never the credential itself but its SHA-256.
 * Any thread may call the functions.
 */
#ifndef AUTH_CACHE_H
#define AUTH_CACHE_H

#include "strategy/auth_mode.h"
#include "strategy/change.h"

struct cache;

/* Why entries may be believed. */
enum cache_trust {
	CACHE_DOUBT = 0, /* changes may be missing: no entry is believed */
	/* The store has no feed: an entry is believed up to a maximum age. */
	CACHE_AGE,
	CACHE_LOCAL, /* only this process can change the store */
	CACHE_FEED, /* the feed was proven alive, see cache_set_trust() */
};

/* `size` entries at most, at least 1. NULL: out of memory. */
struct cache *cache_new(size_t size) MUST_USE;
void cache_free(struct cache *c); /* NULL is allowed */

/* Reports a change. */
void cache_change(struct cache *c, const struct change *change);

/*
 * Sets why entries of the configuration `generation` are believed, with
 * CACHE_FEED until `until_ms` of the monotonic clock. Those of another
 * configuration are not believed, unless they need no store. If the reason or
 * the configuration is another one than before, earlier entries are dropped.
 * Only one thread may call it.
 */
void cache_set_trust(struct cache *c, uint64_t generation,
		     enum cache_trust trust, int64_t until_ms);

/* Returns the number of the last change that was reported, and counts a miss:
 * to be called before a credential is verified that was not found. */
uint64_t cache_moment(struct cache *c);

/* The question for a credential. */
struct cache_query {
	struct str credential; /* as the client has sent it */
	uint64_t generation; /* of the configuration (struct service) */
	bool stateless; /* it was verified without the store: always believed */
	int64_t max_age_ms; /* with CACHE_AGE; 0: never believed */
	int64_t wall_ms, mono_ms; /* now */
};

/* Finds a credential that was verified and is still valid. The texts are
 * copied into `a`. Returns false, and leaves *out, if there is none. */
bool cache_find(struct cache *c, const struct cache_query *q, struct arena *a,
		struct principal *out) MUST_USE;

/* Adds what was verified after cache_moment() returned `moment`. Does nothing
 * if it would not be believed. */
void cache_add(struct cache *c, const struct cache_query *q, uint64_t moment,
	       const struct principal *principal);

struct cache_counts {
	size_t size, entries;
	uint64_t hits, misses, changes;
	enum cache_trust trust;
};

void cache_count(struct cache *c, int64_t mono_ms, struct cache_counts *out);

#endif
