/* SPDX-License-Identifier: MIT */
/*
 * A bump allocator over a list of blocks. When it is built with ARENA_EACH
 * (sanitizer builds), every allocation is a separate malloc(), so that the
 * sanitizer detects overruns inside the arena.
 */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK 8192
#define ALIGNMENT   _Alignof(max_align_t)

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	max_align_t data[];
};

struct deferred {
	struct deferred *next;
	void (*fn)(void *);
	void *arg;
};

struct arena {
	struct arena_block *blocks; /* newest first; the first block is last */
	struct deferred *deferred;
	size_t limit, total;
	bool torture, failed;
	unsigned left; /* if torture is set: allocations left that succeed */
};

static struct arena_block *
block_new(size_t size)
{
	struct arena_block *b = malloc(sizeof(*b) + size);

	if (b == NULL)
		return NULL;
	b->next = NULL;
	b->used = 0;
	b->size = size;
	return b;
}

struct arena *
arena_new(size_t limit)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a != NULL)
		a->limit = limit;
	return a;
}

static void
run_deferred(struct arena *a)
{
	while (a->deferred != NULL) {
		struct deferred *d = a->deferred;

		a->deferred = d->next;
		d->fn(d->arg);
	}
}

void
arena_reset(struct arena *a)
{
	run_deferred(a);
	while (a->blocks != NULL) {
		struct arena_block *b = a->blocks;

		explicit_bzero(b->data, b->used);
#ifndef ARENA_EACH
		if (b->next == NULL && b->size == FIRST_BLOCK) {
			b->used = 0;
			break;
		}
#endif
		a->blocks = b->next;
		free(b);
	}
	a->total = 0;
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	arena_reset(a);
	free(a->blocks);
	free(a);
}

static struct arena_block *
grow(struct arena *a, size_t n)
{
	struct arena_block *b;

#ifdef ARENA_EACH
	b = block_new(n);
#else
	size_t size = a->blocks == NULL ? FIRST_BLOCK : 2 * a->blocks->size;

	if (size > 256 * 1024)
		size = 256 * 1024;
	b = block_new(n > size ? n : size);
#endif
	if (b == NULL)
		return NULL;
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

static void *
arena_fail(struct arena *a)
{
	a->failed = true;
	return NULL;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->blocks;
	size_t need = n;
	char *p;

	if (a->torture) {
		if (a->left == 0)
			return arena_fail(a);
		a->left--;
	}
	if (need > a->limit - a->total)
		return NULL;
#ifndef ARENA_EACH
	need = (need + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (b == NULL || need > b->size - b->used)
		b = grow(a, need);
#else
	b = grow(a, need);
#endif
	if (b == NULL)
		return NULL;
	p = (char *)b->data + b->used;
	b->used += need;
	a->total += n;
	memset(p, 0, need);
	return p;
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size)
		return NULL;
	return arena_alloc(a, n * size);
}

char *
arena_cstr(struct arena *a, struct str s)
{
	char *p;

	if (s.n == SIZE_MAX)
		return NULL;
	p = arena_alloc(a, s.n + 1);
	if (p != NULL && s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

int
arena_copy(struct arena *a, struct str s, struct str *out)
{
	char *p = arena_cstr(a, s);

	if (p == NULL)
		return -1;
	*out = (struct str){ .p = p, .n = s.n };
	return 0;
}

int
arena_defer(struct arena *a, void (*fn)(void *), void *arg)
{
	struct deferred *d = arena_alloc(a, sizeof(*d));

	if (d == NULL)
		return -1;
	*d = (struct deferred){ .next = a->deferred, .fn = fn, .arg = arg };
	a->deferred = d;
	return 0;
}

void
arena_fail_after(struct arena *a, unsigned n)
{
	a->torture = true;
	a->failed = false;
	a->left = n;
}

bool
arena_has_failed(const struct arena *a)
{
	return a->failed;
}
