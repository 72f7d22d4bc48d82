/* SPDX-License-Identifier: MIT */
/* Parses values by the type of an option. Only conf/option.c uses it. */
#ifndef CONF_OPTION_VALUE_H
#define CONF_OPTION_VALUE_H

#include "conf/option.h"

/* The value of a field of any type; the type of the option says which member is
 * set. */
union value {
	bool yes;
	int64_t number;
	int index;
	struct str text;
	const char *path;
	struct words words;
};

/* Units, largest first, terminated by factor 0: printing uses the first that
 * divides the value. */
struct value_unit {
	const char *name;
	int64_t factor;
};
extern const struct value_unit value_seconds[], value_ms[], value_bytes[];

bool value_has_range(const struct option *o);

/* Parses `text`, without calling the check of the option. */
int value_parse(const struct option *o, struct str text, struct arena *a,
		union value *v, struct err *err) MUST_USE;

/* Returns true for an empty text, file name, secret or list of words. */
bool value_is_empty(const struct option *o, const union value *v);

#endif
