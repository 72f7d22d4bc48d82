/* SPDX-License-Identifier: MIT */
/* Regulation in the Postgres store: attempts, bans, networks of users. */
#include "backends/postgres/store_sql.h"

#include <assert.h>

int
postgres_numbers(void *conn, enum postgres_store_sql which,
		 const struct postgres_arg *args, size_t nargs,
		 struct postgres_numbers *out, struct err *err)
{
	struct postgres_numbers is = { .row = false };
	int n, result = 0;
	PGresult *r;

	if (postgres_query(conn, postgres_store_sql[which], args, nargs, &r,
			   err) != 0)
		return -1;
	is.row = PQntuples(r) > 0;
	n = is.row ? PQnfields(r) : 0;
	assert(n <= POSTGRES_NUMBERS_MAX);
	for (int i = 0; i < n && result == 0; i++)
		result = postgres_get_int(r, 0, i, &is.v[i], err);
	PQclear(r);
	if (result == 0)
		*out = is;
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
store_postgres_banned(void *conn, const struct call *c, struct str key,
		      int64_t ban_ms, int64_t *banned_until_ms, struct err *err)
{
	struct postgres_numbers r;

	if (postgres_numbers(conn, STORE_SQL_BANNED,
			     PG_ARGS(PG_TEXT(key), PG_INT(c->now_ms),
				     PG_INT(latest_ms(c->now_ms, ban_ms))),
			     &r, err) != 0)
		return -1;
	*banned_until_ms = r.v[0];
	return 0;
}

int
store_postgres_attempt(void *conn, const struct call *c, struct str key,
		       const struct attempt_policy *policy, struct attempt *out,
		       struct err *err)
{
	const int64_t now_ms = c->now_ms;
	struct postgres_numbers r;

	if (postgres_numbers(
		conn, STORE_SQL_ATTEMPT,
		PG_ARGS(PG_TEXT(key), PG_INT(now_ms),
			PG_INT(later_ms(now_ms, policy->window_ms)),
			PG_INT(later_ms(now_ms, policy->ban_ms)),
			PG_INT(policy->max),
			PG_INT(latest_ms(now_ms, policy->window_ms)),
			PG_INT(latest_ms(now_ms, policy->ban_ms))),
		&r, err) != 0)
		return -1;
	*out = (struct attempt){ .banned_until_ms = r.v[0],
				 .count = r.v[1],
				 .ends_ms = r.v[2] };
	return 0;
}

int
store_postgres_give_back(void *conn, const struct call *c, struct str key,
			 int64_t ends_ms, struct err *err)
{
	(void)c;
	return change(conn, STORE_SQL_GIVE_BACK,
		      PG_ARGS(PG_TEXT(key), PG_INT(ends_ms)), err);
}

int
store_postgres_reset_attempts(void *conn, const struct call *c, struct str key,
			      bool *was_banned, struct err *err)
{
	struct postgres_numbers r;

	(void)c;
	if (postgres_numbers(conn, STORE_SQL_RESET, PG_ARGS(PG_TEXT(key)), &r,
			     err) != 0)
		return -1;
	*was_banned = r.v[0] != 0;
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
store_postgres_bans(void *conn, const struct call *c, int64_t ban_ms,
		    size_t limit, struct ban_list *out, struct err *err)
{
	struct ban_list list;
	PGresult *r;
	int result;

	if (postgres_query(conn, postgres_store_sql[STORE_SQL_BANS],
			   PG_ARGS(PG_INT(c->now_ms),
				   PG_INT(latest_ms(c->now_ms, ban_ms)),
				   PG_INT((int64_t)limit)),
			   &r, err) != 0)
		return -1;
	list.n = (size_t)PQntuples(r);
	list.v = arena_array(c->arena, list.n, sizeof(*list.v));
	if (list.v == NULL)
		result = err_nomem(err);
	else
		result = get_bans(r, c->arena, list.v, list.n, err);
	PQclear(r);
	if (result == 0)
		*out = list;
	return result;
}

/* Two statements.  If the second one fails, the next call makes up for it. */
int
store_postgres_learn(void *conn, const struct call *c, struct str user,
		     const struct known_network *network, struct err *err)
{
	const struct postgres_arg hash =
	    PG_BYTES(network->b, sizeof(network->b));

	(void)c; /* an expired network is not returned, and swept later */
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
store_postgres_networks(void *conn, const struct call *c, struct str user,
			struct known_networks *out, struct err *err)
{
	struct known_networks known = { .n = 0 };
	PGresult *r;
	int result;

	if (postgres_query(conn, postgres_store_sql[STORE_SQL_NETWORKS],
			   PG_ARGS(PG_TEXT(user), PG_INT(c->now_ms),
				   PG_INT(NETWORKS_MAX)),
			   &r, err) != 0)
		return -1;
	known.n = (size_t)PQntuples(r);
	result = get_networks(r, known.v, known.n, err);
	PQclear(r);
	if (result == 0)
		*out = known;
	return result;
}

int
store_postgres_unlearn(void *conn, const struct call *c, struct str user,
		       struct err *err)
{
	(void)c;
	return change(conn, STORE_SQL_UNLEARN, PG_ARGS(PG_TEXT(user)), err);
}
