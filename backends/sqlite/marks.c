/* SPDX-License-Identifier: MIT */
/* Password marks in the SQLite store. */
#include "backends/sqlite/store_internal.h"
#include "backends/sqlite/store_sql.h"

struct sqlite_arg
sqlite_mark_arg(const struct password_mark *mark)
{
	return SQL_BLOB(password_mark_is_known(mark) ? mark->b : NULL,
			sizeof(mark->b));
}

int
store_sqlite_remark(void *conn, const struct call *c, const struct remark *m,
		    struct err *err)
{
	int64_t n;

	(void)c;
	return sqlite_change(conn, STORE_SQL_REMARK,
			     SQL_ARGS(SQL_TEXT(m->user),
				      sqlite_mark_arg(&m->from),
				      sqlite_mark_arg(&m->to)),
			     &n, err);
}
