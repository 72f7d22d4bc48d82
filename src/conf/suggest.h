/* SPDX-License-Identifier: MIT */
/* Which known name did somebody mean who wrote an unknown one? */
#ifndef CONF_SUGGEST_H
#define CONF_SUGGEST_H

#include "base/base.h"

struct nearest {
	struct str wanted;    /* what was written */
	const char *name;     /* the nearest so far; NULL: none is near */
	const char *suffix;   /* of it, as in `secret` + `_file` */
	size_t distance;
};

/* Borrows `wanted`. */
void nearest_init(struct nearest *n, struct str wanted);

/* One more known name; `suffix` may be "". */
void nearest_offer(struct nearest *n, const char *name, const char *suffix);

#endif
