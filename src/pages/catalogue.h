/* SPDX-License-Identifier: MIT */
/*
 * Catalogues: the texts of the pages in one language each, as files of lines
 * `place.name = text`. README.md says how they are written.
 */
#ifndef PAGES_CATALOGUE_H
#define PAGES_CATALOGUE_H

#include "base/base.h"

struct page_text {
	const char *key; /* "ban.left{one}": with the plural form, if any */
	const char *text;
};

struct catalogue {
	const char *language; /* "de" */
	const struct page_text *v; /* sorted by the key */
	size_t n;
};

/* Returns the built-in catalogues; the first one is English. */
const struct catalogue *catalogues(size_t *n);

/* Returns the catalogue of a language, or NULL. */
const struct catalogue *catalogue_of(const struct catalogue *v, size_t n,
				     struct str language);

/*
 * Finds the text of a key. For a number of things, `count` has its digits;
 * then the form of the language for that number is preferred. Returns NULL when
 * there is no text. `c` may be NULL.
 */
const char *catalogue_find(const struct catalogue *c, struct str key,
			   struct str count);

#endif
