/* SPDX-License-Identifier: MIT */
/* Rows that a foreign table may return, and the users that they give. */
#ifndef CONTRACT_POSTGRES_FOREIGN_SHAPES_H
#define CONTRACT_POSTGRES_FOREIGN_SHAPES_H

#include "base/base.h"

struct foreign_shape {
	const char *columns; /* of a query without a table */
	bool disabled; /* also true for a refused user */
	const char *roles;
	const char *says; /* why the user is refused, or "" */
};

extern const struct foreign_shape foreign_shapes[];
extern const size_t foreign_nshapes;

#endif
