/* SPDX-License-Identifier: MIT */
/* One-time secrets in the memory factor store. Callers must hold the lock of
 * the store. */
#ifndef BACKENDS_MEMORY_ONE_TIME_H
#define BACKENDS_MEMORY_ONE_TIME_H

#include "strategy/factor_store.h"

struct memory_one_time_secret {
	struct memory_one_time_secret *next;
	struct one_time is; /* the texts point to `texts` */
	bool alone;
	char texts[];
};

/* All zero means empty. */
struct memory_one_time {
	struct memory_one_time_secret *first;
};

void memory_one_time_destroy(struct memory_one_time *t);

/* These implement the operations one_time_put, _peek, _take and _void,
 * remove_user and sweep. A secret that was taken is removed. */
int memory_one_time_put(struct memory_one_time *t, const struct one_time *s,
			bool alone, int64_t now_ms, struct err *err) MUST_USE;
int memory_one_time_find(struct memory_one_time *t, const struct call *c,
			 const struct one_time *key, bool take,
			 struct one_time_answer *out, struct err *err) MUST_USE;
size_t memory_one_time_void(struct memory_one_time *t, struct str user,
			    unsigned kinds);
size_t memory_one_time_sweep(struct memory_one_time *t, int64_t now_ms,
			     size_t limit);

#endif
