/* SPDX-License-Identifier: MIT */
/* Reads catalogues, and checks them against the English one. */
#include "pages/own_texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "conf/problems.h"
#include "http/html.h"
#include "pages/plural.h"

#define TEXTS_MAX 2000

struct own_text {
	struct page_text text;
	unsigned line;
};

struct text_reader {
	const struct own_files *own;
	const struct own_catalogue *file;
	struct arena *a;
	struct problems *problems;
	const struct catalogue *built_in; /* English */
	const struct catalogue *english; /* with the texts of the directory */
	struct own_text *v;
	size_t n;
};

static void
text_problem(const struct text_reader *r, unsigned line, const char *key,
	     const char *why)
{
	const struct place at = { .file = r->file->file, .line = line };

	problems_add(r->problems, &at, "%s%s%s", key, key[0] ? ": " : "", why);
}

/* Returns true for "place.name" and "place.name{form}". */
static bool
is_key(struct str s)
{
	struct str name = { .p = s.p, .n = str_find(s, '{') };
	struct str form = str_skip(s, name.n);

	if (!str_is_name(name, "._") || name.p[0] == '.')
		return false;
	if (form.n == 0)
		return true;
	if (form.n < 3 || !str_ends(form, STR("}")))
		return false;
	return str_is_name((struct str){ .p = form.p + 1, .n = form.n - 2 },
			   "");
}

static int
read_line(struct text_reader *r, struct str line, unsigned number)
{
	const char *at = line.n > 0 ? memmem(line.p, line.n, " = ", 3) : NULL;
	struct str key = { .p = line.p };
	struct own_text *t = &r->v[r->n];

	if (line.n == 0 || line.p[0] == '#')
		return 0;
	key.n = at != NULL ? (size_t)(at - line.p) : 0;
	if (at == NULL || !is_key(key)) {
		text_problem(r, number, "", "must be: place.name = text");
		return 0;
	}
	if (str_has_control(line)) {
		text_problem(r, number, "", "has a control character");
		return 0;
	}
	if (r->n == TEXTS_MAX) {
		text_problem(r, number, "", "there are too many texts");
		return -1;
	}
	t->line = number;
	t->text.key = arena_cstr(r->a, key);
	t->text.text = arena_cstr(r->a, str_skip(line, key.n + 3));
	if (t->text.key == NULL || t->text.text == NULL) {
		text_problem(r, number, "", "out of memory");
		return -1;
	}
	r->n++;
	return 0;
}

static int
order_texts(const void *a, const void *b)
{
	const struct own_text *x = a, *y = b;
	int order = strcmp(x->text.key, y->text.key);

	if (order != 0)
		return order;
	return x->line < y->line ? -1 : 1;
}

static int
read_catalogue(struct text_reader *r)
{
	struct str rest = r->file->text, line;
	unsigned number = 0;

	r->n = 0;
	while (rest.n > 0 && str_cut(&rest, '\n', &line)) {
		if (read_line(r, line, ++number) != 0)
			return -1;
	}
	if (r->n > 0)
		qsort(r->v, r->n, sizeof(*r->v), order_texts);
	for (size_t i = 1; i < r->n; i++) {
		if (strcmp(r->v[i - 1].text.key, r->v[i].text.key) == 0)
			text_problem(r, r->v[i].line, r->v[i].text.key,
				     "occurs twice");
	}
	return 0;
}

/* Returns a catalogue with the texts of `old`, which may be NULL, and those
 * that were read; p of *out is NULL when out of memory. */
static struct catalogue
own_merge(const struct text_reader *r, const struct catalogue *old)
{
	size_t n = 0, i = 0, k = 0, nold = old != NULL ? old->n : 0;
	struct page_text *v = arena_array(r->a, nold + r->n + 1, sizeof(*v));

	while (v != NULL && (i < nold || k < r->n)) {
		int order = 1;

		if (k == r->n)
			order = -1;
		else if (i < nold)
			order = strcmp(old->v[i].key, r->v[k].text.key);
		v[n++] = order < 0 ? old->v[i] : r->v[k].text;
		i += order <= 0 ? 1 : 0;
		k += order >= 0 ? 1 : 0;
	}
	return (struct catalogue){ .language = r->file->language,
				   .v = v,
				   .n = n };
}

/* Returns true when a template of the directory names the text. */
static bool
is_in_a_template(const struct own_files *own, struct str key)
{
	for (int i = 0; i < PAGES; i++) {
		struct str rest = own->pages[i], before, tag;

		while (html_take_tag(&rest, &before, &tag)) {
			if (str_starts(tag, STR(":")) &&
			    str_eq(str_skip(tag, 1), key))
				return true;
		}
	}
	return false;
}

/* Returns whether one text has all placeholders of another. A plural form may
 * leave out the number. */
static bool
has_placeholders(struct str of, struct str in, bool plural)
{
	struct str name;

	while (of.n > 0) {
		size_t open = str_find(of, '{');

		of = str_skip(of, open);
		name = (struct str){ .p = of.p, .n = str_find(of, '}') };
		if (name.n == of.n)
			return true;
		name.n++;
		if (!(plural && str_eq(name, STR("{n}"))) &&
		    (in.n == 0 || memmem(in.p, in.n, name.p, name.n) == NULL))
			return false;
		of = str_skip(of, name.n);
	}
	return true;
}

static bool
has_form(const char *language, struct str form)
{
	const char *const *f = plural_forms(language);

	while (*f != NULL && !str_eq(str_from(*f), form))
		f++;
	return *f != NULL;
}

static void
own_check_text(const struct text_reader *r, const struct own_text *t)
{
	struct str full = str_from(t->text.key), form;
	struct str key = { .p = full.p, .n = str_find(full, '{') };
	const char *english = catalogue_find(r->built_in, key, STR(""));
	const struct place at = { .file = r->file->file, .line = t->line };

	form = str_skip(full, key.n);
	if (english == NULL && is_in_a_template(r->own, key))
		english = catalogue_find(r->english, key, STR(""));
	if (english == NULL) {
		problems_warn(r->problems, &at, "%s: no page uses this text",
			      t->text.key);
		return;
	}
	if (!has_placeholders(str_from(english), str_from(t->text.text),
			      form.n > 0) ||
	    !has_placeholders(str_from(t->text.text), str_from(english),
			      form.n > 0))
		text_problem(r, t->line, t->text.key,
			     "the placeholders are not those of the English "
			     "text");
	if (form.n == 0)
		return;
	form = (struct str){ .p = form.p + 1, .n = form.n - 2 };
	if (!has_form(r->file->language, form))
		text_problem(r, t->line, t->text.key,
			     "the language has no such plural form");
}

/* Checks what a language must have itself. */
static void
check_language(const struct text_reader *r, const struct catalogue *c)
{
	struct str direction =
	    str_from(catalogue_find(c, STR("language.direction"), STR("")));

	if (catalogue_find(c, STR("language.name"), STR("")) == NULL)
		text_problem(r, 0, "", "language.name is missing");
	if (!str_eq(direction, STR("ltr")) && !str_eq(direction, STR("rtl")))
		text_problem(r, 0, "", "language.direction must be ltr or rtl");
}

/* Adds the texts of one file to the catalogues v[0..n-1], or as a new one. */
static int
add_catalogue(struct text_reader *r, struct catalogue *v, size_t *n)
{
	size_t i = 0;

	if (read_catalogue(r) != 0)
		return -1;
	while (i < *n && strcmp(v[i].language, r->file->language) != 0)
		i++;
	v[i] = own_merge(r, i < *n ? &v[i] : NULL);
	if (v[i].v == NULL) {
		text_problem(r, 0, "", "out of memory");
		return -1;
	}
	*n += i == *n ? 1 : 0;
	for (size_t k = 0; k < r->n; k++)
		own_check_text(r, &r->v[k]);
	check_language(r, &v[i]);
	return 0;
}

static bool
is_english(const struct own_catalogue *c)
{
	return strcmp(c->language, "en") == 0;
}

int
own_texts(const struct own_files *own, struct arena *a,
	  const struct catalogue **out, size_t *n, struct problems *problems)
{
	size_t before = problems->count, nbuilt_in;
	const struct catalogue *built_in = catalogues(&nbuilt_in);
	struct text_reader r = {
		.own = own, .a = a, .problems = problems, .built_in = built_in
	};
	struct catalogue *v;

	*out = built_in;
	*n = nbuilt_in;
	if (own->ncatalogues == 0)
		return 0;
	v = arena_array(a, nbuilt_in + own->ncatalogues, sizeof(*v));
	r.english = v;
	r.v = arena_array(a, TEXTS_MAX + 1, sizeof(*r.v));
	if (v == NULL || r.v == NULL) {
		problems_add(problems, &(struct place){ .file = "" },
			     "out of memory");
		return -1;
	}
	memcpy(v, built_in, nbuilt_in * sizeof(*v));
	/* The other languages are compared with English. */
	for (int others = 0; others < 2; others++) {
		for (size_t i = 0; i < own->ncatalogues; i++) {
			r.file = &own->catalogues[i];
			if (is_english(r.file) == (others == 1))
				continue;
			if (add_catalogue(&r, v, n) != 0)
				return -1;
		}
	}
	*out = v;
	return problems->count == before ? 0 : -1;
}
