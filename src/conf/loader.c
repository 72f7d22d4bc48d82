/* SPDX-License-Identifier: MIT */
/*
 * Loads the keys of one section from the file into the structs of their tables.
 */
#include "conf/loader.h"

#include "base/arena.h"
#include "base/err.h"
#include "os/file.h"
#include "conf/suggest.h"
#include "conf/problems.h"
#include "conf/sections.h"

static bool
same_header(const struct ini_section *a, const struct ini_section *b)
{
	return str_eq(a->name, b->name) && str_eq(a->section, b->section);
}

bool
fill_is_first(const struct loader *l, const struct ini_section *in)
{
	size_t i = 0;

	while (!same_header(&l->ini.sections[i], in))
		i++;
	return &l->ini.sections[i] == in;
}

struct ini_section
fill_find_section(const struct loader *l, const char *name)
{
	for (size_t i = 0; i < l->ini.nsections; i++) {
		const struct ini_section *in = &l->ini.sections[i];

		if (in->name.n == 0 && str_eq(in->section, str_from(name)))
			return *in;
	}
	return (struct ini_section){ .section = str_from(name) };
}

const struct ini_entry *
fill_find(const struct loader *l, const struct ini_section *in, const char *key,
	  const char *suffix)
{
	for (size_t i = 0; i < in->n; i++) {
		const struct ini_entry *e = &l->ini.entries[in->first + i];

		if (str_starts(e->key, str_from(key)) &&
		    str_eq(str_skip(e->key, str_from(key).n), str_from(suffix)))
			return e;
	}
	return NULL;
}

static struct place
loader_place_of(const struct loader *l, const struct ini_entry *e)
{
	return (struct place){ .file = l->ini.file,
			       .line = e->line,
			       .section = e->section,
			       .name = e->name,
			       .key = e->key };
}

struct place
fill_place(const struct loader *l, const struct ini_section *in,
	   const char *key)
{
	const struct ini_entry *e = fill_find(l, in, key, "");
	struct place at = { .file = l->ini.file,
			    .line = in->line,
			    .section = in->section,
			    .name = in->name,
			    .key = str_from(key) };

	if (e != NULL)
		at.line = e->line;
	return at;
}

void
fill_error(const struct loader *l, struct place at, const struct err *err)
{
	problems_add(l->problems, &at, "%s", err->msg);
}

void
fill_warning(const struct loader *l, struct place at, const struct err *err)
{
	problems_warn(l->problems, &at, "%s", err->msg);
}

void
fill_no_memory(const struct loader *l)
{
	const struct place at = { .file = l->ini.file };

	problems_add(l->problems, &at, "out of memory");
}

void
fill_unknown(const struct loader *l, const struct place *at, const char *what,
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

/* Finds the option whose key, or whose `key_file`, this is. */
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
	const struct place at = loader_place_of(l, e);
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
	fill_unknown(l, &at, "key", &near);
}

static int
set_from_file(const struct loader *l, const struct ini_section *in,
	      const struct option *o, void *base, const struct ini_entry *e,
	      struct err *err)
{
	struct str secret;

	if (fill_find(l, in, o->name, "") != NULL) {
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

/* Returns true for `${NAME}` and similar texts, which a tool should have
 * replaced with the secret. */
static bool
is_placeholder(struct str value)
{
	static const struct {
		const char *open, *close;
	} forms[] = { { "${", "}" },
		      { "{{", "}}" },
		      { "%(", ")s" },
		      { "@", "@" },
		      { "<", ">" } };

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (value.n > 2 && str_starts(value, str_from(forms[i].open)) &&
		    str_ends(value, str_from(forms[i].close)))
			return true;
	}
	return false;
}

static int
set_literal(const struct loader *l, const struct option *o, void *base,
	    const struct ini_entry *e, struct err *err)
{
	const struct place at = loader_place_of(l, e);

	if (o->type == OPT_SECRET && is_placeholder(e->value)) {
		problems_warn(l->problems, &at,
			      "looks like a placeholder that was not "
			      "replaced; it is used as the secret itself");
	}
	if (o->type == OPT_SECRET && e->value.n > 0 && l->world_readable) {
		return err_set(err, ERR_CONFIG,
			       "is a secret in a file that all users may "
			       "read; chmod o-r the file, or use %s_file",
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
		return; /* was read before, to choose the driver */
	for (size_t i = 0; i < scope->ntables; i++) {
		void *base = scope->tables[i].base;
		const struct option *o;
		bool from_file;
		int rc;

		o = find_option(scope->tables[i].options, e->key, &from_file);
		if (o == NULL)
			continue;
		rc = from_file ?
			 set_from_file(l, &scope->in, o, base, e, &err) :
			 set_literal(l, o, base, e, &err);
		if (rc != 0)
			fill_error(l, loader_place_of(l, e), &err);
		return;
	}
	/* When the driver is unknown, its keys are unknown as well. */
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
		/* A key that is present but wrong has been reported already. */
		if ((o->flags & OPTION_REQUIRED) == 0 ||
		    !option_is_empty(o, base) ||
		    fill_find(l, &scope->in, o->name, "") != NULL)
			continue;
		at = fill_place(l, &scope->in, o->name);
		if (o->type != OPT_SECRET ||
		    fill_find(l, &scope->in, o->name, "_file") == NULL)
			problems_add(l->problems, &at, "must be set");
	}
}

void
fill_section(const struct loader *l, const struct scope *scope)
{
	const struct place at = fill_place(l, &scope->in, "");
	struct err err;

	for (size_t i = 0; i < scope->ntables; i++) {
		if (option_defaults(scope->tables[i].options,
				    scope->tables[i].base, l->arena, &err) != 0)
			fill_error(l, at, &err);
	}
	for (size_t i = 0; i < l->ini.nsections; i++) {
		const struct ini_section *in = &l->ini.sections[i];

		for (size_t k = 0; same_header(in, &scope->in) && k < in->n;
		     k++)
			apply_entry(l, scope, &l->ini.entries[in->first + k]);
	}
	for (size_t i = 0; i < scope->ntables; i++) {
		require_keys(l, scope, scope->tables[i].options,
			     scope->tables[i].base);
	}
}

const void *
fill_driver(const struct loader *l, struct scope *scope,
	    const struct settings_driver *d)
{
	const size_t before = l->problems->count;
	void *conf = arena_alloc(l->arena, d->size);
	struct err err;

	if (conf == NULL) {
		fill_no_memory(l);
		return NULL;
	}
	scope->driver = d;
	if (d->options != NULL) {
		scope->tables[scope->ntables].options = d->options;
		scope->tables[scope->ntables].base = conf;
		scope->ntables++;
	}
	fill_section(l, scope);
	if (l->problems->count == before && d->check != NULL &&
	    d->check(conf, &err) != 0)
		fill_error(l, fill_place(l, &scope->in, ""), &err);
	return conf;
}
