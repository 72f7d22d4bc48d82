/* SPDX-License-Identifier: MIT */
/* The tables of all sections except those of the backends. */
#ifndef CONF_SECTIONS_H
#define CONF_SECTIONS_H

#include "conf/settings.h"

/* Which table of settings_drivers a selector chooses from. */
enum tables_kind { KIND_MODES, KIND_STORES, KIND_USERS, KIND_FACTORS };

/*
 * A section, in the order of the manual. Its keys come from `options`, from
 * the driver that its selector chooses, or from both.
 */
struct tables_section {
	const char *name;
	const char *help; /* plain sentences */
	const struct option *options; /* never NULL */
	/* of the struct they fill, in struct settings */
	size_t offset;
	const struct tables_selector *selector; /* NULL: none */
	/*
	 * True for the section before which the sections of the modes come in
	 * the manual. Those have the names of their drivers and are not in
	 * this table.
	 */
	bool modes_first;
	/* The header is [NAME word], and there may be any number of them;
	 * `options` are those of one element, and `offset` is unused. */
	bool named;
};

/* The key that chooses a driver. */
struct tables_selector {
	const char *key, *def, *help;
	enum tables_kind kind;
	size_t choice; /* offset of the settings_choice */
	/* the keys of the driver are in [DRIVER], not in this section */
	bool own_section;
};

extern const struct tables_selector select_mode, select_store, select_users,
    select_factors; /* in selectors.c */

extern const struct tables_section tables_sections[];
extern const size_t tables_nsections;

/* Returns the drivers that a selector chooses from, and their number. */
const struct settings_driver *tables_drivers(const struct settings_drivers *d,
					     enum tables_kind kind, size_t *n);

#endif
