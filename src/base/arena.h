/* SPDX-License-Identifier: MIT */
/*
 * An arena owns all memory that one request, or one snapshot, allocates.
 * Nothing that is taken from it is freed singly. An arena must be used by one
 * thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"

struct arena;

/* Returns NULL when out of memory. `limit` bounds the sum of all allocations,
 * in bytes. */
struct arena *arena_new(size_t limit) MUST_USE;

/* Runs the deferred functions, newest first, then wipes and frees all memory.
 * `a` may be NULL. */
void arena_free(struct arena *a);

/*
 * Does what arena_free() and arena_new() do together, but keeps the first
 * block. A worker calls it between two requests.
 */
void arena_reset(struct arena *a);

/* Returns n zeroed bytes, aligned for any type; NULL past the limit or when out
 * of memory. */
void *arena_alloc(struct arena *a, size_t n) MUST_USE;

/* Returns n zeroed elements of `size` bytes, or NULL like arena_alloc(). The
 * multiplication is checked for overflow. */
void *arena_array(struct arena *a, size_t n, size_t size) MUST_USE;

/* Returns a NUL-terminated copy, or NULL like arena_alloc(). */
char *arena_cstr(struct arena *a, struct str s) MUST_USE;

/*
 * Sets *out to a copy of s. Returns 0, or -1 where arena_alloc() returns NULL.
 */
int arena_copy(struct arena *a, struct str s, struct str *out) MUST_USE;

/*
 * Registers fn(arg) to be called when the arena is freed or reset: for
 * resources other than memory. Returns 0, or -1 where arena_alloc() returns
 * NULL; fn is not called then.
 */
int arena_defer(struct arena *a, void (*fn)(void *), void *arg) MUST_USE;

/*
 * For tests: the next n allocations succeed, all later ones fail. The setting
 * survives arena_reset(), so that a test can make any allocation of a whole
 * request fail.
 */
void arena_fail_after(struct arena *a, unsigned n);

/* For tests: returns true when arena_fail_after() made an allocation fail. */
bool arena_has_failed(const struct arena *a);

#endif
