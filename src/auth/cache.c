/* SPDX-License-Identifier: MIT */
/* Verified credentials in memory: which entries are valid. The entries are in
 * cache_shard.c. */
#include "auth/cache.h"

#include <stdlib.h>
#include <string.h>

#include "auth/cache_shard.h"
#include "crypto/digest.h"

#define SHARDS_MAX    64
#define SHARD_ENTRIES 256 /* fewer entries are not worth another shard */
#define STAMPS_MIN    1024
#define NEVER	      INT64_MIN

/* If the two clocks differ by more than this, the host was suspended, or a
 * clock was set. Slower corrections of a clock stay below it. */
#define SUSPENDED_MS 1000

struct cache {
	/* The number of the last change. */
	_Atomic uint64_t last;
	/* No entry from before this change is valid. */
	_Atomic uint64_t floor;
	/* The number of the last change of each place. */
	_Atomic uint64_t *stamps;
	size_t nstamps; /* a power of 2 */

	_Atomic uint64_t state; /* by state_of() */
	_Atomic uint64_t misses; /* only a counter */
	_Atomic int64_t until_ms; /* with CACHE_FEED */

	struct cache_shard *shards;
	size_t nshards; /* a power of 2 */
	size_t size;
};

static size_t
power_of_2(size_t least)
{
	size_t n = 1;

	while (n < least)
		n *= 2;
	return n;
}

static int
open_shards(struct cache *c, size_t size)
{
	c->nshards = 1;
	while (c->nshards < SHARDS_MAX &&
	       size / (2 * c->nshards) >= SHARD_ENTRIES)
		c->nshards *= 2;
	c->shards = calloc(c->nshards, sizeof(*c->shards));
	if (c->shards == NULL)
		return -1;
	for (size_t i = 0; i < c->nshards; i++) {
		const size_t n = size / c->nshards + (i < size % c->nshards);

		if (cache_shard_init(&c->shards[i], n) != 0)
			return -1;
	}
	return 0;
}

struct cache *
cache_new(size_t size)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->size = size;
	c->nstamps = power_of_2(2 * size > STAMPS_MIN ? 2 * size : STAMPS_MIN);
	/* Memory that is not used yet is not touched, so it costs nothing. */
	c->stamps = calloc(c->nstamps, sizeof(*c->stamps));
	if (c->stamps == NULL || open_shards(c, size) != 0) {
		cache_free(c);
		return NULL;
	}
	return c;
}

void
cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; c->shards != NULL && i < c->nshards; i++)
		cache_shard_destroy(&c->shards[i]);
	free(c->shards);
	free(c->stamps);
	free(c);
}

/* The end of an id is random, so it serves as the hash. */
static _Atomic uint64_t *
stamp_of_session(const struct cache *c, const struct session_id *id)
{
	uint64_t hash;

	memcpy(&hash, id->b + sizeof(id->b) - sizeof(hash), sizeof(hash));
	return &c->stamps[hash & (c->nstamps - 1)];
}

static _Atomic uint64_t *
stamp_of_user(const struct cache *c, struct str user)
{
	return &c->stamps[str_hash(user) & (c->nstamps - 1)];
}

/* Raises *stamp to at least n. */
static void
raise_to(_Atomic uint64_t *stamp, uint64_t n)
{
	uint64_t was = atomic_load(stamp);

	while (was < n && !atomic_compare_exchange_weak(stamp, &was, n))
		continue;
}

void
cache_change(struct cache *c, const struct change *change)
{
	const uint64_t n = atomic_fetch_add(&c->last, 1) + 1;

	switch (change->kind) {
	case CHANGE_SESSION:
		raise_to(stamp_of_session(c, &change->session), n);
		return;
	case CHANGE_USER:
		raise_to(stamp_of_user(c, change->user), n);
		return;
	case CHANGE_ALL:
		break;
	}
	raise_to(&c->floor, n);
}

/* The lowest two bits are the reason, the others those of the generation. */
static uint64_t
state_of(uint64_t generation, enum cache_trust trust)
{
	return generation << 2 | (uint64_t)trust;
}

void
cache_set_trust(struct cache *c, uint64_t generation, enum cache_trust trust,
		int64_t until_ms)
{
	const struct change all = { .kind = CHANGE_ALL };
	const uint64_t state = state_of(generation, trust);

	if (atomic_load(&c->state) != state) {
		/* In this order, no entry from before is believed. */
		atomic_store(&c->state, CACHE_DOUBT);
		atomic_store(&c->until_ms, NEVER);
		cache_change(c, &all);
	}
	atomic_store(&c->until_ms, until_ms);
	atomic_store(&c->state, state);
}

uint64_t
cache_moment(struct cache *c)
{
	atomic_fetch_add_explicit(&c->misses, 1, memory_order_relaxed);
	return atomic_load(&c->last);
}

/* Returns the reason that `state` has, whatever its configuration. */
static enum cache_trust
trust_in(struct cache *c, uint64_t state, int64_t mono_ms)
{
	const enum cache_trust trust = (enum cache_trust)(state & 3);

	if (trust == CACHE_FEED && mono_ms >= atomic_load(&c->until_ms))
		return CACHE_DOUBT;
	return trust;
}

/* Returns the reason for the configuration and the time of the query. */
static enum cache_trust
trust_for(struct cache *c, const struct cache_query *q)
{
	const uint64_t state = atomic_load(&c->state);

	if (state >> 2 != state_of(q->generation, CACHE_DOUBT) >> 2)
		return CACHE_DOUBT;
	return trust_in(c, state, q->mono_ms);
}

/* Returns the earliest time of the monotonic clock at which an entry must have
 * been added to be believed; INT64_MAX: no entry is believed. */
static int64_t
believed_since(struct cache *c, const struct cache_query *q)
{
	if (q->stateless)
		return NEVER;
	switch (trust_for(c, q)) {
	case CACHE_DOUBT:
		break;
	case CACHE_AGE:
		if (q->max_age_ms > 0)
			return q->mono_ms - q->max_age_ms + 1;
		break;
	case CACHE_LOCAL:
	case CACHE_FEED:
		return NEVER;
	}
	return INT64_MAX;
}

static bool
is_valid(const struct cache *c, const struct cache_entry *e)
{
	return e->moment >= atomic_load(&c->floor) &&
	       e->moment >= atomic_load(stamp_of_session(c, &e->session)) &&
	       e->moment >= atomic_load(stamp_of_user(c, cache_entry_user(e)));
}

/* The monotonic clock stands still while the host is suspended, and so does the
 * time for which the feed is proven. The other clock does not. */
static bool
was_suspended_since(const struct cache_entry *e, const struct cache_query *q)
{
	return q->wall_ms - e->wall_ms > q->mono_ms - e->mono_ms + SUSPENDED_MS;
}

/* Ends are decided when an entry is read. If the clock was set back, the mode
 * decides again. */
static bool
is_current(const struct cache_entry *e, const struct cache_query *q,
	   int64_t since_ms)
{
	return e->generation == q->generation && e->mono_ms >= since_ms &&
	       q->wall_ms < e->expires_ms && q->wall_ms >= e->wall_ms &&
	       !was_suspended_since(e, q);
}

static struct cache_shard *
shard_of(const struct cache *c, const struct cache_key *key)
{
	return &c->shards[key->b[0] & (c->nshards - 1)];
}

static struct cache_key
cache_key_of(const struct cache_query *q)
{
	struct cache_key key;

	_Static_assert(sizeof(key.b) == DIGEST_BYTES, "SHA-256");
	digest_sha256(q->credential, key.b);
	return key;
}

bool
cache_find(struct cache *c, const struct cache_query *q, struct arena *a,
	   struct principal *out)
{
	const int64_t since_ms = believed_since(c, q);
	struct cache_entry *e;
	struct cache_shard *s;
	struct cache_key key;
	bool found = false;

	if (since_ms == INT64_MAX)
		return false;
	key = cache_key_of(q);
	s = shard_of(c, &key);
	cache_shard_lock(s);
	e = cache_shard_find(s, &key);
	if (e != NULL && is_current(e, q, since_ms) && is_valid(c, e))
		found = cache_entry_read(e, a, out) == 0;
	s->hits += found ? 1 : 0;
	cache_shard_unlock(s);
	return found;
}

void
cache_add(struct cache *c, const struct cache_query *q, uint64_t moment,
	  const struct principal *principal)
{
	const struct cache_key key = cache_key_of(q);
	struct cache_shard *s = shard_of(c, &key);
	const struct cache_entry head = { .key = key,
					  .moment = moment,
					  .generation = q->generation,
					  .wall_ms = q->wall_ms,
					  .mono_ms = q->mono_ms };

	if (believed_since(c, q) == INT64_MAX)
		return;
	cache_shard_lock(s);
	cache_shard_put(s, &head, principal);
	cache_shard_unlock(s);
}

void
cache_count(struct cache *c, int64_t mono_ms, struct cache_counts *out)
{
	struct cache_counts n = { .size = c->size,
				  .changes = atomic_load(&c->last),
				  .misses = atomic_load(&c->misses),
				  .trust = trust_in(c, atomic_load(&c->state),
						    mono_ms) };

	for (size_t i = 0; i < c->nshards; i++) {
		struct cache_shard *s = &c->shards[i];

		cache_shard_lock(s);
		n.entries += s->used;
		n.hits += s->hits;
		cache_shard_unlock(s);
	}
	*out = n;
}
