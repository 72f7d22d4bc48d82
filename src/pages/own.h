/* SPDX-License-Identifier: MIT */
/*
 * The files of [pages] directory, which replace the built-in ones or add to
 * them.
 */
#ifndef PAGES_OWN_H
#define PAGES_OWN_H

#include "pages/template.h"

struct problems;
struct settings;

/* The texts of one language, as the file has them. */
struct own_catalogue {
	const char *language; /* "de" */
	const char *file; /* its full name */
	struct str text;
};

struct own_files {
	const char *directory; /* NULL: there is none */
	/* p is NULL for a file that the directory lacks. Newlines are "\n". */
	struct str pages[PAGES];
	struct str files[PAGE_FILES];
	const struct own_catalogue *catalogues; /* sorted by the language */
	size_t ncatalogues;
};

/* Returns the full name of a file of the directory; NULL: out of memory. */
const char *own_path(const char *directory, const char *name, struct arena *a);

/*
 * Reads the files. Returns -1 when one of them cannot be read, is too large, or
 * is not UTF-8, and adds that to *problems; a warning tells of files that
 * nothing uses.
 */
int own_read(const struct settings *set, struct arena *a, struct own_files *out,
	     struct problems *problems) MUST_USE;

#endif
