/* SPDX-License-Identifier: MIT */
/* Attempts, bans and denials of keys in the Postgres store. */
#include "backends/postgres_store.h"

#ifdef HAVE_POSTGRES

/* A statement that gives at most one row, of one number; without a row that is
 * 0. */
static int
ask_number(void *conn, enum postgres_store_sql which,
	   const struct postgres_arg *args, size_t nargs, bool *row,
	   int64_t *number, struct err *err)
{
	PGresult *r;
	int64_t n = 0;
	bool found;
	int result = 0;

	if (postgres_query(conn, postgres_store_sql[which], args, nargs, &r,
			   err) != 0)
		return -1;
	found = PQntuples(r) > 0;
	if (found)
		result = postgres_get_int(r, 0, 0, &n, err);
	PQclear(r);
	if (result != 0)
		return -1;
	*row = found;
	*number = n;
	return 0;
}

int
store_postgres_banned(void *conn, struct str key, int64_t now_ms,
		      int64_t *banned_until_ms, struct err *err)
{
	int64_t until = 0;
	bool row;

	if (ask_number(conn, STORE_SQL_BANNED,
		       PG_ARGS(PG_TEXT(key), PG_INT(now_ms)), &row, &until,
		       err) != 0)
		return -1;
	*banned_until_ms = until;
	return 0;
}

int
store_postgres_attempt(void *conn, struct str key,
		       const struct attempt_policy *policy, int64_t now_ms,
		       int64_t *banned_until_ms, struct err *err)
{
	int64_t until = 0;
	bool row;

	if (ask_number(conn, STORE_SQL_ATTEMPT,
		       PG_ARGS(PG_TEXT(key), PG_INT(now_ms),
			       PG_INT(later_ms(now_ms, policy->window_ms)),
			       PG_INT(later_ms(now_ms, policy->ban_ms)),
			       PG_INT(policy->max)),
		       &row, &until, err) != 0)
		return -1;
	*banned_until_ms = until;
	return 0;
}

int
store_postgres_forgive(void *conn, struct str key, bool *was_banned,
		       struct err *err)
{
	int64_t banned = 0;
	bool row;

	if (ask_number(conn, STORE_SQL_FORGIVE, PG_ARGS(PG_TEXT(key)), &row,
		       &banned, err) != 0)
		return -1;
	*was_banned = banned != 0;
	return 0;
}

static int
get_bans(const PGresult *r, struct arena *a, struct ban *v, size_t n,
	 struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (postgres_get_text(r, (int)i, 0, a, &v[i].key, err) != 0 ||
		    postgres_get_int(r, (int)i, 1, &v[i].until_ms, err) != 0)
			return -1;
	return 0;
}

int
store_postgres_bans(void *conn, struct arena *a, int64_t now_ms, size_t limit,
		    struct ban **out, size_t *n, struct err *err)
{
	struct ban *v;
	PGresult *r;
	size_t got;
	int result;

	if (postgres_query(conn, postgres_store_sql[STORE_SQL_BANS],
			   PG_ARGS(PG_INT(now_ms), PG_INT((int64_t)limit)), &r,
			   err) != 0)
		return -1;
	got = (size_t)PQntuples(r);
	v = arena_array(a, got, sizeof(*v));
	if (v == NULL)
		result = err_nomem(err);
	else
		result = get_bans(r, a, v, got, err);
	PQclear(r);
	if (result != 0)
		return -1;
	*out = v;
	*n = got;
	return 0;
}

int
store_postgres_deny(void *conn, struct str key, int64_t issued_ms,
		    int64_t until_ms, struct err *err)
{
	int64_t n;

	return postgres_change(
	    conn, postgres_store_sql[STORE_SQL_DENY],
	    PG_ARGS(PG_TEXT(key), PG_INT(issued_ms), PG_INT(until_ms)), &n,
	    err);
}

/* No row has an empty key: it fills the places of those not asked for. */
int
store_postgres_denied(void *conn, const struct str *keys, size_t n,
		      int64_t issued_ms, int64_t now_ms, bool *denied,
		      struct err *err)
{
	struct postgres_arg args[2 + DENIED_KEYS_MAX] = { PG_INT(issued_ms),
							  PG_INT(now_ms) };
	int64_t number;
	bool row;

	for (size_t i = 0; i < DENIED_KEYS_MAX; i++)
		args[2 + i] = PG_TEXT(i < n ? keys[i] : STR(""));
	if (ask_number(conn, STORE_SQL_DENIED, args, ARRAY_LEN(args), &row,
		       &number, err) != 0)
		return -1;
	*denied = row;
	return 0;
}

#endif
