/* SPDX-License-Identifier: MIT */
/* A row that a statement of the administrator has returned. */
#ifndef BACKENDS_POSTGRES_FOREIGN_ROW_H
#define BACKENDS_POSTGRES_FOREIGN_ROW_H

#include "strategy/user_source.h"

#include <libpq-fe.h>

enum column { NAME, PASSWORD_HASH, EMAIL, FULL_NAME, ROLES, DISABLED, COLUMNS };

/* The index of each column in the result, -1: it has none; and the row that is
 * read. */
struct places {
	int at[COLUMNS];
	int row;
};

/* Returns a field; empty for NULL and for a missing column. */
struct str foreign_field(const PGresult *r, const struct places *p,
			 enum column which);

/* Reads a user; *why is set if they must not sign in. */
int foreign_read_user(const PGresult *r, const struct places *p,
		      struct arena *a, struct user *out, const char **why,
		      struct err *err) MUST_USE;

#endif
