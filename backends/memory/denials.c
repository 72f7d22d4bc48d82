/* SPDX-License-Identifier: MIT */
/* A hash table of denials, which each check of a stateless token reads. */
#include "backends/memory/denials.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a. An attacker cannot fill a bucket: the keys are session ids, which
 * are random, and names of existing users. */
static size_t
memory_denials_bucket(struct str key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < key.n; i++)
		hash = (hash ^ (uint8_t)key.p[i]) * UINT64_C(0x100000001b3);
	return hash % DENIAL_BUCKETS;
}

void
memory_denials_destroy(struct memory_denials *t)
{
	(void)memory_denials_sweep(t, INT64_MAX, SIZE_MAX); /* removes all */
}

static struct memory_denied_key *
memory_denials_find(const struct memory_denials *t, struct str key)
{
	struct memory_denied_key *d = t->buckets[memory_denials_bucket(key)];

	while (d != NULL &&
	       !str_eq((struct str){ .p = d->key, .n = d->n }, key))
		d = d->next;
	return d;
}

static struct memory_denied_key *
memory_denials_find_or_add(struct memory_denials *t, struct str key)
{
	struct memory_denied_key *d = memory_denials_find(t, key),
				 **at = &t->buckets[memory_denials_bucket(key)];

	if (d != NULL)
		return d;
	d = calloc(1, sizeof(*d) + key.n);
	if (d == NULL)
		return NULL;
	d->issued_ms = d->until_ms = INT64_MIN;
	d->n = key.n;
	memcpy(d->key, key.p, key.n);
	d->next = *at;
	*at = d;
	return d;
}

int
memory_denials_add(struct memory_denials *t, const struct denial *denial,
		   struct err *err)
{
	struct memory_denied_key *d =
	    memory_denials_find_or_add(t, denial->key);

	if (d == NULL)
		return err_nomem(err);
	if (d->issued_ms < denial->issued_ms)
		d->issued_ms = denial->issued_ms;
	if (d->until_ms < denial->until_ms)
		d->until_ms = denial->until_ms;
	return 0;
}

bool
memory_denials_has(const struct memory_denials *t, struct str key,
		   int64_t issued_ms, int64_t now_ms)
{
	const struct memory_denied_key *d = memory_denials_find(t, key);

	return d != NULL && issued_ms <= d->issued_ms && now_ms < d->until_ms;
}

static size_t
sweep_bucket(struct memory_denied_key **at, int64_t now_ms, size_t limit)
{
	size_t removed = 0;

	while (*at != NULL && removed < limit) {
		struct memory_denied_key *d = *at;

		if (now_ms < d->until_ms) {
			at = &d->next;
			continue;
		}
		*at = d->next;
		free(d);
		removed++;
	}
	return removed;
}

size_t
memory_denials_sweep(struct memory_denials *t, int64_t now_ms, size_t limit)
{
	size_t removed = 0;

	for (size_t i = 0; i < ARRAY_LEN(t->buckets) && removed < limit; i++)
		removed +=
		    sweep_bucket(&t->buckets[i], now_ms, limit - removed);
	return removed;
}
