/* SPDX-License-Identifier: MIT */
/* Counts the live sessions of the SQLite store, and their users. */
#include "backends/sqlite/store_internal.h"
#include "backends/sqlite/store_sql.h"

int
store_sqlite_count_sessions(void *conn, const struct call *c,
			    struct session_counts *out, struct err *err)
{
	struct sqlite_numbers r;

	if (sqlite_numbers(conn, STORE_SQL_COUNT_SESSIONS,
			   SQL_ARGS(SQL_INT(c->now_ms)), &r, err) != 0)
		return -1;
	*out = (struct session_counts){ .sessions = r.v[0], .users = r.v[1] };
	return 0;
}
