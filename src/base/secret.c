/* SPDX-License-Identifier: MIT */
/* Handling of bytes that must not leak. */
#include "base/secret.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

bool
secret_equal(struct str a, struct str b)
{
	volatile unsigned char difference = 0;

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		difference =
		    (unsigned char)(difference | ((unsigned char)a.p[i] ^
						  (unsigned char)b.p[i]));
	}
	return difference == 0;
}

void
secret_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}

void
secret_free(void *p)
{
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}
