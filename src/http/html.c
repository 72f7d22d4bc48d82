/* SPDX-License-Identifier: MIT */
/* Escapes HTML text and writes templates. */
#include "http/html.h"

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

void
html_escape(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		const char *name = entity(text.p[i]);

		if (name != NULL)
			buf_add_cstr(out, name);
		else
			buf_add_char(out, text.p[i]);
	}
}

/* Returns the position of `what`, or s.n. */
static size_t
html_find(struct str s, const char *what)
{
	const char *at = s.n > 0 ? memmem(s.p, s.n, what, strlen(what)) : NULL;

	return at != NULL ? (size_t)(at - s.p) : s.n;
}

/* Returns true for the tags of sections and for comments. */
static bool
is_mark(struct str tag)
{
	return tag.n > 0 && strchr("#^/!", tag.p[0]) != NULL;
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

bool
html_take_tag(struct str *rest, struct str *before, struct str *tag)
{
	size_t open = html_find(*rest, "{{"), close;

	*before = (struct str){ .p = rest->p, .n = open };
	*tag = (struct str){ .p = NULL };
	if (open == rest->n)
		return false;
	*rest = str_skip(*rest, open + 2);
	close = html_find(*rest, "}}");
	*tag = (struct str){ .p = rest->p, .n = close };
	if (close == rest->n)
		return false;
	*rest = str_skip(*rest, close + 2);
	if (is_mark(*tag))
		take_comment(rest, before);
	return true;
}

struct writer {
	struct buf *out;
	const struct html_texts *texts;
	const char *start; /* of the template */
	bool plain;
};

static const struct html_var *
html_var_of(const struct html_scope *scope, struct str name)
{
	for (; scope != NULL; scope = scope->outer) {
		for (size_t i = 0; i < scope->n; i++) {
			if (str_eq(str_from(scope->vars[i].name), name))
				return &scope->vars[i];
		}
	}
	return NULL;
}

static struct str
html_value(const struct html_scope *scope, struct str name)
{
	const struct html_var *var = html_var_of(scope, name);

	return var != NULL ? var->value : STR("");
}

/* Returns true when the place is inside of a tag of HTML, or when the whole
 * template is plain text. */
static bool
html_is_plain(const struct writer *w, const char *at)
{
	if (w->plain)
		return true;
	while (at > w->start && at[-1] != '<' && at[-1] != '>')
		at--;
	return at > w->start && at[-1] == '<';
}

static void
write_var(const struct writer *w, const struct html_var *var, bool plain)
{
	if (plain) {
		html_escape(w->out, var->value);
		return;
	}
	buf_add(w->out, STR("<bdi>"));
	if (var->markup.p != NULL)
		buf_add(w->out, var->markup);
	else
		html_escape(w->out, var->value);
	buf_add(w->out, STR("</bdi>"));
}

/* Writes a text with the values of its placeholders. A placeholder that has no
 * value stays as it is. */
static void
write_filled(const struct writer *w, struct str text,
	     const struct html_scope *scope, bool plain)
{
	struct str part;

	for (;;) {
		size_t open = str_find(text, '{'), close;
		const struct html_var *var;

		html_escape(w->out, (struct str){ .p = text.p, .n = open });
		if (open == text.n)
			return;
		text = str_skip(text, open);
		close = str_find(text, '}');
		part = str_skip((struct str){ .p = text.p, .n = close }, 1);
		var = html_var_of(scope, part);
		if (var != NULL && close < text.n) {
			write_var(w, var, plain);
			text = str_skip(text, close + 1);
		} else {
			buf_add_char(w->out, '{');
			text = str_skip(text, 1);
		}
	}
}

static void
write_text(const struct writer *w, struct str key,
	   const struct html_scope *scope, bool plain)
{
	struct str text;

	if (key.n == 0 || w->texts == NULL)
		return;
	text = w->texts->find(w->texts->from, key, html_value(scope, STR("n")));
	if (text.p != NULL)
		write_filled(w, text, scope, plain);
}

/* Moves *rest behind the end of the section `name`, and returns its content. */
static struct str
take_section(struct str *rest, struct str name)
{
	struct str inner = { .p = rest->p }, before, tag;

	for (;;) {
		if (!html_take_tag(rest, &before, &tag)) {
			*rest = str_skip(*rest, rest->n);
			break;
		}
		if (str_starts(tag, STR("/")) && str_eq(str_skip(tag, 1), name))
			break;
	}
	inner.n = (size_t)(before.p + before.n - inner.p);
	return inner;
}

static void write_part(const struct writer *w, struct str text,
		       const struct html_scope *scope);

static void
write_rows(const struct writer *w, struct str inner,
	   const struct html_list *list, const struct html_scope *scope)
{
	for (size_t i = 0; i < list->rows; i++) {
		const struct html_scope row = { .vars = list->vars +
							i * list->width,
						.n = list->width,
						.outer = scope };

		write_part(w, inner, &row);
	}
}

static void
write_section(const struct writer *w, struct str inner, struct str tag,
	      const struct html_scope *scope)
{
	const struct html_var *var = html_var_of(scope, str_skip(tag, 1));
	const struct html_list *list = var != NULL ? var->list : NULL;
	bool filled =
	    var != NULL && (list != NULL ? list->rows > 0 : var->value.n > 0);

	if (tag.p[0] == '^' && !filled)
		write_part(w, inner, scope);
	else if (tag.p[0] == '#' && filled && list != NULL)
		write_rows(w, inner, list, scope);
	else if (tag.p[0] == '#' && filled)
		write_part(w, inner, scope);
}

static void
write_tag(const struct writer *w, struct str tag,
	  const struct html_scope *scope)
{
	struct str rest = str_skip(tag, 1);
	bool plain = html_is_plain(w, tag.p - 2);

	if (str_starts(tag, STR(":")))
		write_text(w, rest, scope, plain);
	else if (str_starts(tag, STR("*")))
		write_text(w, html_value(scope, rest), scope, plain);
	else
		html_escape(w->out, html_value(scope, tag));
}

static void
write_part(const struct writer *w, struct str text,
	   const struct html_scope *scope)
{
	struct str before, tag;

	while (html_take_tag(&text, &before, &tag)) {
		buf_add(w->out, before);
		if (str_starts(tag, STR("#")) || str_starts(tag, STR("^")))
			write_section(w, take_section(&text, str_skip(tag, 1)),
				      tag, scope);
		else if (!is_mark(tag))
			write_tag(w, tag, scope);
	}
	buf_add(w->out, before);
}

void
html_template(struct buf *out, struct str text, const struct html_scope *scope,
	      const struct html_texts *texts, bool plain)
{
	const struct writer w = {
		.out = out, .texts = texts, .start = text.p, .plain = plain
	};

	write_part(&w, text, scope);
}
