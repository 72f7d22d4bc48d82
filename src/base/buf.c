/* SPDX-License-Identifier: MIT */
/* A growing byte string in an arena. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"

void
buf_init(struct buf *b, struct arena *a, size_t max)
{
	*b = (struct buf){ .arena = a, .max = max };
}

/* Makes room for n more bytes; on failure sets b->failed. */
static bool
reserve(struct buf *b, size_t n)
{
	size_t cap;
	char *p;

	if (b->failed || n > b->max - b->n) {
		b->failed = true;
		return false;
	}
	if (n <= b->cap - b->n)
		return true;
	cap = b->cap < 128 ? 256 : 2 * b->cap;
	if (cap < b->n + n)
		cap = b->n + n;
	p = arena_alloc(b->arena, cap);
	if (p == NULL) {
		b->failed = true;
		return false;
	}
	if (b->n > 0)
		memcpy(p, b->p, b->n);
	b->p = p;
	b->cap = cap;
	return true;
}

char *
buf_extend(struct buf *b, size_t n)
{
	char *p;

	if (!reserve(b, n))
		return NULL;
	p = b->p + b->n;
	b->n += n;
	return p;
}

void
buf_add(struct buf *b, struct str s)
{
	if (s.n == 0 || !reserve(b, s.n))
		return;
	memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
}

void
buf_add_cstr(struct buf *b, const char *s)
{
	buf_add(b, (struct str){ .p = s, .n = strlen(s) });
}

void
buf_add_char(struct buf *b, char c)
{
	buf_add(b, (struct str){ .p = &c, .n = 1 });
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !reserve(b, (size_t)n + 1)) {
		b->failed = true;
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap); /* it fits */
	va_end(ap);
	b->n += (size_t)n;
}

struct str
buf_str(const struct buf *b)
{
	return (struct str){ .p = b->p != NULL ? b->p : "", .n = b->n };
}

bool
buf_failed(const struct buf *b)
{
	return b->failed;
}
