/* SPDX-License-Identifier: MIT */
/*
 * The files of this folder that are embedded into the programs: the templates
 * (http/html.h), one for each page, and the files that the pages load.
 * README.md says how to change them.
 */
#ifndef PAGES_TEMPLATE_H
#define PAGES_TEMPLATE_H

#include "base/base.h"

struct arena;
struct err;

/* The pages; PAGE_LOGIN is login.html, and so on. */
enum page {
	PAGE_ACCOUNT,
	PAGE_CONTINUE,
	PAGE_FORGOT,
	PAGE_LOGIN,
	PAGE_LOGOUT,
	PAGE_NEW_PASSWORD,
	PAGE_REFUSAL,
	PAGE_SIGNED_OUT,
	PAGE_TOO_LONG,
	PAGE_UNSENT,
	/* What is around all of them. */
	PAGE_FRAME,
	PAGES
};

/* The files that the pages load; FILE_STYLE is style.css. */
enum page_file { FILE_STYLE, FILE_PAGE, FILE_ICON, PAGE_FILES };

/* Set *out to the content of a file, in `a`. */
int template_text(enum page page, struct arena *a, struct str *out,
		  struct err *err) MUST_USE;
int template_file(enum page_file file, struct arena *a, struct str *out,
		  struct err *err) MUST_USE;

/* Returns the name of the file of a page: "login.html". */
const char *template_file_name(enum page page);

/* Returns the names that a template may use, separated by blanks. The names of
 * PAGE_FRAME may be used in all templates. */
struct str template_names(enum page page);

/* Returns whether a template may use a name. */
bool template_has_name(enum page page, struct str name);

/* The parts of a template that go into the frame: the title and the <main>
 * element. */
struct template_parts {
	struct str title, main;
};

/* Finds the parts of the template of a page. Returns false when one of them is
 * missing. */
bool template_split(struct str text, struct template_parts *out);

/* The frame, split at {{title}} and at {{main}}. */
struct template_frame {
	struct str before, between, after;
};

bool template_split_frame(struct str text, struct template_frame *out);

#endif
