/* SPDX-License-Identifier: MIT */
/*
 * A growing byte string in an arena. Errors are sticky: callers append without
 * checking and call buf_failed() once at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"

struct arena;

struct buf {
	struct arena *arena;
	char *p;
	size_t n, cap, max;
	bool failed; /* past max, or out of memory */
};

/* Makes an empty buffer that holds at most `max` bytes. */
void buf_init(struct buf *b, struct arena *a, size_t max);

void buf_add(struct buf *b, struct str s);
void buf_add_cstr(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

/* Appends n bytes, which the caller must set, and returns the first of them;
 * NULL when they do not fit. */
char *buf_extend(struct buf *b, size_t n) MUST_USE;

/* Returns the content. It is valid until the next append. */
struct str buf_str(const struct buf *b);

/* Returns true when any appended byte was lost. */
bool buf_failed(const struct buf *b) MUST_USE;

#endif
