/* SPDX-License-Identifier: MIT */
/* Finds the known name that is nearest to an unknown one. */
#ifndef CONF_SUGGEST_H
#define CONF_SUGGEST_H

#include "base/base.h"

struct nearest {
	struct str wanted; /* the unknown name */
	const char *name; /* the nearest so far; NULL: none is near */
	const char *suffix; /* its suffix, as in `secret` + `_file` */
	size_t distance;
};

/* Starts a search; `wanted` is borrowed. */
void nearest_init(struct nearest *n, struct str wanted);

/* Considers one more known name; `suffix` may be "". */
void nearest_offer(struct nearest *n, const char *name, const char *suffix);

#endif
