/* SPDX-License-Identifier: MIT */
/* Marks of passwords in the SQLite store. */
#include "backends/sqlite_store.h"

#ifdef HAVE_SQLITE

struct sqlite_arg
sqlite_mark_arg(const struct password_mark *mark)
{
	return SQL_BLOB(password_mark_is_known(mark) ? mark->b : NULL,
			sizeof(mark->b));
}

int
sqlite_get_mark(sqlite3_stmt *stmt, int column, struct password_mark *out,
		struct err *err)
{
	struct password_mark mark = { .b = { 0 } };

	if (sqlite3_column_type(stmt, column) != SQLITE_NULL &&
	    sqlite_get_blob(stmt, column, mark.b, sizeof(mark.b), err) != 0)
		return -1;
	*out = mark;
	return 0;
}

int
store_sqlite_remark(void *conn, struct str user,
		    const struct password_mark *from,
		    const struct password_mark *to, struct err *err)
{
	int64_t n;

	return sqlite_change(conn, STORE_SQL_REMARK,
			     SQL_ARGS(SQL_TEXT(user), sqlite_mark_arg(from),
				      sqlite_mark_arg(to)),
			     &n, err);
}

#endif
