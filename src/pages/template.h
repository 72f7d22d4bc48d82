/* SPDX-License-Identifier: MIT */
/*
 * The pages as files: HTML with placeholders (http/html.h), one file a page,
 * and their style sheet.  README.md says how to work on them.
 */
#ifndef PAGES_TEMPLATE_H
#define PAGES_TEMPLATE_H

#include "base/base.h"

struct buf;
struct html_var;

/* login.html is PAGE_LOGIN. */
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

/* What the files hold. */
struct str template_text(enum page page);
struct str template_style(void);

/* The placeholders of a page, with NULL at the end. */
const char *const *template_names(enum page page);

/*
 * Writes a page.  The link to the style sheet becomes a <style> element with
 * the text of template_style(), so a Content-Security-Policy can allow the
 * style by its hash.  `vars` are those of template_names(), in the same order
 * (assert).
 */
void template_write(struct buf *out, enum page page,
		    const struct html_var *vars, size_t n);

#endif
