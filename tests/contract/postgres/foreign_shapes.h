/* SPDX-License-Identifier: MIT */
/* Rows that a foreign table may return, and the users that they give; and
 * statements that are refused. */
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

/* The query of the tests, which has all columns. */
#define FOREIGN_QUERY                                                          \
	"SELECT login AS name, password_hash, mail AS email,"                  \
	" display AS full_name, groups AS roles, gone AS disabled"             \
	" FROM app.people WHERE login = $1"

/* Statements that are refused, and what the message says. */
struct foreign_mistake {
	const char *query, *update_hash, *says;
};

extern const struct foreign_mistake foreign_mistakes[];
extern const size_t foreign_nmistakes;

#endif
