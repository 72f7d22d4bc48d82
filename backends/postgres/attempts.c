/* SPDX-License-Identifier: MIT */
/* Regulation in the Postgres store: attempts, bans, networks of users. */
#include "strategy/clock.h"
#include "strategy/login_keys.h"
#include "backends/postgres/store_internal.h"
#include "backends/postgres/store_sql.h"

static int
postgres_attempts_change(void *conn, enum postgres_store_sql which,
			 const struct postgres_arg *args, size_t nargs,
			 struct err *err)
{
	int64_t ignored;

	return postgres_change(conn, postgres_store_sql[which], args, nargs,
			       &ignored, err);
}

/* A trigger or a rule of the administrator may skip a row. */
static int
refuse_uncounted(struct err *err)
{
	return err_set(err, ERR_BUSY,
		       "table attempts: must return a row for each key, but a "
		       "row is missing");
}

int
store_postgres_attempt(void *conn, const struct call *c, struct str key,
		       const struct attempt_policy *policy, struct attempt *out,
		       struct err *err)
{
	const int64_t now_ms = c->now_ms;
	struct postgres_numbers r;

	if (postgres_numbers(
		conn, postgres_store_sql[STORE_SQL_ATTEMPT],
		PG_ARGS(PG_TEXT(key), PG_INT(now_ms),
			PG_INT(later_ms(now_ms, policy->window_ms)),
			PG_INT(later_ms(now_ms, policy->ban_ms)),
			PG_INT(policy->max),
			PG_INT(latest_ms(now_ms, policy->window_ms)),
			PG_INT(latest_ms(now_ms, policy->ban_ms))),
		&r, err) != 0)
		return -1;
	if (!r.row)
		return refuse_uncounted(err);
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
	return postgres_attempts_change(conn, STORE_SQL_GIVE_BACK,
					PG_ARGS(PG_TEXT(key), PG_INT(ends_ms)),
					err);
}

/* An argument without a key or a name is empty. No row has an empty key or an
 * empty name, so it finds nothing. */
int
store_postgres_standing(void *conn, const struct call *c,
			const struct login_keys *k, struct login_standing *out,
			struct err *err)
{
	struct postgres_arg args[5 + LOGIN_KEYS_MAX] = {
		PG_INT(c->now_ms),
		PG_INT(latest_ms(c->now_ms, k->ban_ms)),
		PG_TEXT(k->user),
		PG_BYTES(k->network, sizeof(k->network)),
		PG_TEXT(k->v[0].key),
		PG_TEXT(k->user.n > 0 ? k->known : STR("")),
	};
	struct postgres_numbers r;

	for (size_t i = 1; i < LOGIN_KEYS_MAX; i++)
		args[5 + i] = PG_TEXT(i < k->n ? k->v[i].key : STR(""));
	if (postgres_numbers(conn, postgres_store_sql[STORE_SQL_STANDING], args,
			     ARRAY_LEN(args), &r, err) != 0)
		return -1;
	*out = login_standing_of(k, c->now_ms, r.v);
	return 0;
}

/* Reads the attempts from a result that has one row for each key, in any
 * order. */
static int
get_counts(const PGresult *r, const struct call *c, const struct login_keys *k,
	   struct login_count *out, struct err *err)
{
	for (int row = 0; row < PQntuples(r); row++) {
		struct attempt a;
		struct str key;

		if (postgres_get_text(r, row, 0, c->arena, &key, err) != 0 ||
		    postgres_get_int(r, row, 1, &a.banned_until_ms, err) != 0 ||
		    postgres_get_int(r, row, 2, &a.count, err) != 0 ||
		    postgres_get_int(r, row, 3, &a.ends_ms, err) != 0)
			return -1;
		for (size_t i = 0; i < k->n; i++)
			if (str_eq(login_key_of(k, &out->standing, i), key))
				out->v[i] = a;
	}
	for (size_t i = 0; i < k->n; i++)
		if (out->v[i].ends_ms == 0)
			return refuse_uncounted(err);
	login_settle(k, out);
	return 0;
}

/* Undoes the attempts of all keys. A failure is never ERR_UNDONE, because the
 * attempts have been counted. */
static int
give_back_all(void *conn, const struct call *c, const struct login_keys *k,
	      const struct login_count *count, struct err *err)
{
	for (size_t i = 0; i < k->n; i++)
		if (store_postgres_give_back(conn, c,
					     login_key_of(k, &count->standing,
							  i),
					     count->v[i].ends_ms, err) != 0) {
			if (err->code == ERR_UNDONE)
				err->code = ERR_UNAVAILABLE;
			return -1;
		}
	return 0;
}

static int
postgres_attempts_count_all(void *conn, const struct call *c,
			    const struct login_keys *k, struct login_count *out,
			    struct err *err)
{
	struct str keys[LOGIN_KEYS_MAX];
	PGresult *r;
	int result;

	for (size_t i = 0; i < LOGIN_KEYS_MAX; i++)
		keys[i] =
		    i < k->n ? login_key_of(k, &out->standing, i) : STR("");
	if (postgres_query(conn, postgres_store_sql[STORE_SQL_COUNT],
			   PG_ARGS(PG_TEXT(keys[0]), PG_INT(c->now_ms),
				   PG_INT(later_ms(c->now_ms, k->window_ms)),
				   PG_TEXT(keys[1]), PG_TEXT(keys[2]),
				   PG_INT(latest_ms(c->now_ms, k->window_ms)),
				   PG_INT(latest_ms(c->now_ms, k->ban_ms)),
				   PG_TEXT(keys[3])),
			   &r, err) != 0)
		return -1;
	result = get_counts(r, c, k, out, err);
	PQclear(r);
	if (result == 0 && !out->counted)
		result = give_back_all(conn, c, k, out, err);
	return result;
}

/* During a ban nothing is written. */
int
store_postgres_count(void *conn, const struct call *c,
		     const struct login_keys *k, struct login_count *out,
		     struct err *err)
{
	struct login_count count = { .counted = false };

	if (store_postgres_standing(conn, c, k, &count.standing, err) != 0 ||
	    (count.standing.banned_until_ms == 0 &&
	     postgres_attempts_count_all(conn, c, k, &count, err) != 0))
		return -1;
	*out = count;
	return 0;
}

int
store_postgres_succeed(void *conn, const struct call *c,
		       const struct login_success *s, struct err *err)
{
	struct login_taken v[LOGIN_KEYS_MAX - 1];

	(void)c; /* expired networks are not returned, and are swept later */
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		v[i] =
		    i < s->n ? s->v[i] : (struct login_taken){ .key = STR("") };
	return postgres_attempts_change(
	    conn, STORE_SQL_SUCCEED,
	    PG_ARGS(PG_TEXT(s->key), PG_TEXT(v[0].key), PG_INT(v[0].ends_ms),
		    PG_TEXT(v[1].key), PG_INT(v[1].ends_ms), PG_TEXT(v[2].key),
		    PG_INT(v[2].ends_ms), PG_TEXT(s->user),
		    PG_BYTES(s->network.b, sizeof(s->network.b)),
		    PG_INT(s->network.until_ms), PG_INT(NETWORKS_MAX - 1)),
	    err);
}

int
store_postgres_reset_attempts(void *conn, const struct call *c, struct str key,
			      bool *was_banned, struct err *err)
{
	struct postgres_numbers r;

	(void)c;
	if (postgres_numbers(conn, postgres_store_sql[STORE_SQL_RESET],
			     PG_ARGS(PG_TEXT(key)), &r, err) != 0)
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
	return postgres_attempts_change(conn, STORE_SQL_UNLEARN,
					PG_ARGS(PG_TEXT(user)), err);
}
