/* SPDX-License-Identifier: MIT */
/* Rows that a foreign table may give, and what becomes of them. */
#ifndef TESTS_FOREIGN_SHAPES_H
#define TESTS_FOREIGN_SHAPES_H

#include "base/base.h"

struct foreign_shape {
	const char *columns; /* of a row that is given without a table */
	bool disabled;	     /* refused ones are, too */
	const char *roles;
	const char *says; /* why it is refused; "": it is not */
};

extern const struct foreign_shape foreign_shapes[];
extern const size_t foreign_nshapes;

#endif
