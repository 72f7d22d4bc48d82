/* SPDX-License-Identifier: MIT */
/*
 * The pages under one configuration: templates, texts in all languages, and the
 * files that the pages load. Const after pages_open().
 */
#ifndef PAGES_PAGES_H
#define PAGES_PAGES_H

#include "pages/template.h"

struct arena;
struct buf;
struct html_scope;
struct problems;
struct settings;

struct pages;

/* Opens the pages as [pages] says; everything is allocated in `a`. Returns -1
 * and adds what is wrong to *problems. */
int pages_open(const struct settings *set, struct arena *a, struct pages **out,
	       struct problems *problems) MUST_USE;

/* Returns the language of all pages; NULL if people may choose. */
const struct page_language *pages_fixed(const struct pages *p);

struct page_language {
	const char *tag; /* "de" */
	struct str name; /* in the language itself: "Deutsch" */
	bool right_to_left;
	size_t index;
};

/* Returns the languages, English first. */
const struct page_language *pages_languages(const struct pages *p, size_t *n);

/* Returns the language of a tag; NULL if there is none. */
const struct page_language *pages_language_of(const struct pages *p,
					      struct str tag);

/* Returns the language that an Accept-Language header prefers, or English. */
const struct page_language *pages_negotiate(const struct pages *p,
					    struct str accept);

/* Writes a page in its frame. */
void pages_write(const struct pages *p, enum page page,
		 const struct page_language *lang,
		 const struct html_scope *scope, struct buf *out);

/*
 * Writes a text without HTML, for a mail. Each {name} in it becomes the value
 * of that variable of `scope` itself; one without a variable is left out.
 */
void pages_write_plain(const struct pages *p, const struct page_language *lang,
		       struct str key, const struct html_scope *scope,
		       struct buf *out);

/* A file that the pages load. */
struct page_content {
	const char *type; /* media type */
	struct str text;
	struct str version; /* changes whenever the text does */
};

struct page_logo {
	struct page_content file;
	/* Digits, for the attributes of the image. */
	struct str width, height; /* the width may be empty */
};

/* Returns the logo; NULL: there is none. */
const struct page_logo *pages_logo(const struct pages *p);

const struct page_content *pages_file(const struct pages *p,
				      enum page_file file);

#endif
