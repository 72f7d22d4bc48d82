/* SPDX-License-Identifier: MIT */
/* Opens the pages and writes them. */
#include "pages/pages.h"

#include <assert.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/problems.h"
#include "conf/settings.h"
#include "http/html.h"
#include "os/file.h"
#include "pages/accent.h"
#include "pages/catalogue.h"
#include "pages/language.h"
#include "pages/logo.h"
#include "pages/own.h"
#include "pages/own_check.h"
#include "pages/own_texts.h"

#define VERSION_MAX 16
#define ACCENT_MAX  256
/* What is written for a logo of unknown size: that of the style sheet. */
#define LOGO_HEIGHT 40
#define LOGO_MAX    (64 * 1024)

struct pages {
	struct template_parts parts[PAGES];
	struct template_frame frame;
	const struct catalogue *texts; /* one for each language */
	struct page_language *languages;
	const char **tags; /* of the languages */
	size_t nlanguages;
	const struct page_language *fixed; /* NULL: people may choose */
	struct page_content files[PAGE_FILES];
	const struct page_logo *logo; /* NULL: none */
};

/* What the pages are made from. */
struct opening {
	const struct settings *set;
	struct own_files own;
	struct arena *a;
	struct problems *problems;
};

static int
pages_problem(const struct opening *o, const char *why)
{
	problems_add(o->problems, &(struct place){ .file = o->set->file }, "%s",
		     why);
	return -1;
}

/* Returns -1 when a template of the directory has a mistake. */
static int
check_own(const struct pages *p, enum page page, struct str built_in,
	  struct str text, const struct opening *o)
{
	const struct own_template own = {
		.page = page,
		.file =
		    own_path(o->own.directory, template_file_name(page), o->a),
		.text = text,
		.built_in = built_in,
		.english = &p->texts[0],
	};

	if (own.file != NULL)
		return own_check(&own, o->problems);
	return pages_problem(o, "out of memory");
}

static int
open_template(struct pages *p, enum page page, const struct opening *o)
{
	struct str text = o->own.pages[page], built_in;
	struct err err;
	bool ok;

	if (template_text(page, o->a, &built_in, &err) != 0)
		return pages_problem(o, err.msg);
	if (text.p == NULL)
		text = built_in;
	else if (check_own(p, page, built_in, text, o) != 0)
		return -1;
	ok = page == PAGE_FRAME ? template_split_frame(text, &p->frame) :
				  template_split(text, &p->parts[page]);
	assert(ok);
	return 0;
}

static int
open_templates(struct pages *p, const struct opening *o)
{
	int rc = 0;

	for (int i = 0; i < PAGES; i++) {
		if (open_template(p, (enum page)i, o) != 0)
			rc = -1;
	}
	return rc;
}

static int
open_languages(struct pages *p, const struct opening *o)
{
	if (own_texts(&o->own, o->a, &p->texts, &p->nlanguages, o->problems) !=
	    0)
		return -1;
	p->languages = arena_array(o->a, p->nlanguages, sizeof(*p->languages));
	p->tags = arena_array(o->a, p->nlanguages, sizeof(*p->tags));
	if (p->languages == NULL || p->tags == NULL)
		return pages_problem(o, "out of memory");
	for (size_t i = 0; i < p->nlanguages; i++) {
		const struct catalogue *c = &p->texts[i];
		const char *direction =
		    catalogue_find(c, STR("language.direction"), STR(""));

		p->tags[i] = c->language;
		p->languages[i] = (struct page_language){
			.tag = c->language,
			.name = str_from(catalogue_find(c, STR("language.name"),
							STR(""))),
			.right_to_left =
			    str_eq(str_from(direction), STR("rtl")),
			.index = i,
		};
	}
	return 0;
}

/* Gives a file its version. */
static int
add_file(struct page_content *file, const char *type, struct str text,
	 struct arena *a, struct err *err)
{
	struct buf version;

	buf_init(&version, a, VERSION_MAX);
	buf_printf(&version, "%08lx", (unsigned long)str_hash(text));
	if (buf_failed(&version))
		return err_nomem(err);
	*file = (struct page_content){ .type = type,
				       .text = text,
				       .version = buf_str(&version) };
	return 0;
}

/* Adds the colours of the site to the style sheet. */
static int
add_accent(struct str color, struct arena *a, struct str *style,
	   struct err *err)
{
	struct buf b;

	if (color.n == 0)
		return 0;
	buf_init(&b, a, style->n + ACCENT_MAX);
	buf_add(&b, *style);
	accent_write(color, &b);
	if (buf_failed(&b))
		return err_nomem(err);
	*style = buf_str(&b);
	return 0;
}

static int
open_files(struct pages *p, const struct opening *o)
{
	static const char *const types[] = {
		[FILE_STYLE] = "text/css; charset=utf-8",
		[FILE_PAGE] = "text/javascript; charset=utf-8",
		[FILE_ICON] = "image/svg+xml",
	};
	struct err err;

	for (int i = 0; i < PAGE_FILES; i++) {
		struct str text = o->own.files[i];

		if (text.p == NULL &&
		    template_file((enum page_file)i, o->a, &text, &err) != 0)
			return pages_problem(o, err.msg);
		if (i == FILE_STYLE &&
		    add_accent(o->set->pages.color, o->a, &text, &err) != 0)
			return pages_problem(o, err.msg);
		if (add_file(&p->files[i], types[i], text, o->a, &err) != 0)
			return pages_problem(o, err.msg);
	}
	return 0;
}

static int
print_size(unsigned n, struct arena *a, struct str *out)
{
	struct buf b;

	buf_init(&b, a, VERSION_MAX);
	buf_printf(&b, "%u", n);
	*out = buf_str(&b);
	return buf_failed(&b) ? -1 : 0;
}

static int
read_logo(const char *path, struct arena *a, struct page_logo *logo,
	  struct err *err)
{
	struct logo kind;
	struct str content;

	if (file_read(path, LOGO_MAX, a, &content, NULL, err) != 0)
		return err_context(err, "%s", path);
	if (!logo_recognise(content, &kind))
		return err_set(err, ERR_CONFIG,
			       "%s: it is neither a PNG nor an SVG image",
			       path);
	if (kind.width > 0 && print_size(kind.width, a, &logo->width) != 0)
		return err_nomem(err);
	if (print_size(kind.height > 0 ? kind.height : LOGO_HEIGHT, a,
		       &logo->height) != 0)
		return err_nomem(err);
	return add_file(&logo->file, kind.type, content, a, err);
}

static int
open_logo(struct pages *p, const struct opening *o)
{
	const char *path = o->set->pages.logo;
	const struct place at = { .file = o->set->file,
				  .section = STR("pages"),
				  .key = STR("logo") };
	struct page_logo *logo;
	struct err err;

	if (path == NULL)
		return 0;
	logo = arena_alloc(o->a, sizeof(*logo));
	if (logo == NULL)
		return pages_problem(o, "out of memory");
	if (read_logo(path, o->a, logo, &err) != 0) {
		problems_add(o->problems, &at, "%s", err.msg);
		return -1;
	}
	p->logo = logo;
	return 0;
}

/* Sets the language of all pages, if the configuration has one. */
static int
fix_language(struct pages *p, const struct opening *o)
{
	const struct place at = { .file = o->set->file,
				  .section = STR("pages"),
				  .key = STR("language") };
	struct str language = o->set->pages.language;

	if (str_eq(language, STR("auto")))
		return 0;
	p->fixed = pages_language_of(p, language);
	if (p->fixed != NULL)
		return 0;
	problems_add(o->problems, &at, "there are no pages in %.*s",
		     STR_ARG(language));
	return -1;
}

int
pages_open(const struct settings *set, struct arena *a, struct pages **out,
	   struct problems *problems)
{
	struct opening o = { .set = set, .a = a, .problems = problems };
	struct pages *p = arena_alloc(a, sizeof(*p));

	if (p == NULL)
		return pages_problem(&o, "out of memory");
	if (own_read(set, a, &o.own, problems) != 0 ||
	    open_languages(p, &o) != 0 || open_templates(p, &o) != 0 ||
	    open_files(p, &o) != 0 || open_logo(p, &o) != 0 ||
	    fix_language(p, &o) != 0)
		return -1;
	*out = p;
	return 0;
}

const struct page_language *
pages_fixed(const struct pages *p)
{
	return p->fixed;
}

const struct page_language *
pages_languages(const struct pages *p, size_t *n)
{
	*n = p->nlanguages;
	return p->languages;
}

const struct page_language *
pages_language_of(const struct pages *p, struct str tag)
{
	for (size_t i = 0; i < p->nlanguages; i++) {
		if (str_eq(str_from(p->tags[i]), tag))
			return &p->languages[i];
	}
	return NULL;
}

const struct page_language *
pages_negotiate(const struct pages *p, struct str accept)
{
	size_t best;

	(void)language_negotiate(accept, p->tags, p->nlanguages, &best);
	return &p->languages[best];
}

/* Returns a text in a language, or else in English. `count` has the digits of a
 * number of things, or is empty. p is NULL when there is no such text. */
static struct str
pages_text(const struct pages *p, const struct page_language *lang,
	   struct str key, struct str count)
{
	const char *text = catalogue_find(&p->texts[lang->index], key, count);

	if (text == NULL)
		text = catalogue_find(&p->texts[0], key, count);
	if (text == NULL)
		return (struct str){ .p = NULL };
	return str_from(text);
}

struct texts_from {
	const struct pages *pages;
	const struct page_language *lang;
};

static struct str
text_from(const void *from, struct str key, struct str count)
{
	const struct texts_from *f = from;

	return pages_text(f->pages, f->lang, key, count);
}

void
pages_write(const struct pages *p, enum page page,
	    const struct page_language *lang, const struct html_scope *scope,
	    struct buf *out)
{
	const struct texts_from from = { .pages = p, .lang = lang };
	const struct html_texts texts = { .find = text_from, .from = &from };
	const struct template_parts *parts = &p->parts[page];

	html_template(out, p->frame.before, scope, &texts, false);
	html_template(out, parts->title, scope, &texts, true);
	html_template(out, p->frame.between, scope, &texts, false);
	html_template(out, parts->main, scope, &texts, false);
	html_template(out, p->frame.after, scope, &texts, false);
}

static struct str
value_of(const struct html_scope *scope, struct str name)
{
	for (size_t i = 0; i < scope->n; i++) {
		if (str_eq(str_from(scope->vars[i].name), name))
			return scope->vars[i].value;
	}
	return STR("");
}

void
pages_write_plain(const struct pages *p, const struct page_language *lang,
		  struct str key, const struct html_scope *scope,
		  struct buf *out)
{
	struct str rest = pages_text(p, lang, key, STR("")), part;

	while (str_cut(&rest, '{', &part)) {
		buf_add(out, part);
		if (str_cut(&rest, '}', &part))
			buf_add(out, value_of(scope, part));
	}
}

const struct page_content *
pages_file(const struct pages *p, enum page_file file)
{
	return &p->files[file];
}

const struct page_logo *
pages_logo(const struct pages *p)
{
	return p->logo;
}
