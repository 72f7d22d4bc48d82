/* SPDX-License-Identifier: MIT */
/*
 * The keys of one section, from the file into the structs of their tables.
 * What is wrong becomes a problem; nothing here fails otherwise.
 */
#ifndef CONF_LOADER_H
#define CONF_LOADER_H

#include "conf/ini.h"
#include "conf/settings.h"

struct nearest;
struct place;
struct tables_selector;

/* The loading of one file. */
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
	struct ini_section in;
	struct {
		const struct option *options;
		void *base;
	} tables[2];
	size_t ntables;
	const struct tables_selector *selector;	   /* or NULL */
	const struct settings_driver *driver;	   /* chosen by it, or NULL */
};

/* The first of that header, of which there should be one; or an empty one
 * without line. */
struct ini_section fill_find_section(const struct loader *l, const char *name);

bool fill_is_first(const struct loader *l, const struct ini_section *in);

/* The entry of the key, or of key and suffix in one; NULL: there is none. */
const struct ini_entry *fill_find(const struct loader *l,
				  const struct ini_section *in,
				  const char *key, const char *suffix);

/* The line of the key if it is there, else that of its section. */
struct place fill_place(const struct loader *l, const struct ini_section *in,
			const char *key);

void fill_error(const struct loader *l, struct place at,
		const struct err *err);
void fill_warning(const struct loader *l, struct place at,
		  const struct err *err);
void fill_no_memory(const struct loader *l);

/* "unknown WHAT; did you mean ..." */
void fill_unknown(const struct loader *l, const struct place *at,
		  const char *what, const struct nearest *near);

/* Defaults, the file's entries (of a second section, too: to see what is wrong
 * with them), what is missing. */
void fill_section(const struct loader *l, const struct scope *scope);

/* The same with the struct of a driver, which joins the scope; NULL when out
 * of memory. */
const void *fill_driver(const struct loader *l, struct scope *scope,
			const struct settings_driver *d);

#endif
