/* SPDX-License-Identifier: MIT */
/* The sections of the file that are not a backend's, as tables. */
#ifndef CONF_SECTIONS_H
#define CONF_SECTIONS_H

#include "conf/settings.h"

/* Which table of settings_drivers a selector chooses from. */
enum tables_kind { KIND_MODES, KIND_STORES, KIND_USERS };

/*
 * A section, in the order of the manual.  Its keys come from `options`, from
 * the driver that its selector chooses, or from both.
 */
struct tables_section {
	const char *name;
	const char *help;	      /* plain sentences */
	const struct option *options; /* never NULL */
	size_t offset;		      /* of their struct in struct settings */
	const struct tables_selector *selector; /* NULL: none */
	/* The sections of the modes, each of its driver's name, are not in
	 * this table; they come before this one. */
	bool modes_first;
	/* [NAME word], any number; `options` are those of an element, and
	 * offset is nothing. */
	bool named;
};

/* The key that names a driver. */
struct tables_selector {
	const char *key, *def, *help;
	enum tables_kind kind;
	size_t choice;	   /* offset of the settings_choice */
	bool own_section; /* its keys are in [NAME], not in this section */
};

extern const struct tables_section tables_sections[];
extern const size_t tables_nsections;

/* The drivers that a selector chooses from. */
const struct settings_driver *
tables_drivers(const struct settings_drivers *d, enum tables_kind kind,
	       size_t *n);

#endif
