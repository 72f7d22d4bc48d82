/* SPDX-License-Identifier: MIT */
/* Fills struct settings from the file by the tables. */
#include "conf/settings.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "conf/checks.h"
#include "conf/file.h"
#include "conf/ini.h"
#include "conf/nearest.h"
#include "conf/problems.h"
#include "conf/tables.h"

struct loader {
	struct arena *arena;
	const struct settings_drivers *drivers;
	struct problems *problems;
	struct ini ini;
	bool world_readable; /* the file */
	struct settings *out;
};

/* The keys of one section, and the structs they fill. */
struct scope {
	struct str section;
	struct {
		const struct option *options;
		void *base;
	} tables[2];
	size_t ntables;
	const struct tables_selector *selector;	   /* or NULL */
	const struct settings_driver *driver;	   /* chosen by it, or NULL */
};

static const struct ini_entry *
find_entry(const struct ini *ini, struct str section, const char *key,
	   const char *suffix)
{
	for (size_t i = 0; i < ini->nentries; i++) {
		const struct ini_entry *e = &ini->entries[i];

		if (e->name.n == 0 && str_eq(e->section, section) &&
		    str_starts(e->key, str_from(key)) &&
		    str_eq(str_skip(e->key, str_from(key).n),
			   str_from(suffix)))
			return e;
	}
	return NULL;
}

static struct place
place_of(const struct loader *l, const struct ini_entry *e)
{
	return (struct place){ .file = l->ini.file,
			       .line = e->line,
			       .section = e->section,
			       .name = e->name,
			       .key = e->key };
}

/* The line of the key if it is there, else that of its section. */
static struct place
place_of_key(const struct loader *l, struct str section, const char *key)
{
	const struct ini_entry *e = find_entry(&l->ini, section, key, "");
	struct place at = { .file = l->ini.file,
			    .section = section,
			    .key = str_from(key) };

	for (size_t i = 0; i < l->ini.nsections; i++) {
		if (str_eq(l->ini.sections[i].section, section))
			at.line = l->ini.sections[i].line;
	}
	if (e != NULL)
		at.line = e->line;
	return at;
}

static void
add_error(const struct loader *l, struct place at, const struct err *err)
{
	problems_add(l->problems, &at, "%s", err->msg);
}

static void
add_no_memory(const struct loader *l)
{
	const struct place at = { .file = l->ini.file };

	problems_add(l->problems, &at, "out of memory");
}

static const struct settings_driver *
find_driver(const struct settings_driver *v, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(name, str_from(v[i].name)))
			return &v[i];
	}
	return NULL;
}

static void
unknown_name(const struct loader *l, const struct place *at, const char *what,
	     const struct nearest *near)
{
	bool found = near->name != NULL;

	problems_add(l->problems, at, "unknown %s%s%s%s", what,
		     found ? "; did you mean " : "", found ? near->name : "",
		     found ? near->suffix : "");
}

static void
offer_keys(struct nearest *near, const struct option *table)
{
	for (const struct option *o = table; o->name != NULL; o++) {
		nearest_offer(near, o->name, "");
		if (o->type == OPT_SECRET)
			nearest_offer(near, o->name, "_file");
	}
}

/* The option whose key, or whose `key_file`, this is. */
static const struct option *
find_option(const struct option *table, struct str key, bool *from_file)
{
	const struct str suffix = STR("_file");
	const struct option *o = option_find(table, key);

	*from_file = false;
	if (o != NULL || !str_ends(key, suffix))
		return o;
	key.n -= suffix.n;
	o = option_find(table, key);
	*from_file = true;
	return o != NULL && o->type == OPT_SECRET ? o : NULL;
}

static void
unknown_key(const struct loader *l, const struct scope *scope,
	    const struct ini_entry *e)
{
	const struct place at = place_of(l, e);
	const struct settings_driver *v = NULL;
	struct nearest near;
	bool from_file;
	size_t n = 0;

	nearest_init(&near, e->key);
	for (size_t i = 0; i < scope->ntables; i++)
		offer_keys(&near, scope->tables[i].options);
	if (scope->selector != NULL) {
		nearest_offer(&near, scope->selector->key, "");
		v = tables_drivers(l->drivers, scope->selector->kind, &n);
	}
	for (size_t i = 0; i < n && !scope->selector->own_section; i++) {
		if (v[i].options == NULL ||
		    find_option(v[i].options, e->key, &from_file) == NULL)
			continue;
		problems_add(l->problems, &at,
			     "belongs to driver %s, and the driver is %s",
			     v[i].name, scope->driver->name);
		return;
	}
	unknown_name(l, &at, "key", &near);
}

static int
set_from_file(const struct loader *l, const struct option *o, void *base,
	      const struct ini_entry *e, struct err *err)
{
	struct str secret;

	if (find_entry(&l->ini, e->section, o->name, "") != NULL) {
		return err_set(err, ERR_CONFIG,
			       "give either %s or %s_file, not both", o->name,
			       o->name);
	}
	if (e->value.n == 0)
		return 0;
	if (file_read_secret(e->value, l->arena, &secret, err) != 0)
		return -1;
	return option_set(o, base, secret, l->arena, err);
}

static int
set_literal(const struct loader *l, const struct option *o, void *base,
	    const struct ini_entry *e, struct err *err)
{
	if (o->type == OPT_SECRET && e->value.n > 0 && l->world_readable) {
		return err_set(err, ERR_CONFIG,
			       "is a secret in a file that everybody may read; "
			       "chmod o-r the file, or use %s_file",
			       o->name);
	}
	return option_set(o, base, e->value, l->arena, err);
}

static void
apply_entry(const struct loader *l, const struct scope *scope,
	    const struct ini_entry *e)
{
	struct err err;

	if (scope->selector != NULL &&
	    str_eq(e->key, str_from(scope->selector->key)))
		return; /* read before, to know the driver */
	for (size_t i = 0; i < scope->ntables; i++) {
		void *base = scope->tables[i].base;
		const struct option *o;
		bool from_file;
		int rc;

		o = find_option(scope->tables[i].options, e->key, &from_file);
		if (o == NULL)
			continue;
		rc = from_file ? set_from_file(l, o, base, e, &err)
			       : set_literal(l, o, base, e, &err);
		if (rc != 0)
			add_error(l, place_of(l, e), &err);
		return;
	}
	/* Of a driver that is not there, no key can be told. */
	if (scope->selector == NULL || scope->selector->own_section ||
	    scope->driver != NULL)
		unknown_key(l, scope, e);
}

static void
require_keys(const struct loader *l, const struct scope *scope,
	     const struct option *table, const void *base)
{
	struct place at;

	for (const struct option *o = table; o->name != NULL; o++) {
		/* What is there but wrong has its problem already. */
		if ((o->flags & OPTION_REQUIRED) == 0 ||
		    !option_is_empty(o, base) ||
		    find_entry(&l->ini, scope->section, o->name, "") != NULL)
			continue;
		at = place_of_key(l, scope->section, o->name);
		if (o->type != OPT_SECRET ||
		    find_entry(&l->ini, scope->section, o->name, "_file") ==
			NULL)
			problems_add(l->problems, &at, "must be set");
	}
}

/* Defaults, the file's entries, what is missing. */
static void
fill(const struct loader *l, const struct scope *scope)
{
	const struct place at = place_of_key(l, scope->section, "");
	struct err err;

	for (size_t i = 0; i < scope->ntables; i++) {
		if (option_defaults(scope->tables[i].options,
				    scope->tables[i].base, l->arena,
				    &err) != 0)
			add_error(l, at, &err);
	}
	for (size_t i = 0; i < l->ini.nentries; i++) {
		const struct ini_entry *e = &l->ini.entries[i];

		if (e->name.n == 0 && str_eq(e->section, scope->section))
			apply_entry(l, scope, e);
	}
	for (size_t i = 0; i < scope->ntables; i++) {
		require_keys(l, scope, scope->tables[i].options,
			     scope->tables[i].base);
	}
}

/* fill() with the struct of a driver, which joins the scope. */
static const void *
fill_driver(const struct loader *l, struct scope *scope,
	    const struct settings_driver *d)
{
	const size_t before = l->problems->count;
	void *conf = arena_alloc(l->arena, d->size);
	struct err err;

	if (conf == NULL) {
		add_no_memory(l);
		return NULL;
	}
	scope->driver = d;
	if (d->options != NULL) {
		scope->tables[scope->ntables].options = d->options;
		scope->tables[scope->ntables].base = conf;
		scope->ntables++;
	}
	fill(l, scope);
	if (l->problems->count == before && d->check != NULL &&
	    d->check(conf, &err) != 0)
		add_error(l, place_of_key(l, scope->section, ""), &err);
	return conf;
}

/* The driver that the section's selector names; NULL after a problem. */
static const struct settings_driver *
choose(const struct loader *l, struct str section,
       const struct tables_selector *selector)
{
	const struct ini_entry *e =
	    find_entry(&l->ini, section, selector->key, "");
	struct str name = e != NULL ? e->value : str_from(selector->def);
	struct place at = place_of_key(l, section, selector->key);
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
		     d == NULL ? "unknown; known are"
			       : "not compiled in; compiled in are",
		     STR_ARG(buf_str(&known)));
	return NULL;
}

static void
load_section(const struct loader *l, const struct tables_section *t)
{
	struct scope scope = { .section = str_from(t->name),
			       .selector = t->selector };
	struct settings_choice choice = { .driver = NULL };

	scope.tables[0].options = t->options;
	scope.tables[0].base = (char *)l->out + t->offset;
	scope.ntables = 1;
	if (t->selector != NULL)
		choice.driver = choose(l, scope.section, t->selector);
	if (choice.driver == NULL || t->selector->own_section)
		fill(l, &scope);
	else
		choice.conf = fill_driver(l, &scope, choice.driver);
	if (t->selector != NULL) {
		*(struct settings_choice *)((char *)l->out +
					    t->selector->choice) = choice;
	}
}

/* All of them, so that a mistake is found before the mode is switched to. */
static void
load_modes(const struct loader *l)
{
	for (size_t i = 0; i < l->drivers->nmodes; i++) {
		const struct settings_driver *d = &l->drivers->modes[i];
		struct scope scope = { .section = str_from(d->name) };
		const void *conf;

		if (!d->compiled)
			continue;
		conf = fill_driver(l, &scope, d);
		if (l->out->mode.driver == d)
			l->out->mode.conf = conf;
	}
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
	bool known = mode != NULL;
	struct nearest near;

	nearest_init(&near, s->section);
	for (size_t i = 0; i < tables_nsections; i++) {
		known |= str_eq(s->section, str_from(tables_sections[i].name));
		nearest_offer(&near, tables_sections[i].name, "");
	}
	for (size_t i = 0; i < drivers->nmodes; i++)
		nearest_offer(&near, drivers->modes[i].name, "");
	if (!known)
		unknown_name(l, &at, "section", &near);
	else if (s->name.n > 0)
		problems_add(l->problems, &at, "the section takes no name");
	else if (mode != NULL && !mode->compiled)
		problems_add(l->problems, &at, "the mode is not compiled in");
}

static void
load(const struct loader *l)
{
	struct place at;
	struct err err;

	for (size_t i = 0; i < l->ini.nsections; i++)
		check_section(l, &l->ini.sections[i]);
	for (size_t i = 0; i < tables_nsections; i++)
		load_section(l, &tables_sections[i]);
	load_modes(l);

	/* On top of another mistake, rules would only guess. */
	if (l->problems->count > 0)
		return;
	for (size_t i = 0; i < check_nrules; i++) {
		const struct check_rule *r = &check_rules[i];

		if (r->check(l->out, &err) == 0)
			continue;
		at = place_of_key(l, str_from(r->section), r->key);
		add_error(l, at, &err);
	}
}

static int
parse(struct str bytes, const char *name, bool world_readable,
      const struct settings_drivers *drivers, struct arena *a,
      struct settings *out, struct problems *problems)
{
	struct settings settings = { .file = arena_cstr(a, str_from(name)) };
	struct loader l = { .arena = a,
			    .drivers = drivers,
			    .problems = problems,
			    .world_readable = world_readable,
			    .ini = { .file = name },
			    .out = &settings };

	if (settings.file == NULL ||
	    ini_parse(bytes, settings.file, a, &l.ini, problems) != 0)
		add_no_memory(&l);
	else
		load(&l);
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
	return parse(bytes, name, false, drivers, a, out, problems);
}

int
settings_load(const char *file, const struct settings_drivers *drivers,
	      struct arena *a, struct settings *out, struct problems *problems)
{
	const struct place at = { .file = file };
	bool world_readable = false;
	struct str bytes;
	struct err err;

	if (file_read(file, INI_MAX_BYTES, a, &bytes, &world_readable, &err) !=
	    0) {
		problems_add(problems, &at, "%s", err.msg);
		return -1;
	}
	return parse(bytes, file, world_readable, drivers, a, out, problems);
}
