/* SPDX-License-Identifier: MIT */
/* Regulation in the SQLite store: attempts, bans, networks of users. */
#include "backends/sqlite/store_sql.h"

#include <string.h>

int
sqlite_numbers(struct sqlite_link *l, size_t which,
	       const struct sqlite_arg *args, size_t nargs, bool *row,
	       int64_t *out, size_t n, struct err *err)
{
	int64_t v[SQLITE_NUMBERS_MAX];
	sqlite3_stmt *stmt = NULL;
	bool more;

	if (sqlite_query(l, which, args, nargs, &stmt, err) != 0 ||
	    sqlite_next(l, stmt, row, err) != 0)
		return -1;
	if (!*row)
		return 0;
	for (size_t i = 0; i < n; i++)
		v[i] = sqlite3_column_int64(stmt, (int)i);
	/* A statement that writes has not committed before its end. */
	if (sqlite_next(l, stmt, &more, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		out[i] = v[i];
	return 0;
}

int
store_sqlite_banned(void *conn, struct str key, int64_t ban_ms, int64_t now_ms,
		    int64_t *banned_until_ms, struct err *err)
{
	int64_t until = 0;
	bool row;

	if (sqlite_numbers(conn, STORE_SQL_BANNED,
			   SQL_ARGS(SQL_TEXT(key), SQL_INT(now_ms),
				    SQL_INT(latest_ms(now_ms, ban_ms))),
			   &row, &until, 1, err) != 0)
		return -1;
	*banned_until_ms = until;
	return 0;
}

static int
count_attempt(struct sqlite_link *l, struct str key,
	      const struct attempt_policy *policy, int64_t now_ms,
	      struct attempt *out, struct err *err)
{
	int64_t v[3];
	bool row;

	if (sqlite_numbers(
		l, STORE_SQL_ATTEMPT,
		SQL_ARGS(SQL_TEXT(key), SQL_INT(now_ms),
			 SQL_INT(later_ms(now_ms, policy->window_ms)),
			 SQL_INT(later_ms(now_ms, policy->ban_ms)),
			 SQL_INT(policy->max),
			 SQL_INT(latest_ms(now_ms, policy->window_ms)),
			 SQL_INT(latest_ms(now_ms, policy->ban_ms))),
		&row, v, ARRAY_LEN(v), err) != 0)
		return -1;
	if (row) {
		*out = (struct attempt){ .banned_until_ms = v[0],
					 .count = v[1],
					 .ends_ms = v[2] };
		return 0;
	}
	return store_sqlite_banned(l, key, policy->ban_ms, now_ms,
				   &out->banned_until_ms, err);
}

int
store_sqlite_attempt(void *conn, struct str key,
		     const struct attempt_policy *policy, int64_t now_ms,
		     struct attempt *out, struct err *err)
{
	struct attempt attempt = { .count = 0 };

	if (sqlite_begin(conn, err) != 0 ||
	    sqlite_end(conn,
		       count_attempt(conn, key, policy, now_ms, &attempt, err),
		       err) != 0)
		return -1;
	*out = attempt;
	return 0;
}

int
store_sqlite_give_back(void *conn, struct str key, int64_t ends_ms,
		       struct err *err)
{
	int64_t ignored;

	return sqlite_change(conn, STORE_SQL_GIVE_BACK,
			     SQL_ARGS(SQL_TEXT(key), SQL_INT(ends_ms)),
			     &ignored, err);
}

int
store_sqlite_forgive(void *conn, struct str key, bool *was_banned,
		     struct err *err)
{
	int64_t banned = 0;
	bool row;

	if (sqlite_numbers(conn, STORE_SQL_FORGIVE, SQL_ARGS(SQL_TEXT(key)),
			   &row, &banned, 1, err) != 0)
		return -1;
	*was_banned = banned != 0;
	return 0;
}

int
store_sqlite_bans(void *conn, struct arena *a, int64_t ban_ms, int64_t now_ms,
		  size_t limit, struct ban **out, size_t *n, struct err *err)
{
	struct ban *v = arena_array(a, limit, sizeof(*v));
	sqlite3_stmt *stmt = NULL;
	size_t got = 0;
	bool row;

	if (v == NULL)
		return err_nomem(err);
	if (sqlite_query(conn, STORE_SQL_BANS,
			 SQL_ARGS(SQL_INT(now_ms),
				  SQL_INT(latest_ms(now_ms, ban_ms)),
				  SQL_INT((int64_t)limit)),
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

static int
learn(struct sqlite_link *l, struct str user,
      const struct known_network *network, struct err *err)
{
	const struct sqlite_arg hash = SQL_BLOB(network->b, sizeof(network->b));
	int64_t ignored;

	if (sqlite_change(l, STORE_SQL_LEARN,
			  SQL_ARGS(SQL_TEXT(user), hash,
				   SQL_INT(network->until_ms)),
			  &ignored, err) != 0)
		return -1;
	return sqlite_change(l, STORE_SQL_FORGET_OLDEST,
			     SQL_ARGS(SQL_TEXT(user), hash,
				      SQL_INT(NETWORKS_MAX - 1)),
			     &ignored, err);
}

int
store_sqlite_learn(void *conn, struct str user,
		   const struct known_network *network, int64_t now_ms,
		   struct err *err)
{
	(void)now_ms; /* what is over is not given out, and swept */
	if (sqlite_begin(conn, err) != 0)
		return -1;
	return sqlite_end(conn, learn(conn, user, network, err), err);
}

int
store_sqlite_networks(void *conn, struct str user, int64_t now_ms,
		      struct known_network out[NETWORKS_MAX], size_t *n,
		      struct err *err)
{
	struct known_network v[NETWORKS_MAX] = { { .until_ms = 0 } };
	sqlite3_stmt *stmt = NULL;
	size_t got = 0;
	bool row;

	if (sqlite_query(conn, STORE_SQL_NETWORKS,
			 SQL_ARGS(SQL_TEXT(user), SQL_INT(now_ms),
				  SQL_INT(NETWORKS_MAX)),
			 &stmt, err) != 0)
		return -1;
	for (;;) {
		if (sqlite_next(conn, stmt, &row, err) != 0)
			return -1;
		if (!row)
			break;
		v[got].until_ms = sqlite3_column_int64(stmt, 1);
		if (sqlite_get_blob(stmt, 0, v[got].b, sizeof(v[got].b), err) !=
		    0) {
			sqlite_finish(stmt);
			return -1;
		}
		got++;
	}
	memcpy(out, v, sizeof(v));
	*n = got;
	return 0;
}

int
store_sqlite_unlearn(void *conn, struct str user, struct err *err)
{
	int64_t ignored;

	return sqlite_change(conn, STORE_SQL_UNLEARN, SQL_ARGS(SQL_TEXT(user)),
			     &ignored, err);
}
