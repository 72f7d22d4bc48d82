/* SPDX-License-Identifier: MIT */
/* The updates of last_seen that are due: a table of fixed size with open
 * addressing by session id. */
#include "auth/last_seen.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (2 * LAST_SEEN_MAX) /* half empty, so that probing ends soon */

struct last_seen {
	pthread_mutex_t lock; /* guards the members below */
	size_t n;
	bool used[SLOTS];
	struct touch slot[SLOTS];
};

struct last_seen *
last_seen_new(void)
{
	struct last_seen *t = calloc(1, sizeof(*t));

	if (t != NULL)
		(void)pthread_mutex_init(&t->lock, NULL); /* cannot fail */
	return t;
}

void
last_seen_free(struct last_seen *t)
{
	if (t == NULL)
		return;
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

/* Returns the slot of this session, or the free slot for it. The end of an id
 * is random, so it serves as the hash. */
static size_t
find_slot(const struct last_seen *t, const struct session_id *id)
{
	uint32_t start;
	size_t at;

	memcpy(&start, id->b + sizeof(id->b) - sizeof(start), sizeof(start));
	at = start % SLOTS;
	while (t->used[at] &&
	       memcmp(t->slot[at].id.b, id->b, sizeof(id->b)) != 0)
		at = (at + 1) % SLOTS;
	return at;
}

bool
last_seen_add(struct last_seen *t, const struct touch *touch)
{
	bool added;
	size_t at;

	(void)pthread_mutex_lock(&t->lock);
	at = find_slot(t, &touch->id);
	added = t->used[at] || t->n < LAST_SEEN_MAX;
	if (added) {
		if (!t->used[at])
			t->n++;
		t->used[at] = true;
		t->slot[at] = *touch;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return added;
}

int64_t
last_seen_find(struct last_seen *t, const struct session_id *id)
{
	int64_t last_seen_ms = 0;
	size_t at;

	(void)pthread_mutex_lock(&t->lock);
	at = find_slot(t, id);
	if (t->used[at])
		last_seen_ms = t->slot[at].last_seen_ms;
	(void)pthread_mutex_unlock(&t->lock);
	return last_seen_ms;
}

size_t
last_seen_take(struct last_seen *t, struct touch out[LAST_SEEN_MAX])
{
	size_t n = 0;

	(void)pthread_mutex_lock(&t->lock);
	if (t->n > 0) {
		for (size_t at = 0; at < SLOTS; at++) {
			if (t->used[at])
				out[n++] = t->slot[at];
		}
		memset(t->used, 0, sizeof(t->used));
		t->n = 0;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return n;
}
