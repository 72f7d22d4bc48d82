/* SPDX-License-Identifier: MIT */
/* Regulation in the memory store. Callers must hold the lock of the store. */
#ifndef BACKENDS_MEMORY_ATTEMPTS_H
#define BACKENDS_MEMORY_ATTEMPTS_H

#include "strategy/session_store.h"

struct memory_counter {
	struct memory_counter *next;
	int64_t count;
	bool banned;
	int64_t ends; /* of the window or, when banned, of the ban */
	size_t n;
	char key[];
};

struct memory_attempts {
	struct memory_counter *first;
};

void memory_attempts_destroy(struct memory_attempts *t);

/* These implement the operations of the same names. */
int memory_attempts_count(struct memory_attempts *t, const struct call *c,
			  struct str key, const struct attempt_policy *policy,
			  struct attempt *out, struct err *err) MUST_USE;
void memory_attempts_give_back(const struct memory_attempts *t, struct str key,
			       int64_t ends_ms);
int64_t memory_attempts_banned(const struct memory_attempts *t, struct str key,
			       int64_t ban_ms, int64_t now_ms);
bool memory_attempts_reset(struct memory_attempts *t, struct str key);
int memory_attempts_bans(const struct memory_attempts *t, const struct call *c,
			 int64_t ban_ms, size_t limit, struct ban_list *out,
			 struct err *err) MUST_USE;
size_t memory_attempts_sweep(struct memory_attempts *t, int64_t now_ms,
			     size_t limit);

#endif
