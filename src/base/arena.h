/* SPDX-License-Identifier: MIT */
/*
 * Owns all that one request, or one snapshot, allocates.  Nothing taken from
 * it is freed alone.  One thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"

struct arena;

/* NULL when out of memory.  `limit` bounds the sum of all allocations. */
struct arena *arena_new(size_t limit) MUST_USE;

/* Runs the deferred functions newest first, wipes, frees.  NULL is allowed. */
void arena_free(struct arena *a);

/*
 * As arena_free() and arena_new() in one, but keeps the first block: what a
 * worker does between two requests.
 */
void arena_reset(struct arena *a);

/* Zeroed, aligned for any type; NULL past the limit or out of memory. */
void *arena_alloc(struct arena *a, size_t n) MUST_USE;

/* n elements of `size`, checked for overflow. */
void *arena_array(struct arena *a, size_t n, size_t size) MUST_USE;

/* A NUL-terminated copy; NULL as arena_alloc(). */
char *arena_cstr(struct arena *a, struct str s) MUST_USE;

/* *out becomes a copy of s; 0, or -1 as arena_alloc(). */
int arena_copy(struct arena *a, struct str s, struct str *out) MUST_USE;

/* Ties something that is not memory to the life of the arena. */
int arena_defer(struct arena *a, void (*fn)(void *), void *arg) MUST_USE;

/*
 * Tests: let n more allocations succeed, then none.  This is our torture.
 * Survives arena_reset() so that a whole request can be tortured.
 */
void arena_fail_after(struct arena *a, unsigned n);

/* Tests: true when arena_fail_after() made an allocation fail. */
bool arena_has_failed(const struct arena *a);

#endif
