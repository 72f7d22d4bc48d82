/* SPDX-License-Identifier: MIT */
/* Regulation in the Postgres store: attempts, bans, networks of users. */
#include "backends/postgres/store_sql.h"

#include <string.h>

int
postgres_numbers(void *conn, enum postgres_store_sql which,
		 const struct postgres_arg *args, size_t nargs, bool *row,
		 int64_t *out, size_t n, struct err *err)
{
	PGresult *r;
	int result = 0;

	if (postgres_query(conn, postgres_store_sql[which], args, nargs, &r,
			   err) != 0)
		return -1;
	*row = PQntuples(r) > 0;
	for (size_t i = 0; *row && i < n && result == 0; i++)
		result = postgres_get_int(r, 0, (int)i, &out[i], err);
	PQclear(r);
	return result;
}

static int
change(void *conn, enum postgres_store_sql which,
       const struct postgres_arg *args, size_t nargs, struct err *err)
{
	int64_t ignored;

	return postgres_change(conn, postgres_store_sql[which], args, nargs,
			       &ignored, err);
}

int
store_postgres_banned(void *conn, struct str key, int64_t ban_ms,
		      int64_t now_ms, int64_t *banned_until_ms, struct err *err)
{
	int64_t until = 0;
	bool row;

	if (postgres_numbers(conn, STORE_SQL_BANNED,
			     PG_ARGS(PG_TEXT(key), PG_INT(now_ms),
				     PG_INT(latest_ms(now_ms, ban_ms))),
			     &row, &until, 1, err) != 0)
		return -1;
	*banned_until_ms = until;
	return 0;
}

int
store_postgres_attempt(void *conn, struct str key,
		       const struct attempt_policy *policy, int64_t now_ms,
		       struct attempt *out, struct err *err)
{
	int64_t v[3] = { 0 };
	bool row;

	if (postgres_numbers(
		conn, STORE_SQL_ATTEMPT,
		PG_ARGS(PG_TEXT(key), PG_INT(now_ms),
			PG_INT(later_ms(now_ms, policy->window_ms)),
			PG_INT(later_ms(now_ms, policy->ban_ms)),
			PG_INT(policy->max),
			PG_INT(latest_ms(now_ms, policy->window_ms)),
			PG_INT(latest_ms(now_ms, policy->ban_ms))),
		&row, v, ARRAY_LEN(v), err) != 0)
		return -1;
	*out = (struct attempt){ .banned_until_ms = v[0],
				 .count = v[1],
				 .ends_ms = v[2] };
	return 0;
}

int
store_postgres_give_back(void *conn, struct str key, int64_t ends_ms,
			 struct err *err)
{
	return change(conn, STORE_SQL_GIVE_BACK,
		      PG_ARGS(PG_TEXT(key), PG_INT(ends_ms)), err);
}

int
store_postgres_forgive(void *conn, struct str key, bool *was_banned,
		       struct err *err)
{
	int64_t banned = 0;
	bool row;

	if (postgres_numbers(conn, STORE_SQL_FORGIVE, PG_ARGS(PG_TEXT(key)),
			     &row, &banned, 1, err) != 0)
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
store_postgres_bans(void *conn, struct arena *a, int64_t ban_ms, int64_t now_ms,
		    size_t limit, struct ban **out, size_t *n, struct err *err)
{
	struct ban *v;
	PGresult *r;
	size_t got;
	int result;

	if (postgres_query(conn, postgres_store_sql[STORE_SQL_BANS],
			   PG_ARGS(PG_INT(now_ms),
				   PG_INT(latest_ms(now_ms, ban_ms)),
				   PG_INT((int64_t)limit)),
			   &r, err) != 0)
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

/* Two statements, the second of which may happen later: the next time. */
int
store_postgres_learn(void *conn, struct str user,
		     const struct known_network *network, int64_t now_ms,
		     struct err *err)
{
	const struct postgres_arg hash =
	    PG_BYTES(network->b, sizeof(network->b));

	(void)now_ms; /* what is over is not given out, and swept */
	if (change(conn, STORE_SQL_LEARN,
		   PG_ARGS(PG_TEXT(user), hash, PG_INT(network->until_ms)),
		   err) != 0)
		return -1;
	return change(conn, STORE_SQL_FORGET_OLDEST,
		      PG_ARGS(PG_TEXT(user), hash, PG_INT(NETWORKS_MAX - 1)),
		      err);
}

static int
get_networks(const PGresult *r, struct known_network *v, size_t n,
	     struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (postgres_get_bytes(r, (int)i, 0, v[i].b, sizeof(v[i].b),
				       err) != 0 ||
		    postgres_get_int(r, (int)i, 1, &v[i].until_ms, err) != 0)
			return -1;
	return 0;
}

int
store_postgres_networks(void *conn, struct str user, int64_t now_ms,
			struct known_network out[NETWORKS_MAX], size_t *n,
			struct err *err)
{
	struct known_network v[NETWORKS_MAX] = { { .until_ms = 0 } };
	PGresult *r;
	size_t got;
	int result;

	if (postgres_query(conn, postgres_store_sql[STORE_SQL_NETWORKS],
			   PG_ARGS(PG_TEXT(user), PG_INT(now_ms),
				   PG_INT(NETWORKS_MAX)),
			   &r, err) != 0)
		return -1;
	got = (size_t)PQntuples(r);
	result = get_networks(r, v, got, err);
	PQclear(r);
	if (result != 0)
		return -1;
	memcpy(out, v, sizeof(v));
	*n = got;
	return 0;
}

int
store_postgres_unlearn(void *conn, struct str user, struct err *err)
{
	return change(conn, STORE_SQL_UNLEARN, PG_ARGS(PG_TEXT(user)), err);
}
