/* SPDX-License-Identifier: MIT */
/*
 * Loads the keys of one section from the file into the structs of their tables.
 * Every error becomes a problem; the functions report nothing else.
 */
#ifndef CONF_LOADER_H
#define CONF_LOADER_H

#include "conf/ini.h"
#include "conf/settings.h"

struct nearest;
struct place;
struct tables_selector;

/* The state of loading one file. */
struct loader {
	struct arena *arena;
	const struct settings_drivers *drivers;
	struct problems *problems;
	struct ini ini;
	bool world_readable; /* all users may read the file */
	struct settings *out;
};

/* One section, and the structs that its keys fill. */
struct scope {
	struct ini_section in;
	struct {
		const struct option *options;
		void *base;
	} tables[2];
	size_t ntables;
	const struct tables_selector *selector; /* or NULL */
	/* chosen by the selector, or NULL */
	const struct settings_driver *driver;
};

/* Returns the first section with this header, which should be the only one; an
 * empty section with line 0 when there is none. */
struct ini_section fill_find_section(const struct loader *l, const char *name);

bool fill_is_first(const struct loader *l, const struct ini_section *in);

/* Returns the entry whose key is `key` followed by `suffix`; NULL when there is
 * none. */
const struct ini_entry *fill_find(const struct loader *l,
				  const struct ini_section *in, const char *key,
				  const char *suffix);

/* Returns the line of the key if it is present, else that of its section. */
struct place fill_place(const struct loader *l, const struct ini_section *in,
			const char *key);

void fill_error(const struct loader *l, struct place at, const struct err *err);
void fill_warning(const struct loader *l, struct place at,
		  const struct err *err);
void fill_no_memory(const struct loader *l);

/* Adds the problem "unknown WHAT; did you mean ..." */
void fill_unknown(const struct loader *l, const struct place *at,
		  const char *what, const struct nearest *near);

/*
 * Sets the defaults, then the entries of the file, and reports missing keys.
 * The entries of a duplicate section are applied too, so that problems in them
 * are found.
 */
void fill_section(const struct loader *l, const struct scope *scope);

/* Does the same for a section with a driver, whose options and struct it adds
 * to the scope. Returns the struct, or NULL when out of memory. */
const void *fill_driver(const struct loader *l, struct scope *scope,
			const struct settings_driver *d);

#endif
