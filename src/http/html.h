/* SPDX-License-Identifier: MIT */
/* HTML text. */
#ifndef HTTP_HTML_H
#define HTTP_HTML_H

#include "base/base.h"

struct buf;

/*
 * Writes a template.  `{{name}}` becomes the value, escaped for the content of
 * elements and for values of attributes in double quotes.
 * `{{#name}}...{{/name}}` is left out when the value is empty; a section does
 * not hold another one of its name.  `{{! ... }}` is a comment, which is left
 * out.  The tags of sections and comments may be in an HTML comment, so that a
 * browser does not show them in a template:
 *
 *	<!--{{#name}}-->
 *	<p>You are {{name}}.</p>
 *	<!--{{/name}}-->
 *
 * Then the HTML comment and the end of its line are left out, too.  A name that
 * is not in `vars` is a bug of ours (assert).
 */
struct html_var {
	const char *name;
	struct str value;
};

void html_template(struct buf *out, struct str text,
		   const struct html_var *vars, size_t n);

#endif
