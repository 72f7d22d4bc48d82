/* SPDX-License-Identifier: MIT */
/* Handling of bytes that must not leak. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/base.h"

/* Compares two secrets; the time depends on their lengths only. */
bool secret_equal(struct str a, struct str b) MUST_USE;

/* Overwrites n bytes with zeros; the compiler may not remove this. */
void secret_wipe(void *p, size_t n);

/* A free() that overwrites the memory first, for libraries that handle secrets.
 * Memory from malloc() may be freed with either function. p may be NULL. */
void secret_free(void *p);

#endif
