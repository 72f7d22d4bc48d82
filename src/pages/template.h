/* SPDX-License-Identifier: MIT */
/*
 * The pages: HTML files with placeholders (http/html.h), one for each page, and
 * their style sheet. README.md says how to change them.
 */
#ifndef PAGES_TEMPLATE_H
#define PAGES_TEMPLATE_H

#include "base/base.h"

struct buf;
struct html_var;

/* The pages; PAGE_LOGIN is login.html, and so on. */
enum page {
	PAGE_CONTINUE,
	PAGE_FORBIDDEN,
	PAGE_LOGIN,
	PAGE_LOGOUT,
	PAGE_MESSAGE,
	PAGE_SIGNED_OUT,
	PAGE_TOO_LONG,
	PAGE_UNSENT,
	PAGES
};

/* Return the content of the files. */
struct str template_text(enum page page);
struct str template_style(void);

/* Returns the placeholders of a page, with NULL at the end. */
const char *const *template_names(enum page page);

/*
 * Writes a page. The link to the style sheet becomes a <style> element with the
 * text of template_style(), so that a Content-Security-Policy can allow the
 * style by its hash. `vars` must be those of template_names(), in the same
 * order; this is asserted.
 */
void template_write(struct buf *out, enum page page,
		    const struct html_var *vars, size_t n);

#endif
