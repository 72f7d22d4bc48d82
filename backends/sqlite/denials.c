/* SPDX-License-Identifier: MIT */
/* Denials of keys in the SQLite store. */
#include "backends/sqlite/store_sql.h"

int
store_sqlite_deny(void *conn, struct str key, int64_t issued_ms,
		  int64_t until_ms, struct err *err)
{
	int64_t n;

	return sqlite_change(
	    conn, STORE_SQL_DENY,
	    SQL_ARGS(SQL_TEXT(key), SQL_INT(issued_ms), SQL_INT(until_ms)), &n,
	    err);
}

/* No row has an empty key: it fills the places of those not asked for. */
int
store_sqlite_denied(void *conn, const struct str *keys, size_t n,
		    int64_t issued_ms, int64_t now_ms, bool *denied,
		    struct err *err)
{
	struct sqlite_arg args[2 + DENIED_KEYS_MAX] = { SQL_INT(issued_ms),
							SQL_INT(now_ms) };
	int64_t number;
	bool row;

	for (size_t i = 0; i < DENIED_KEYS_MAX; i++)
		args[2 + i] = SQL_TEXT(i < n ? keys[i] : STR(""));
	if (sqlite_numbers(conn, STORE_SQL_DENIED, args, ARRAY_LEN(args), &row,
			   &number, 1, err) != 0)
		return -1;
	*denied = row;
	return 0;
}
