/* SPDX-License-Identifier: MIT */
/* Checks a template. */
#include "pages/own_check.h"

#include <string.h>

#include "base/str.h"
#include "conf/problems.h"
#include "http/html.h"
#include "pages/catalogue.h"

#define DEPTH_MAX 16
#define CSRF	  "{{csrf}}"

struct checker {
	const struct own_template *t;
	struct problems *problems;
	struct str open[DEPTH_MAX]; /* the sections around this place */
	size_t depth;
};

static struct place
place_at(const struct checker *c, const char *at)
{
	struct place place = { .file = c->t->file, .line = 1 };

	for (const char *p = c->t->text.p; p < at; p++)
		place.line += *p == '\n' ? 1 : 0;
	return place;
}

static void
own_check_name(const struct checker *c, struct str tag, struct str name)
{
	const struct place at = place_at(c, tag.p);

	if (c->t->page == PAGE_FRAME &&
	    (str_eq(name, STR("title")) || str_eq(name, STR("main"))))
		return;
	if (!template_has_name(c->t->page, name))
		problems_add(c->problems, &at,
			     "{{%.*s}}: the page has no value of this name",
			     STR_ARG(tag));
}

static void
open_section(struct checker *c, struct str tag)
{
	const struct place at = place_at(c, tag.p);
	struct str name = str_skip(tag, 1);

	own_check_name(c, tag, name);
	for (size_t i = 0; i < c->depth && i < DEPTH_MAX; i++) {
		if (str_eq(str_skip(c->open[i], 1), name))
			problems_add(c->problems, &at,
				     "{{%.*s}}: is inside of a section of the "
				     "same name",
				     STR_ARG(tag));
	}
	if (c->depth == DEPTH_MAX)
		problems_add(c->problems, &at,
			     "{{%.*s}}: is inside of too many sections",
			     STR_ARG(tag));
	else
		c->open[c->depth++] = tag;
}

static void
close_section(struct checker *c, struct str tag)
{
	const struct place at = place_at(c, tag.p);

	if (c->depth > 0 &&
	    str_eq(str_skip(c->open[c->depth - 1], 1), str_skip(tag, 1)))
		c->depth--;
	else
		problems_add(c->problems, &at,
			     "{{%.*s}}: does not end the section before it",
			     STR_ARG(tag));
}

static void
check_tag(struct checker *c, struct str tag)
{
	const struct place at = place_at(c, tag.p);
	struct str rest = str_skip(tag, 1);

	if (str_starts(tag, STR("!")))
		return;
	if (str_starts(tag, STR("#")) || str_starts(tag, STR("^")))
		open_section(c, tag);
	else if (str_starts(tag, STR("/")))
		close_section(c, tag);
	else if (str_starts(tag, STR("*")))
		own_check_name(c, tag, rest);
	else if (!str_starts(tag, STR(":")))
		own_check_name(c, tag, tag);
	else if (catalogue_find(c->t->english, rest, STR("")) == NULL)
		problems_add(c->problems, &at,
			     "{{%.*s}}: there is no text of this name",
			     STR_ARG(tag));
}

static void
check_tags(struct checker *c)
{
	struct str rest = c->t->text, before, tag;

	while (html_take_tag(&rest, &before, &tag))
		check_tag(c, tag);
	if (tag.p != NULL) {
		const struct place at = place_at(c, tag.p);

		problems_add(c->problems, &at, "{{ without }}");
	}
	for (size_t i = 0; i < c->depth; i++) {
		const struct place at = place_at(c, c->open[i].p);

		problems_add(c->problems, &at, "{{%.*s}}: has no end",
			     STR_ARG(c->open[i]));
	}
}

static bool
holds(struct str text, struct str what)
{
	return text.n > 0 && memmem(text.p, text.n, what.p, what.n) != NULL;
}

/* Requires a part of the built-in template, once. */
static void
require_part(const struct checker *c, struct str part)
{
	const struct place at = { .file = c->t->file };
	struct str before = { .p = c->t->built_in.p,
			      .n = (size_t)(part.p - c->t->built_in.p) };

	if (!holds(before, part) && !holds(c->t->text, part))
		problems_add(c->problems, &at, "%.*s is missing",
			     STR_ARG(part));
}

/* Requires the tags of the built-in template whose text the program selects,
 * and the value against forged forms. */
static void
require_tags(const struct checker *c)
{
	struct str rest = c->t->built_in, before, tag;

	while (html_take_tag(&rest, &before, &tag)) {
		if (str_starts(tag, STR("*")) || str_eq(tag, STR("csrf")))
			require_part(c, (struct str){ .p = tag.p - 2,
						      .n = tag.n + 4 });
	}
}

/* Removes the text up to the next `what` from *s; false: there is none. */
static bool
skip_to(struct str *s, const char *what)
{
	const char *at =
	    s->n > 0 ? memmem(s->p, s->n, what, strlen(what)) : NULL;

	if (at == NULL)
		return false;
	*s = str_skip(*s, (size_t)(at - s->p));
	return true;
}

/* Requires the fields of the built-in template. */
static void
require_fields(const struct checker *c)
{
	struct str rest = c->t->built_in, body = rest;

	/* The names in the head are those of <meta>. */
	if (!skip_to(&body, "<body>"))
		return;
	rest = body;
	while (skip_to(&rest, " name=\"")) {
		struct str field = str_skip(rest, 1);

		rest = str_skip(field, strlen("name=\""));
		field.n = strlen("name=\"") + str_find(rest, '"') + 1;
		require_part(c, field);
	}
}

/* Requires the addresses of the forms of the built-in template that lead to
 * another page. */
static void
require_actions(const struct checker *c)
{
	struct str rest = c->t->built_in;

	while (skip_to(&rest, " action=\"")) {
		struct str action = str_skip(rest, 1);

		rest = str_skip(action, strlen("action=\""));
		action.n = strlen("action=\"") + str_find(rest, '"') + 1;
		require_part(c, action);
	}
}

/* Requires the value against forged forms in each form. */
static void
require_csrf(const struct checker *c)
{
	struct str rest = c->t->text;

	if (!template_has_name(c->t->page, STR("csrf")))
		return;
	while (skip_to(&rest, "<form")) {
		const struct place at = place_at(c, rest.p);
		struct str form = { .p = rest.p }, tag = form;

		tag.n = str_find(rest, '>');
		if (!skip_to(&rest, "</form>")) {
			problems_add(c->problems, &at, "the form has no end");
			return;
		}
		form.n = (size_t)(rest.p - form.p);
		if (holds(tag, STR("\"post\"")) && !holds(form, STR(CSRF)))
			problems_add(c->problems, &at, "the form has no " CSRF);
	}
}

static void
check_split(const struct checker *c)
{
	const struct place at = { .file = c->t->file };
	struct template_frame frame;
	struct template_parts parts;

	if (c->t->page != PAGE_FRAME && !template_split(c->t->text, &parts))
		problems_add(c->problems, &at,
			     "needs <title>, </title> and, on lines of their "
			     "own, <body> and </body>");
	if (c->t->page == PAGE_FRAME &&
	    !template_split_frame(c->t->text, &frame))
		problems_add(c->problems, &at,
			     "needs {{title}} and, on a line of its own, "
			     "{{main}}");
}

int
own_check(const struct own_template *t, struct problems *problems)
{
	struct checker c = { .t = t, .problems = problems };
	size_t before = problems->count;

	check_tags(&c);
	check_split(&c);
	require_tags(&c);
	require_fields(&c);
	require_actions(&c);
	require_csrf(&c);
	return problems->count == before ? 0 : -1;
}
