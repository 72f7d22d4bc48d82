/* SPDX-License-Identifier: MIT */
/* Regulation in the SQLite store: attempts, bans, networks of users. */
#include "strategy/clock.h"
#include "strategy/login_keys.h"
#include "backends/sqlite/store_internal.h"
#include "backends/sqlite/store_sql.h"

static int
ask_ban(struct sqlite_conn *conn, int64_t now_ms, struct str key,
	int64_t ban_ms, int64_t *banned_until_ms, struct err *err)
{
	struct sqlite_numbers r;

	if (sqlite_numbers(conn, STORE_SQL_BANNED,
			   SQL_ARGS(SQL_TEXT(key), SQL_INT(now_ms),
				    SQL_INT(latest_ms(now_ms, ban_ms))),
			   &r, err) != 0)
		return -1;
	*banned_until_ms = r.v[0];
	return 0;
}

static int
count_attempt(struct sqlite_conn *conn, const struct call *c, struct str key,
	      const struct attempt_policy *policy, struct attempt *out,
	      struct err *err)
{
	const int64_t now_ms = c->now_ms;
	struct sqlite_numbers r;

	if (sqlite_numbers(
		conn, STORE_SQL_ATTEMPT,
		SQL_ARGS(SQL_TEXT(key), SQL_INT(now_ms),
			 SQL_INT(later_ms(now_ms, policy->window_ms)),
			 SQL_INT(later_ms(now_ms, policy->ban_ms)),
			 SQL_INT(policy->max),
			 SQL_INT(latest_ms(now_ms, policy->window_ms)),
			 SQL_INT(latest_ms(now_ms, policy->ban_ms))),
		&r, err) != 0)
		return -1;
	*out = (struct attempt){ .banned_until_ms = r.v[0],
				 .count = r.v[1],
				 .ends_ms = r.v[2] };
	if (r.row)
		return 0;
	if (ask_ban(conn, now_ms, key, policy->ban_ms, &out->banned_until_ms,
		    err) != 0)
		return -1;
	if (out->banned_until_ms > 0)
		return 0;
	/* A trigger of the administrator may skip a row. */
	return err_set(err, ERR_BUSY,
		       "table attempts: must return a row for each key, but a "
		       "row is missing");
}

int
store_sqlite_attempt(void *conn, const struct call *c, struct str key,
		     const struct attempt_policy *policy, struct attempt *out,
		     struct err *err)
{
	struct attempt attempt;

	if (sqlite_begin(conn, err) != 0 ||
	    sqlite_end(conn, count_attempt(conn, c, key, policy, &attempt, err),
		       err) != 0)
		return -1;
	*out = attempt;
	return 0;
}

static int
sqlite_attempts_give_back(struct sqlite_conn *conn, struct str key,
			  int64_t ends_ms, struct err *err)
{
	int64_t ignored;

	return sqlite_change(conn, STORE_SQL_GIVE_BACK,
			     SQL_ARGS(SQL_TEXT(key), SQL_INT(ends_ms)),
			     &ignored, err);
}

int
store_sqlite_give_back(void *conn, const struct call *c, struct str key,
		       int64_t ends_ms, struct err *err)
{
	(void)c;
	return sqlite_attempts_give_back(conn, key, ends_ms, err);
}

/* An argument without a key or a name is empty. No row has an empty key or an
 * empty name, so it finds nothing. */
int
store_sqlite_standing(void *conn, const struct call *c,
		      const struct login_keys *k, struct login_standing *out,
		      struct err *err)
{
	struct sqlite_arg args[5 + LOGIN_KEYS_MAX] = {
		SQL_INT(c->now_ms),
		SQL_INT(latest_ms(c->now_ms, k->ban_ms)),
		SQL_TEXT(k->user),
		SQL_BLOB(k->network, sizeof(k->network)),
		SQL_TEXT(k->v[0].key),
		SQL_TEXT(k->user.n > 0 ? k->known : STR("")),
	};
	struct sqlite_numbers r;

	for (size_t i = 1; i < LOGIN_KEYS_MAX; i++)
		args[5 + i] = SQL_TEXT(i < k->n ? k->v[i].key : STR(""));
	if (sqlite_numbers(conn, STORE_SQL_STANDING, args, ARRAY_LEN(args), &r,
			   err) != 0)
		return -1;
	*out = login_standing_of(k, c->now_ms, r.v);
	return 0;
}

static int
sqlite_attempts_count_all(struct sqlite_conn *conn, const struct call *c,
			  const struct login_keys *k, struct login_count *out,
			  struct err *err)
{
	const struct attempt_policy policy = { .max = INT64_MAX,
					       .window_ms = k->window_ms,
					       .ban_ms = k->ban_ms };

	for (size_t i = 0; i < k->n; i++)
		if (count_attempt(conn, c, login_key_of(k, &out->standing, i),
				  &policy, &out->v[i], err) != 0)
			return -1;
	login_settle(k, out);
	for (size_t i = 0; !out->counted && i < k->n; i++)
		if (sqlite_attempts_give_back(conn,
					      login_key_of(k, &out->standing,
							   i),
					      out->v[i].ends_ms, err) != 0)
			return -1;
	return 0;
}

/* During a ban nothing is written, so the call does not wait for other
 * writers. */
int
store_sqlite_count(void *conn, const struct call *c, const struct login_keys *k,
		   struct login_count *out, struct err *err)
{
	struct login_count count = { .counted = false };

	if (store_sqlite_standing(conn, c, k, &count.standing, err) != 0)
		return -1;
	if (count.standing.banned_until_ms == 0 &&
	    (sqlite_begin(conn, err) != 0 ||
	     sqlite_end(conn,
			sqlite_attempts_count_all(conn, c, k, &count, err),
			err) != 0))
		return -1;
	*out = count;
	return 0;
}

static int
learn(struct sqlite_conn *conn, struct str user,
      const struct known_network *network, struct err *err)
{
	const struct sqlite_arg hash = SQL_BLOB(network->b, sizeof(network->b));
	int64_t ignored;

	if (sqlite_change(conn, STORE_SQL_LEARN,
			  SQL_ARGS(SQL_TEXT(user), hash,
				   SQL_INT(network->until_ms)),
			  &ignored, err) != 0)
		return -1;
	return sqlite_change(conn, STORE_SQL_FORGET_OLDEST,
			     SQL_ARGS(SQL_TEXT(user), hash,
				      SQL_INT(NETWORKS_MAX - 1)),
			     &ignored, err);
}

static int
succeed(struct sqlite_conn *conn, const struct login_success *s,
	struct err *err)
{
	struct sqlite_numbers ignored;

	if (sqlite_numbers(conn, STORE_SQL_RESET, SQL_ARGS(SQL_TEXT(s->key)),
			   &ignored, err) != 0)
		return -1;
	for (size_t i = 0; i < s->n; i++)
		if (sqlite_attempts_give_back(conn, s->v[i].key,
					      s->v[i].ends_ms, err) != 0)
			return -1;
	return s->network.until_ms == 0 ?
		   0 :
		   learn(conn, s->user, &s->network, err);
}

int
store_sqlite_succeed(void *conn, const struct call *c,
		     const struct login_success *s, struct err *err)
{
	(void)c; /* expired networks are not returned, and are swept later */
	if (sqlite_begin(conn, err) != 0)
		return -1;
	return sqlite_end(conn, succeed(conn, s, err), err);
}

int
store_sqlite_reset_attempts(void *conn, const struct call *c, struct str key,
			    bool *was_banned, struct err *err)
{
	struct sqlite_numbers r;

	(void)c;
	if (sqlite_numbers(conn, STORE_SQL_RESET, SQL_ARGS(SQL_TEXT(key)), &r,
			   err) != 0)
		return -1;
	*was_banned = r.v[0] != 0;
	return 0;
}

int
store_sqlite_bans(void *conn, const struct call *c, int64_t ban_ms,
		  size_t limit, struct ban_list *out, struct err *err)
{
	struct ban_list list = { .v = arena_array(c->arena, limit,
						  sizeof(*list.v)) };
	sqlite3_stmt *stmt = NULL;
	bool row;

	if (list.v == NULL)
		return err_nomem(err);
	if (sqlite_query(conn, STORE_SQL_BANS,
			 SQL_ARGS(SQL_INT(c->now_ms),
				  SQL_INT(latest_ms(c->now_ms, ban_ms)),
				  SQL_INT((int64_t)limit)),
			 &stmt, err) != 0)
		return -1;
	for (;;) {
		if (sqlite_next(conn, stmt, &row, err) != 0)
			return -1;
		if (!row)
			break;
		list.v[list.n].until_ms = sqlite3_column_int64(stmt, 1);
		if (sqlite_get_text(stmt, 0, c->arena, &list.v[list.n].key,
				    err) != 0) {
			sqlite_finish(stmt);
			return -1;
		}
		list.n++;
	}
	*out = list;
	return 0;
}

int
store_sqlite_networks(void *conn, const struct call *c, struct str user,
		      struct known_networks *out, struct err *err)
{
	struct known_networks known = { .n = 0 };
	sqlite3_stmt *stmt = NULL;
	bool row;

	if (sqlite_query(conn, STORE_SQL_NETWORKS,
			 SQL_ARGS(SQL_TEXT(user), SQL_INT(c->now_ms),
				  SQL_INT(NETWORKS_MAX)),
			 &stmt, err) != 0)
		return -1;
	for (;;) {
		struct known_network *network = &known.v[known.n];

		if (sqlite_next(conn, stmt, &row, err) != 0)
			return -1;
		if (!row)
			break;
		network->until_ms = sqlite3_column_int64(stmt, 1);
		if (sqlite_get_blob(stmt, 0, network->b, sizeof(network->b),
				    err) != 0) {
			sqlite_finish(stmt);
			return -1;
		}
		known.n++;
	}
	*out = known;
	return 0;
}

int
store_sqlite_unlearn(void *conn, const struct call *c, struct str user,
		     struct err *err)
{
	int64_t ignored;

	(void)c;
	return sqlite_change(conn, STORE_SQL_UNLEARN, SQL_ARGS(SQL_TEXT(user)),
			     &ignored, err);
}
