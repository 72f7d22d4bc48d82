/* SPDX-License-Identifier: MIT */
/* Which language a browser prefers. */
#ifndef PAGES_LANGUAGE_H
#define PAGES_LANGUAGE_H

#include "base/base.h"

/*
 * Finds the best of `n` languages for an Accept-Language header (RFC 9110
 * section 12.5.4), by the first subtag alone: zh-CN and zh-Hant are zh. Among
 * equal weights the first one is preferred. Sets *best to its index, and
 * returns false when the header names none of them. A malformed part is
 * skipped; only the first 32 parts are read.
 */
bool language_negotiate(struct str accept, const char *const *languages,
			size_t n, size_t *best);

#endif
