/* SPDX-License-Identifier: MIT */
/* Denials of keys in the SQLite store. */
#include "backends/sqlite/store_internal.h"
#include "backends/sqlite/store_sql.h"

int
store_sqlite_deny(void *conn, const struct call *c, const struct denial *d,
		  struct err *err)
{
	int64_t n;

	(void)c;
	return sqlite_change(conn, STORE_SQL_DENY,
			     SQL_ARGS(SQL_TEXT(d->key), SQL_INT(d->issued_ms),
				      SQL_INT(d->until_ms)),
			     &n, err);
}

/* The statement has DENIED_KEYS_MAX keys. Unused ones are empty: no row has an
 * empty key. */
int
store_sqlite_denied(void *conn, const struct call *c,
		    const struct denial_question *q, bool *denied,
		    struct err *err)
{
	struct sqlite_arg args[2 + DENIED_KEYS_MAX] = { SQL_INT(q->issued_ms),
							SQL_INT(c->now_ms) };
	struct sqlite_numbers r;

	for (size_t i = 0; i < DENIED_KEYS_MAX; i++)
		args[2 + i] = SQL_TEXT(i < q->n ? q->keys[i] : STR(""));
	if (sqlite_numbers(conn, STORE_SQL_DENIED, args, ARRAY_LEN(args), &r,
			   err) != 0)
		return -1;
	*denied = r.row;
	return 0;
}
