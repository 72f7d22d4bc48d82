/* SPDX-License-Identifier: MIT */
/* Adds the texts of [pages] directory to the built-in catalogues. */
#ifndef PAGES_OWN_TEXTS_H
#define PAGES_OWN_TEXTS_H

#include "pages/catalogue.h"
#include "pages/own.h"

/*
 * Makes the catalogues of all languages: a text of the directory replaces the
 * built-in one. Returns -1 when a file is malformed, or a text has other
 * placeholders than the English one, or plural forms that the language does
 * not have, and adds that to *problems; a warning tells of texts that nothing
 * uses.
 */
int own_texts(const struct own_files *own, struct arena *a,
	      const struct catalogue **out, size_t *n,
	      struct problems *problems) MUST_USE;

#endif
