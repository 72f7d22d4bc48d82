/* SPDX-License-Identifier: MIT */
/* Escapes HTML text and writes templates. */
#include "http/html.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

static const char *
entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

static void
escape(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		const char *text = entity(s.p[i]);

		if (text != NULL)
			buf_add_cstr(out, text);
		else
			buf_add_char(out, s.p[i]);
	}
}

/* Returns the position of `what`, or s.n. */
static size_t
html_find(struct str s, const char *what)
{
	const char *at = s.n > 0 ? memmem(s.p, s.n, what, strlen(what)) : NULL;

	return at != NULL ? (size_t)(at - s.p) : s.n;
}

/* Returns true for the tag of a section and for a comment. */
static bool
is_mark(struct str tag)
{
	return tag.n > 0 &&
	       (tag.p[0] == '#' || tag.p[0] == '/' || tag.p[0] == '!');
}

/* Removes the HTML comment around a tag, and the end of its line. */
static void
take_comment(struct str *rest, struct str *before)
{
	struct str open = STR("<!--"), close = STR("-->");

	if (!str_ends(*before, open) || !str_starts(*rest, close))
		return;
	before->n -= open.n;
	*rest = str_skip(*rest, close.n);
	if (str_starts(*rest, STR("\n")))
		*rest = str_skip(*rest, 1);
}

/*
 * Removes the text before the next tag, and the tag, from *rest; *tag is
 * without its braces. Returns false when there is no further tag.
 */
static bool
take_tag(struct str *rest, struct str *before, struct str *tag)
{
	size_t open = html_find(*rest, "{{"), close;

	*before = (struct str){ .p = rest->p, .n = open };
	if (open == rest->n)
		return false;
	*rest = str_skip(*rest, open + 2);
	close = html_find(*rest, "}}");
	assert(close < rest->n);
	*tag = (struct str){ .p = rest->p, .n = close };
	*rest = str_skip(*rest, close + 2);
	if (is_mark(*tag))
		take_comment(rest, before);
	return true;
}

static struct str
value_of(struct str name, const struct html_var *vars, size_t n)
{
	size_t i = 0;

	while (i < n && !str_eq(str_from(vars[i].name), name))
		i++;
	assert(i < n);
	return vars[i].value;
}

/* Moves *rest behind the end of the section `name`. */
static void
skip_section(struct str *rest, struct str name)
{
	struct str before, tag;

	do {
		bool more = take_tag(rest, &before, &tag);

		assert(more);
	} while (!str_starts(tag, STR("/")) || !str_eq(str_skip(tag, 1), name));
}

void
html_template(struct buf *out, struct str text, const struct html_var *vars,
	      size_t n)
{
	struct str before, tag;

	while (take_tag(&text, &before, &tag)) {
		bool mark = is_mark(tag);
		struct str name = str_skip(tag, mark ? 1 : 0), value;

		buf_add(out, before);
		if (mark && tag.p[0] == '!')
			continue;
		value = value_of(name, vars, n);
		if (!mark)
			escape(out, value);
		else if (tag.p[0] == '#' && value.n == 0)
			skip_section(&text, name);
	}
	buf_add(out, before);
}
