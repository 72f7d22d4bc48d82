/* SPDX-License-Identifier: MIT */
/* Templates of HTML pages. */
#ifndef HTTP_HTML_H
#define HTTP_HTML_H

#include "base/base.h"

struct buf;
struct html_var;

/* The rows of a list: the variables of row i begin at vars[i * width]. */
struct html_list {
	const struct html_var *vars;
	size_t width, rows;
};

struct html_var {
	const char *name;
	struct str value; /* text, which is escaped */
	/* HTML that is written in place of `value`, except in attributes; p is
	 * NULL: none. Only our own code makes it. */
	struct str markup;
	const struct html_list *list; /* NULL: not a list */
};

#define HTML_VALUE(n, v) ((struct html_var){ .name = (n), .value = (v) })
#define HTML_LIST(n, l)	 ((struct html_var){ .name = (n), .list = (l) })
/* A value that only shows or hides a part. */
#define HTML_FLAG(n, on) HTML_VALUE(n, (on) ? STR("1") : STR(""))

/* The variables of a page; a name that is not among them is looked up in
 * `outer`. */
struct html_scope {
	const struct html_var *vars;
	size_t n;
	const struct html_scope *outer; /* NULL: none */
};

/* Where the texts come from. find() returns the text of a key in the form for
 * `count` things (digits, or empty); p is NULL if there is none. */
struct html_texts {
	struct str (*find)(const void *from, struct str key, struct str count);
	const void *from;
};

/*
 * Writes a template.
 *
 *	{{name}}     the value, escaped for the content of elements and for
 *		     attribute values in double quotes
 *	{{:key}}     the text of a key. Each {name} in it becomes the value of
 *		     that variable, escaped and in a <bdi> element; without the
 *		     element in attributes and if `plain` is set. The variable
 *		     `n` selects the plural form.
 *	{{*name}}    the text whose key is the value; nothing for an empty value
 *	{{#name}}    ... {{/name}} is omitted when the value is empty. If the
 *		     variable is a list, it is written once for each row, with
 *		     the variables of the row.
 *	{{^name}}    ... {{/name}} is omitted unless the value is empty
 *	{{! ... }}   a comment, which is omitted
 *
 * A section must not contain another one of its name. The tags of sections and
 * comments may be inside an HTML comment, so that a browser that shows the
 * template does not show them:
 *
 *	<!--{{#name}}-->
 *	<p>You are {{name}}.</p>
 *	<!--{{/name}}-->
 *
 * The HTML comment and the newline after it are then omitted, too. A name
 * without a variable has an empty value.
 */
void html_template(struct buf *out, struct str text,
		   const struct html_scope *scope,
		   const struct html_texts *texts, bool plain);

/* Adds text, escaped as html_template() does. */
void html_escape(struct buf *out, struct str text);

/*
 * Removes the text before the next tag, and the tag, from *rest; *tag is
 * without its braces. Returns false when there is no further tag, or if its end
 * is missing (*tag.p is not NULL then).
 */
bool html_take_tag(struct str *rest, struct str *before, struct str *tag);

#endif
