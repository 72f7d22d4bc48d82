/* SPDX-License-Identifier: MIT */
/* Fills struct settings from the file, using the tables. */
#include "conf/settings.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "conf/checks.h"
#include "conf/factors.h"
#include "os/file.h"
#include "conf/loader.h"
#include "conf/suggest.h"
#include "conf/problems.h"
#include "conf/sections.h"

static const struct settings_driver *
find_driver(const struct settings_driver *v, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(name, str_from(v[i].name)))
			return &v[i];
	}
	return NULL;
}

/* Returns the driver that the selector of the section names; NULL after a
 * problem. */
static const struct settings_driver *
choose(const struct loader *l, const struct ini_section *in,
       const struct tables_selector *selector)
{
	const struct ini_entry *e = fill_find(l, in, selector->key, "");
	struct str name = e != NULL ? e->value : str_from(selector->def);
	struct place at = fill_place(l, in, selector->key);
	const struct settings_driver *v, *d;
	struct buf known;
	size_t n;

	v = tables_drivers(l->drivers, selector->kind, &n);
	d = find_driver(v, n, name);
	if (d != NULL && d->compiled)
		return d;
	buf_init(&known, l->arena, 512);
	for (size_t i = 0; i < n; i++) {
		if (d == NULL || v[i].compiled)
			buf_printf(&known, " %s", v[i].name);
	}
	name.n = name.n > 64 ? 64 : name.n;
	problems_add(l->problems, &at, "%.*s is %s:%.*s", STR_ARG(name),
		     d == NULL ? "unknown; known are" :
				 "not compiled in; compiled in are",
		     STR_ARG(buf_str(&known)));
	return NULL;
}

static void
load_section(const struct loader *l, const struct tables_section *t)
{
	struct scope scope = { .in = fill_find_section(l, t->name),
			       .selector = t->selector };
	struct settings_choice choice = { .driver = NULL };

	scope.tables[0].options = t->options;
	scope.tables[0].base = (char *)l->out + t->offset;
	scope.ntables = 1;
	if (t->selector != NULL)
		choice.driver = choose(l, &scope.in, t->selector);
	if (choice.driver == NULL || t->selector->own_section)
		fill_section(l, &scope);
	else
		choice.conf = fill_driver(l, &scope, choice.driver);
	if (t->selector != NULL) {
		*(struct settings_choice *)((char *)l->out +
					    t->selector->choice) = choice;
	}
}

/* Loads the sections of all modes, so that a mistake is found before its mode
 * is chosen. */
static void
load_modes(const struct loader *l)
{
	struct settings *out = l->out;

	out->nmodes = 0;
	out->modes =
	    arena_array(l->arena, l->drivers->nmodes, sizeof(*out->modes));
	if (out->modes == NULL) {
		fill_no_memory(l);
		return;
	}
	for (size_t i = 0; i < l->drivers->nmodes; i++) {
		const struct settings_driver *d = &l->drivers->modes[i];
		struct scope scope = { .in = fill_find_section(l, d->name) };
		const void *conf;

		if (!d->compiled)
			continue;
		conf = fill_driver(l, &scope, d);
		out->modes[out->nmodes++] =
		    (struct settings_choice){ .driver = d, .conf = conf };
		if (out->mode.driver == d)
			out->mode.conf = conf;
	}
}

static void
load_rule(const struct loader *l, const struct ini_section *in,
	  const struct tables_section *t, void *to)
{
	struct rule_settings *rule = to;
	const struct scope scope = {
		.in = *in,
		.tables = { { .options = t->options, .base = rule } },
		.ntables = 1,
	};
	struct place at;

	fill_section(l, &scope);
	rule->name = in->name;
	rule->line = in->line;
	rule->path_line = fill_place(l, in, "path").line;
	rule->regex_line = fill_place(l, in, "path_regex").line;
	rule->require_line = fill_place(l, in, "require").line;
	if (rule->path.n > 0 && rule->path_regex.n > 0) {
		at = fill_place(l, in, "path_regex");
		problems_add(l->problems, &at,
			     "give either path or path_regex, not both");
	}
}

static void
load_link(const struct loader *l, const struct ini_section *in,
	  const struct tables_section *t, void *to)
{
	struct link_settings *link = to;
	const struct scope scope = {
		.in = *in,
		.tables = { { .options = t->options, .base = link } },
		.ntables = 1,
	};

	fill_section(l, &scope);
	link->name = in->name;
	link->url_line = fill_place(l, in, "url").line;
	link->require_line = fill_place(l, in, "require").line;
}

/* How the sections of a kind with names are loaded. */
struct named_kind {
	const char *name;
	size_t size; /* of the struct of one section */
	void (*load)(const struct loader *l, const struct ini_section *in,
		     const struct tables_section *t, void *to);
};

static const struct named_kind rule_kind = {
	.name = "rule", .size = sizeof(struct rule_settings), .load = load_rule
};
static const struct named_kind link_kind = {
	.name = "link", .size = sizeof(struct link_settings), .load = load_link
};

/* Loads all sections of a kind, in the order of the file; *n is their number.
 * Returns NULL, with *n 0, when out of memory. */
static void *
load_named(const struct loader *l, const struct tables_section *t,
	   const struct named_kind *kind, size_t *n)
{
	char *v = arena_array(l->arena, l->ini.nsections, kind->size);

	*n = 0;
	if (v == NULL) {
		fill_no_memory(l);
		return NULL;
	}
	for (size_t i = 0; i < l->ini.nsections; i++) {
		const struct ini_section *in = &l->ini.sections[i];

		if (in->name.n > 0 && str_eq(in->section, str_from(t->name)) &&
		    fill_is_first(l, in))
			kind->load(l, in, t, v + kind->size * (*n)++);
	}
	return v;
}

/* Reports the first link that is one too many for the account page. */
static void
check_links(const struct loader *l)
{
	const struct links_settings *links = &l->out->links;
	size_t bytes = 0;

	for (size_t i = 0; i < links->n; i++) {
		const struct link_settings *link = &links->v[i];
		const struct place at = { .file = l->ini.file,
					  .line = link->url_line,
					  .section = STR("link"),
					  .name = link->name,
					  .key = STR("url") };

		bytes += link->url.n +
			 (link->title.n > 0 ? link->title.n : link->name.n);
		if (i < LINKS_MAX && bytes <= LINKS_MAX_BYTES)
			continue;
		problems_add(l->problems, &at,
			     "the account page has room for %d links whose "
			     "addresses and titles have at most %d bytes "
			     "together; this one is too many",
			     LINKS_MAX, LINKS_MAX_BYTES);
		return;
	}
}

static void
load_section_kind(const struct loader *l, const struct tables_section *t)
{
	const struct ini_section server = fill_find_section(l, "server");

	if (strcmp(t->name, link_kind.name) == 0) {
		l->out->links.v =
		    load_named(l, t, &link_kind, &l->out->links.n);
		check_links(l);
		return;
	}
	l->out->rules.v = load_named(l, t, &rule_kind, &l->out->rules.n);
	l->out->rules.locations_line = fill_place(l, &server, "locations").line;
}

static void
check_section(const struct loader *l, const struct ini_section *s)
{
	const struct settings_drivers *drivers = l->drivers;
	const struct settings_driver *mode =
	    find_driver(drivers->modes, drivers->nmodes, s->section);
	const struct place at = { .file = l->ini.file,
				  .line = s->line,
				  .section = s->section,
				  .name = s->name };
	bool known = mode != NULL, named = false;
	struct nearest near;

	nearest_init(&near, s->section);
	for (size_t i = 0; i < tables_nsections; i++) {
		if (str_eq(s->section, str_from(tables_sections[i].name))) {
			known = true;
			named = tables_sections[i].named;
		}
		nearest_offer(&near, tables_sections[i].name, "");
	}
	for (size_t i = 0; i < drivers->nmodes; i++)
		nearest_offer(&near, drivers->modes[i].name, "");
	if (!known)
		fill_unknown(l, &at, "section", &near);
	else if (s->name.n > 0 && !named)
		problems_add(l->problems, &at, "the section takes no name");
	else if (s->name.n == 0 && named)
		problems_add(l->problems, &at, "the section needs a name");
	else if (mode != NULL && !mode->compiled)
		problems_add(l->problems, &at, "the mode is not compiled in");
}

/* Checks the rules over several options, each of which is valid. */
static void
check_all(const struct loader *l, const struct check_rule *rules, size_t n,
	  void (*tell)(const struct loader *l, struct place at,
		       const struct err *err))
{
	struct err err;

	for (size_t i = 0; i < n; i++) {
		const struct check_rule *r = &rules[i];
		const struct ini_section in = fill_find_section(l, r->section);

		if (r->check(l->out, &err) != 0)
			tell(l, fill_place(l, &in, r->key), &err);
	}
}

static void
settings_fill(const struct loader *l)
{
	for (size_t i = 0; i < l->ini.nsections; i++)
		check_section(l, &l->ini.sections[i]);
	for (size_t i = 0; i < tables_nsections; i++) {
		if (tables_sections[i].named)
			load_section_kind(l, &tables_sections[i]);
		else
			load_section(l, &tables_sections[i]);
	}
	load_modes(l);
	factors_resolve(l);

	/* After another mistake, these checks could report wrong problems. */
	if (l->problems->count > 0)
		return;
	check_all(l, check_rules, check_nrules, fill_error);
	check_all(l, check_warnings, check_nwarnings, fill_warning);
}

struct text {
	struct str bytes;
	const char *name; /* of the file */
	bool world_readable;
};

static int
settings_parse_text(const struct text *text,
		    const struct settings_drivers *drivers, struct arena *a,
		    struct settings *out, struct problems *problems)
{
	struct settings settings = { .file =
					 arena_cstr(a, str_from(text->name)) };
	struct loader l = { .arena = a,
			    .drivers = drivers,
			    .problems = problems,
			    .world_readable = text->world_readable,
			    .ini = { .file = text->name },
			    .out = &settings };

	if (settings.file == NULL ||
	    ini_parse(text->bytes, settings.file, a, &l.ini, problems) != 0)
		fill_no_memory(&l);
	else
		settings_fill(&l);
	if (problems->count > 0)
		return -1;
	*out = settings;
	return 0;
}

int
settings_parse(struct str bytes, const char *name,
	       const struct settings_drivers *drivers, struct arena *a,
	       struct settings *out, struct problems *problems)
{
	const struct text text = { .bytes = bytes, .name = name };

	return settings_parse_text(&text, drivers, a, out, problems);
}

int
settings_load(const char *file, const struct settings_drivers *drivers,
	      struct arena *a, struct settings *out, struct problems *problems)
{
	const struct place at = { .file = file };
	struct text text = { .name = file };
	struct err err;

	if (file_read(file, INI_MAX_BYTES, a, &text.bytes, &text.world_readable,
		      &err) != 0) {
		problems_add(problems, &at, "%s", err.msg);
		return -1;
	}
	return settings_parse_text(&text, drivers, a, out, problems);
}

const void *
settings_mode_conf(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->nmodes; i++) {
		if (str_eq(str_from(s->modes[i].driver->name), str_from(name)))
			return s->modes[i].conf;
	}
	return NULL;
}
