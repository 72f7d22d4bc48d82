/* SPDX-License-Identifier: MIT */
/*
 * Every source file includes this first, through its own header: the feature
 * macros must be set before any system header is read.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE     __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Returns the smaller one. */
static inline int64_t
min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Borrowed bytes: they are not NUL-terminated and not owned. The struct is
 * passed by value. */
struct str {
	const char *p;
	size_t n;
};

#endif
