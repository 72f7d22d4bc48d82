/* SPDX-License-Identifier: MIT */
/* HTML text. */
#ifndef HTTP_HTML_H
#define HTTP_HTML_H

#include "base/base.h"

struct buf;

/* For element content and for attribute values in double quotes. */
void html_escape(struct buf *out, struct str s);

/*
 * Writes a template: `{{name}}` becomes the value, escaped; `{{&name}}` the
 * value as it is (it must be HTML of our own making); `{{#name}}...{{/name}}`
 * is left out when the value is empty.  No nesting of the same name.  A name
 * that is not in `vars` is a bug of ours (assert).
 */
struct html_var {
	const char *name;
	struct str value;
};

void html_template(struct buf *out, struct str text,
		   const struct html_var *vars, size_t n);

#endif
