/* SPDX-License-Identifier: MIT */
/* Attempts, bans and denials of keys in the SQLite store. */
#include "backends/sqlite_store.h"

#ifdef HAVE_SQLITE

/* Runs a statement that gives at most one row, of one number; without a row
 * that is 0. */
static int
ask_number(struct sqlite_link *l, size_t which, const struct sqlite_arg *args,
	   size_t nargs, bool *row, int64_t *number, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int64_t n = 0;
	bool found, more;

	if (sqlite_query(l, which, args, nargs, &stmt, err) != 0 ||
	    sqlite_next(l, stmt, &found, err) != 0)
		return -1;
	if (found) {
		n = sqlite3_column_int64(stmt, 0);
		/* A statement that writes has not committed before its end. */
		if (sqlite_next(l, stmt, &more, err) != 0)
			return -1;
	}
	*row = found;
	*number = n;
	return 0;
}

int
store_sqlite_banned(void *conn, struct str key, int64_t now_ms,
		    int64_t *banned_until_ms, struct err *err)
{
	int64_t until = 0;
	bool row;

	if (ask_number(conn, STORE_SQL_BANNED,
		       SQL_ARGS(SQL_TEXT(key), SQL_INT(now_ms)), &row, &until,
		       err) != 0)
		return -1;
	*banned_until_ms = until;
	return 0;
}

static int
count_attempt(struct sqlite_link *l, struct str key,
	      const struct attempt_policy *policy, int64_t now_ms,
	      int64_t *until, struct err *err)
{
	bool row;

	if (ask_number(l, STORE_SQL_ATTEMPT,
		       SQL_ARGS(SQL_TEXT(key), SQL_INT(now_ms),
				SQL_INT(later_ms(now_ms, policy->window_ms)),
				SQL_INT(later_ms(now_ms, policy->ban_ms)),
				SQL_INT(policy->max)),
		       &row, until, err) != 0)
		return -1;
	return row ? 0 : store_sqlite_banned(l, key, now_ms, until, err);
}

int
store_sqlite_attempt(void *conn, struct str key,
		     const struct attempt_policy *policy, int64_t now_ms,
		     int64_t *banned_until_ms, struct err *err)
{
	int64_t until = 0;

	if (sqlite_begin(conn, err) != 0 ||
	    sqlite_end(conn,
		       count_attempt(conn, key, policy, now_ms, &until, err),
		       err) != 0)
		return -1;
	*banned_until_ms = until;
	return 0;
}

int
store_sqlite_forgive(void *conn, struct str key, bool *was_banned,
		     struct err *err)
{
	int64_t banned = 0;
	bool row;

	if (ask_number(conn, STORE_SQL_FORGIVE, SQL_ARGS(SQL_TEXT(key)), &row,
		       &banned, err) != 0)
		return -1;
	*was_banned = banned != 0;
	return 0;
}

int
store_sqlite_bans(void *conn, struct arena *a, int64_t now_ms, size_t limit,
		  struct ban **out, size_t *n, struct err *err)
{
	struct ban *v = arena_array(a, limit, sizeof(*v));
	sqlite3_stmt *stmt = NULL;
	size_t got = 0;
	bool row;

	if (v == NULL)
		return err_nomem(err);
	if (sqlite_query(conn, STORE_SQL_BANS,
			 SQL_ARGS(SQL_INT(now_ms), SQL_INT((int64_t)limit)),
			 &stmt, err) != 0)
		return -1;
	for (;;) {
		if (sqlite_next(conn, stmt, &row, err) != 0)
			return -1;
		if (!row)
			break;
		v[got].until_ms = sqlite3_column_int64(stmt, 1);
		if (sqlite_get_text(stmt, 0, a, &v[got].key, err) != 0) {
			sqlite_finish(stmt);
			return -1;
		}
		got++;
	}
	*out = v;
	*n = got;
	return 0;
}

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
	if (ask_number(conn, STORE_SQL_DENIED, args, ARRAY_LEN(args), &row,
		       &number, err) != 0)
		return -1;
	*denied = row;
	return 0;
}

#endif
