/* SPDX-License-Identifier: MIT */
/* Denied tokens in the memory store. Callers must hold the lock of the
 * store. */
#ifndef BACKENDS_MEMORY_DENIALS_H
#define BACKENDS_MEMORY_DENIALS_H

#include "strategy/session_store.h"

#define DENIAL_BUCKETS 1024

struct memory_denied_key {
	struct memory_denied_key *next; /* in the bucket */
	int64_t issued_ms, until_ms;
	size_t n;
	char key[];
};

/* All zero means empty. */
struct memory_denials {
	struct memory_denied_key *buckets[DENIAL_BUCKETS];
};

void memory_denials_destroy(struct memory_denials *t);

/* These implement the operations deny, denied and sweep for one key. */
int memory_denials_add(struct memory_denials *t, const struct denial *denial,
		       struct err *err) MUST_USE;
bool memory_denials_has(const struct memory_denials *t, struct str key,
			int64_t issued_ms, int64_t now_ms);
size_t memory_denials_sweep(struct memory_denials *t, int64_t now_ms,
			    size_t limit);

#endif
