/* SPDX-License-Identifier: MIT */
/* Handling of bytes that must not leak. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/base.h"

/* Same content?  Time depends on the lengths only. */
bool secret_equal(struct str a, struct str b) MUST_USE;

/* Overwrites; the compiler may not drop it. */
void secret_wipe(void *p, size_t n);

/* free() that overwrites, for a library that handles secrets; what it has from
 * malloc() others may still give to free() itself.  NULL is allowed. */
void secret_free(void *p);

#endif
