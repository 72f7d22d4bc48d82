/* SPDX-License-Identifier: MIT */
/* Templates of HTML pages. */
#ifndef HTTP_HTML_H
#define HTTP_HTML_H

#include "base/base.h"

struct buf;

/*
 * Writes a template. `{{name}}` becomes the value, escaped for the content of
 * elements and for attribute values in double quotes. `{{#name}}...{{/name}}`
 * is omitted when the value is empty; a section must not contain another one of
 * its name. `{{! ... }}` is a comment, which is omitted. The tags of sections
 * and comments may be inside an HTML comment, so that a browser that shows the
 * template does not show them:
 *
 *	<!--{{#name}}-->
 *	<p>You are {{name}}.</p>
 *	<!--{{/name}}-->
 *
 * The HTML comment and the newline after it are then omitted, too. Every name
 * must be in `vars`; this is asserted.
 */
struct html_var {
	const char *name;
	struct str value;
};

void html_template(struct buf *out, struct str text,
		   const struct html_var *vars, size_t n);

#endif
