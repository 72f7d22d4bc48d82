/* SPDX-License-Identifier: MIT */
/* Counts the live sessions of the Postgres store, and their users. */
#include "backends/postgres/store_internal.h"
#include "backends/postgres/store_sql.h"

int
store_postgres_count_sessions(void *conn, const struct call *c,
			      struct session_counts *out, struct err *err)
{
	struct postgres_numbers r;

	if (postgres_numbers(conn, postgres_store_sql[STORE_SQL_COUNT_SESSIONS],
			     PG_ARGS(PG_INT(c->now_ms)), &r, err) != 0)
		return -1;
	*out = (struct session_counts){ .sessions = r.v[0], .users = r.v[1] };
	return 0;
}
