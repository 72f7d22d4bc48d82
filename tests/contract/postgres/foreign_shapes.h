/* SPDX-License-Identifier: MIT */
/* Rows that a foreign table may give, and what becomes of them. */
#ifndef CONTRACT_POSTGRES_FOREIGN_SHAPES_H
#define CONTRACT_POSTGRES_FOREIGN_SHAPES_H

#include "base/base.h"

struct foreign_shape {
	const char *columns; /* of a row that is given without a table */
	bool disabled; /* refused ones are, too */
	const char *roles;
	const char *says; /* why it is refused; "": it is not */
};

extern const struct foreign_shape foreign_shapes[];
extern const size_t foreign_nshapes;

#endif
