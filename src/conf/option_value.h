/* SPDX-License-Identifier: MIT */
/* Text to value by an option's type: the inside of conf/option.h. */
#ifndef CONF_OPTION_VALUE_H
#define CONF_OPTION_VALUE_H

#include "conf/option.h"

/* A field of any type. */
union value {
	bool yes;
	int64_t number;
	int index;
	struct str text;
	const char *path;
	struct words words;
};

/* Largest first, factor 0 at the end: printing takes the first that divides. */
struct value_unit {
	char letter;
	int64_t factor;
};
extern const struct value_unit value_seconds[], value_bytes[];

bool value_has_range(const struct option *o);

/* Without the option's own check.  *v is only told by the option's type. */
int value_parse(const struct option *o, struct str text, struct arena *a,
		union value *v, struct err *err) MUST_USE;

/* A text, file name, secret or list of words that is not there. */
bool value_is_empty(const struct option *o, const union value *v);

#endif
