/* SPDX-License-Identifier: MIT */
/*
 * A part of the cache: a hash table of fixed size with a lock of its own. Only
 * auth/cache.c uses it, which decides whether an entry is valid.
 */
#ifndef AUTH_CACHE_SHARD_H
#define AUTH_CACHE_SHARD_H

#include "strategy/auth_mode.h"

#include <pthread.h>

#define CACHE_TEXTS 4 /* of an identity */

struct cache_key {
	uint8_t b[32]; /* SHA-256 of the credential */
};

/* An entry, which belongs to the shard and is guarded by its lock. */
struct cache_entry {
	struct cache_key key;
	int64_t wall_ms, mono_ms; /* when the credential was verified */
	uint64_t moment; /* the number of the last change before that */
	uint64_t generation; /* of the configuration at that time */

	/* The principal. The texts of the identity lie behind each other at
	 * `text`, which is allocated: name, roles, e-mail, full name. */
	int64_t expires_ms, ends_ms, auth_ms;
	int64_t last_seen_ms;
	struct session_id session;
	struct password_mark mark;
	char *text;
	uint32_t touch_every_ms;
	uint16_t length[CACHE_TEXTS];
	bool remember;

	bool used_lately;
	uint32_t next; /* number of the next one in its chain; 0: none */
};

/* Entries have the numbers 1 to size, so 0 is none. */
struct cache_shard {
	pthread_mutex_t lock; /* guards all below */
	struct cache_entry *entries;
	uint32_t *heads; /* numbers of the first entries of the chains */
	uint32_t size; /* of both arrays */
	uint32_t used; /* this many entries are in use, the first ones */
	uint32_t hand; /* the entry to be considered for removal next */
	uint64_t hits;
	char apart[64]; /* keeps two shards in different cache lines */
};

/* Prepares a shard for `size` entries, at least 1, in zeroed memory; -1: out of
 * memory. cache_shard_destroy() is admissible in both cases. */
int cache_shard_init(struct cache_shard *s, size_t size) MUST_USE;
void cache_shard_destroy(struct cache_shard *s);

void cache_shard_lock(struct cache_shard *s);
void cache_shard_unlock(struct cache_shard *s);

/* These are called with the lock held. */

/* Returns the entry of this key, or NULL. */
struct cache_entry *cache_shard_find(struct cache_shard *s,
				     const struct cache_key *key);

/* Adds an entry with the key, the moment, the generation and the times of
 * `head`; it replaces the one of the same key. Does nothing if there is no
 * memory for its texts, or if one of them is longer than UINT16_MAX. */
void cache_shard_put(struct cache_shard *s, const struct cache_entry *head,
		     const struct principal *principal);

/* Returns the name of the user. */
struct str cache_entry_user(const struct cache_entry *e);

/* Copies the principal into the arena, and marks the entry as used lately; -1:
 * out of memory. */
int cache_entry_read(struct cache_entry *e, struct arena *a,
		     struct principal *out) MUST_USE;

#endif
