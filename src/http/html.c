/* SPDX-License-Identifier: MIT */
/* HTML text: escaping and templates. */
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

/* Position of `what`, or s.n. */
static size_t
find(struct str s, const char *what)
{
	const char *at = s.n > 0 ? memmem(s.p, s.n, what, strlen(what)) : NULL;

	return at != NULL ? (size_t)(at - s.p) : s.n;
}

/* A section's tag, or a comment. */
static bool
is_mark(struct str tag)
{
	return tag.n > 0 &&
	    (tag.p[0] == '#' || tag.p[0] == '/' || tag.p[0] == '!');
}

/* The HTML comment around a mark is part of it, and so is the line's end. */
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
 * Takes text and the tag after it off *rest; the tag without its braces.
 * False when there was no tag any more.
 */
static bool
take_tag(struct str *rest, struct str *before, struct str *tag)
{
	size_t open = find(*rest, "{{"), close;

	*before = (struct str){ .p = rest->p, .n = open };
	if (open == rest->n)
		return false;
	*rest = str_skip(*rest, open + 2);
	close = find(*rest, "}}");
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

/* Past the end of the section `name` that *rest is in. */
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
