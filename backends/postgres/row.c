/* SPDX-License-Identifier: MIT */
/* Reads fields of rows in the binary format of Postgres. */
#include "backends/postgres/conn.h"

#include <string.h>

static int
damaged(const PGresult *r, int column, const char *need, struct err *err)
{
	const char *name = PQfname(r, column);

	/* Another connection would read the same. */
	return err_set(err, ERR_BUSY, "column %s: must be %s",
		       name != NULL ? name : "?", need);
}

int
postgres_get_int(const PGresult *r, int row, int column, int64_t *out,
		 struct err *err)
{
	const unsigned char *p =
	    (const unsigned char *)PQgetvalue(r, row, column);
	Oid type = PQftype(r, column);
	int n = PQgetlength(r, row, column);
	uint64_t v;

	if (PQgetisnull(r, row, column) != 0 || n < 1 || n > 8 ||
	    (type != TYPE_INT8 && type != TYPE_INT4 && type != TYPE_INT2 &&
	     type != TYPE_BOOL))
		return damaged(r, column, "an integer", err);
	/* The sign is extended to the missing bytes. */
	v = (p[0] & 0x80) != 0 ? UINT64_MAX : 0;
	for (int i = 0; i < n; i++)
		v = v << 8 | p[i];
	*out = (int64_t)v;
	return 0;
}

static bool
holds_text(Oid type)
{
	return type == TYPE_TEXT || type == TYPE_VARCHAR ||
	       type == TYPE_BPCHAR || type == TYPE_NAME || type == TYPE_BYTEA ||
	       type >= TYPE_FIRST_OF_USERS;
}

int
postgres_get_text(const PGresult *r, int row, int column, struct arena *a,
		  struct str *out, struct err *err)
{
	Oid type = PQftype(r, column);
	struct str text = { .p = PQgetvalue(r, row, column),
			    .n = (size_t)PQgetlength(r, row, column) };

	if (PQgetisnull(r, row, column) != 0 || !holds_text(type) ||
	    str_find(text, '\0') < text.n)
		return damaged(r, column, "text", err);
	if (a != NULL && arena_copy(a, text, &text) != 0)
		return err_nomem(err);
	*out = text;
	return 0;
}

int
postgres_get_bytes(const PGresult *r, int row, int column, void *out, size_t n,
		   struct err *err)
{
	if (PQgetisnull(r, row, column) != 0 ||
	    PQftype(r, column) != TYPE_BYTEA ||
	    (size_t)PQgetlength(r, row, column) != n)
		return damaged(r, column, "bytea of its length", err);
	memcpy(out, PQgetvalue(r, row, column), n);
	return 0;
}
