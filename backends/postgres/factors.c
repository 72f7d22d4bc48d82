/* SPDX-License-Identifier: MIT */
/*
 * Records of accounts in PostgreSQL. Each operation is one statement, which is
 * correct even if another one changes a row at the same time: after waiting for
 * the row the server evaluates the condition again.
 */
#include "strategy/clock.h"
#include "strategy/factor_store.h"
#include "backends/postgres/conn.h"

#define SECRET_COLUMNS "hash, kind, name, data, created_ms, expires_ms"
#define MAIL_COLUMNS                                                           \
	"id, name, recipient, kind, body, created_ms, next_ms, expires_ms,"    \
	" tries"

/* $1 hash, $2 kind, $3 now_ms, $4 the latest created_ms. */
#define IS_VALID                                                               \
	" WHERE hash = $1 AND kind = $2 AND expires_ms > $3"                   \
	" AND created_ms <= $4"

#define MAY_ALL(table, column)                                                 \
	"add_" table " AS (INSERT INTO fcgiauth." table " SELECT * FROM"       \
	" fcgiauth." table " WHERE FALSE), change_" table " AS (UPDATE"        \
	" fcgiauth." table " SET " column " = " column " WHERE FALSE),"        \
	" delete_" table " AS (DELETE FROM fcgiauth." table " WHERE FALSE)"

static const char *const steps[] = {
#include "backends/postgres/factors_schema.inc"
};

static const struct postgres_spec spec = {
	.component = "factors",
	.steps = steps,
	.nsteps = ARRAY_LEN(steps),
	/* This needs the permissions of all operations, and a writable
	 * server. */
	.probe = "WITH " MAY_ALL("account", "since_ms") ", " MAY_ALL(
	    "one_time", "expires_ms") ", " MAY_ALL("outbox",
						   "next_ms") " SELECT 1",
};

static int
factors_postgres_open(const void *conf, const struct env *env, void **store,
		      struct err *err)
{
	return postgres_open(&spec, conf, env, store, err);
}

static int
postgres_factors_execute(void *conn, const char *sql,
			 const struct postgres_arg *args, size_t nargs,
			 struct err *err)
{
	int64_t ignored;

	return postgres_change(conn, sql, args, nargs, &ignored, err);
}

static int
postgres_factors_get_account(const PGresult *r, struct arena *a,
			     struct account *out, struct err *err)
{
	struct account is = { .since_ms = 0 };
	int64_t must_change = 0, notify = 0;

	if (PQntuples(r) > 0) {
		if (postgres_get_bytes(r, 0, 0, is.handle, sizeof(is.handle),
				       err) != 0 ||
		    postgres_get_int(r, 0, 1, &must_change, err) != 0 ||
		    postgres_get_text(r, 0, 2, a, &is.verified_email, err) !=
			0 ||
		    postgres_get_int(r, 0, 3, &notify, err) != 0 ||
		    postgres_get_int(r, 0, 4, &is.since_ms, err) != 0)
			return -1;
		is.must_change = must_change != 0;
		is.notify = (enum account_notify)notify;
	}
	*out = is;
	return 0;
}

static int
factors_postgres_account(void *conn, const struct call *c, struct str user,
			 struct account *out, struct err *err)
{
	PGresult *r;
	int result;

	if (postgres_query(conn,
			   "SELECT handle, must_change, verified_email, notify,"
			   " since_ms FROM fcgiauth.account WHERE name = $1",
			   PG_ARGS(PG_TEXT(user)), &r, err) != 0)
		return -1;
	result = postgres_factors_get_account(r, c->arena, out, err);
	PQclear(r);
	return result;
}

/* $7 is the set of fields. */
static int
factors_postgres_account_set(void *conn, const struct call *c,
			     const struct account_change *change,
			     struct err *err)
{
	return postgres_factors_execute(
	    conn,
	    "INSERT INTO fcgiauth.account AS a (name, handle, must_change,"
	    " verified_email, notify, since_ms)"
	    " VALUES ($1, $2, $3 <> 0, $4, $5, $6)"
	    " ON CONFLICT (name) DO UPDATE SET must_change ="
	    " CASE WHEN $7 & 1 <> 0 THEN $3 <> 0 ELSE a.must_change END,"
	    " verified_email = CASE WHEN $7 & 2 <> 0 THEN"
	    " excluded.verified_email ELSE a.verified_email END, notify ="
	    " CASE WHEN $7 & 4 <> 0 THEN excluded.notify ELSE a.notify END",
	    PG_ARGS(PG_TEXT(change->user),
		    PG_BYTES(change->handle, sizeof(change->handle)),
		    PG_INT(change->must_change),
		    PG_TEXT(change->verified_email), PG_INT(change->notify),
		    PG_INT(c->now_ms), PG_INT(change->fields)),
	    err);
}

static int
factors_postgres_one_time_put(void *conn, const struct call *c,
			      const struct one_time *s, bool alone,
			      struct err *err)
{
	return postgres_factors_execute(
	    conn,
	    "INSERT INTO fcgiauth.one_time (" SECRET_COLUMNS ", alone)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7 <> 0)"
	    " ON CONFLICT (name, kind) WHERE alone DO UPDATE SET"
	    " hash = excluded.hash, data = excluded.data, created_ms ="
	    " excluded.created_ms, expires_ms = excluded.expires_ms",
	    PG_ARGS(PG_BYTES(s->hash.b, sizeof(s->hash.b)), PG_INT(s->kind),
		    PG_TEXT(s->user), PG_TEXT(s->data), PG_INT(c->now_ms),
		    PG_INT(s->expires_ms), PG_INT(alone)),
	    err);
}

static int
postgres_factors_get_secret(const PGresult *r, struct arena *a,
			    struct one_time_answer *out, struct err *err)
{
	struct one_time_answer is = { .found = PQntuples(r) > 0 };
	struct one_time *s = &is.secret;
	int64_t kind = 0;

	if (is.found) {
		if (postgres_get_bytes(r, 0, 0, s->hash.b, sizeof(s->hash.b),
				       err) != 0 ||
		    postgres_get_int(r, 0, 1, &kind, err) != 0 ||
		    postgres_get_text(r, 0, 2, a, &s->user, err) != 0 ||
		    postgres_get_text(r, 0, 3, a, &s->data, err) != 0 ||
		    postgres_get_int(r, 0, 4, &s->created_ms, err) != 0 ||
		    postgres_get_int(r, 0, 5, &s->expires_ms, err) != 0)
			return -1;
		s->kind = (enum one_time_kind)kind;
	}
	*out = is;
	return 0;
}

static int
postgres_factors_find_secret(void *conn, const char *sql, const struct call *c,
			     const struct one_time *key,
			     struct one_time_answer *out, struct err *err)
{
	PGresult *r;
	int result;

	if (postgres_query(conn, sql,
			   PG_ARGS(PG_BYTES(key->hash.b, sizeof(key->hash.b)),
				   PG_INT(key->kind), PG_INT(c->now_ms),
				   PG_INT(later_ms(c->now_ms, CLOCK_SLACK_MS))),
			   &r, err) != 0)
		return -1;
	result = postgres_factors_get_secret(r, c->arena, out, err);
	PQclear(r);
	return result;
}

static int
factors_postgres_one_time_peek(void *conn, const struct call *c,
			       const struct one_time_hash *hash,
			       enum one_time_kind kind,
			       struct one_time_answer *out, struct err *err)
{
	const struct one_time key = { .hash = *hash, .kind = kind };

	return postgres_factors_find_secret(conn,
					    "SELECT " SECRET_COLUMNS
					    " FROM fcgiauth.one_time" IS_VALID,
					    c, &key, out, err);
}

static int
factors_postgres_one_time_take(void *conn, const struct call *c,
			       const struct one_time_hash *hash,
			       enum one_time_kind kind,
			       struct one_time_answer *out, struct err *err)
{
	const struct one_time key = { .hash = *hash, .kind = kind };

	return postgres_factors_find_secret(
	    conn,
	    "DELETE FROM fcgiauth.one_time" IS_VALID
	    " RETURNING " SECRET_COLUMNS,
	    c, &key, out, err);
}

static int
factors_postgres_one_time_void(void *conn, const struct call *c,
			       struct str user, unsigned kinds, int64_t *voided,
			       struct err *err)
{
	(void)c;
	return postgres_change(conn,
			       "DELETE FROM fcgiauth.one_time WHERE name = $1"
			       " AND kind & $2 <> 0",
			       PG_ARGS(PG_TEXT(user), PG_INT(kinds)), voided,
			       err);
}

static int
factors_postgres_mail_add(void *conn, const struct call *c,
			  const struct mail *m, struct err *err)
{
	return postgres_factors_execute(
	    conn,
	    "INSERT INTO fcgiauth.outbox (" MAIL_COLUMNS ")"
	    " VALUES ($1, $2, $3, $4, $5, $6, $6, $7, 0)",
	    PG_ARGS(PG_BYTES(m->id, sizeof(m->id)), PG_TEXT(m->user),
		    PG_TEXT(m->to), PG_TEXT(m->kind), PG_TEXT(m->body),
		    PG_INT(c->now_ms), PG_INT(m->expires_ms)),
	    err);
}

static int
postgres_factors_get_mail(const PGresult *r, int row, struct arena *a,
			  struct mail *m, struct err *err)
{
	struct str *const texts[] = { &m->user, &m->to, &m->kind, &m->body };
	int64_t *const numbers[] = { &m->created_ms, &m->next_ms,
				     &m->expires_ms, &m->tries };

	if (postgres_get_bytes(r, row, 0, m->id, sizeof(m->id), err) != 0)
		return -1;
	for (int i = 0; i < (int)ARRAY_LEN(texts); i++)
		if (postgres_get_text(r, row, 1 + i, a, texts[i], err) != 0)
			return -1;
	for (int i = 0; i < (int)ARRAY_LEN(numbers); i++)
		if (postgres_get_int(r, row, 5 + i, numbers[i], err) != 0)
			return -1;
	return 0;
}

static int
postgres_factors_get_mails(const PGresult *r, struct arena *a,
			   struct mail_list *out, struct err *err)
{
	struct mail_list list = { .n = (size_t)PQntuples(r) };

	list.v = arena_array(a, list.n + 1, sizeof(*list.v));
	if (list.v == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < list.n; i++)
		if (postgres_factors_get_mail(r, (int)i, a, &list.v[i], err) !=
		    0)
			return -1;
	*out = list;
	return 0;
}

static int
factors_postgres_mail_claim(void *conn, const struct call *c, size_t limit,
			    int64_t lease_ms, struct mail_list *out,
			    struct err *err)
{
	PGresult *r;
	int result;

	if (postgres_query(
		conn,
		"WITH due AS (SELECT id AS due_id, next_ms AS was"
		" FROM fcgiauth.outbox WHERE next_ms <= $1 AND expires_ms > $1"
		" ORDER BY next_ms LIMIT $2 FOR UPDATE SKIP LOCKED),"
		" claimed AS (UPDATE fcgiauth.outbox SET next_ms = $3,"
		" tries = tries + 1 FROM due WHERE id = due_id"
		" RETURNING " MAIL_COLUMNS ", was)"
		" SELECT " MAIL_COLUMNS " FROM claimed ORDER BY was",
		PG_ARGS(PG_INT(c->now_ms), PG_INT((int64_t)limit),
			PG_INT(later_ms(c->now_ms, lease_ms))),
		&r, err) != 0)
		return -1;
	result = postgres_factors_get_mails(r, c->arena, out, err);
	PQclear(r);
	return result;
}

static int
factors_postgres_mail_done(void *conn, const struct call *c,
			   const uint8_t id[MAIL_ID_BYTES], struct err *err)
{
	(void)c;
	return postgres_factors_execute(
	    conn, "DELETE FROM fcgiauth.outbox WHERE id = $1",
	    PG_ARGS(PG_BYTES(id, MAIL_ID_BYTES)), err);
}

static int
factors_postgres_mail_retry(void *conn, const struct call *c,
			    const struct mail_retry *retry, struct err *err)
{
	(void)c;
	return postgres_factors_execute(
	    conn,
	    "UPDATE fcgiauth.outbox SET next_ms = $3"
	    " WHERE id = $1 AND tries = $2",
	    PG_ARGS(PG_BYTES(retry->id, sizeof(retry->id)),
		    PG_INT(retry->tries), PG_INT(retry->next_ms)),
	    err);
}

static int
factors_postgres_remove_user(void *conn, const struct call *c, struct str user,
			     int64_t *removed, struct err *err)
{
	struct postgres_numbers r;

	(void)c;
	if (postgres_numbers(
		conn,
		"WITH a AS (DELETE FROM fcgiauth.account WHERE name = $1"
		" RETURNING 1), s AS (DELETE FROM fcgiauth.one_time"
		" WHERE name = $1 RETURNING 1), m AS (DELETE FROM"
		" fcgiauth.outbox WHERE name = $1 RETURNING 1)"
		" SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM s)"
		" + (SELECT count(*) FROM m)",
		PG_ARGS(PG_TEXT(user)), &r, err) != 0)
		return -1;
	*removed = r.v[0];
	return 0;
}

/* Deletes at most $2 rows that have expired at $1. */
#define SWEEP(table, key)                                                      \
	"DELETE FROM fcgiauth." table " WHERE (" key ") IN (SELECT " key       \
	" FROM fcgiauth." table " WHERE expires_ms <= $1 LIMIT $2"             \
	" FOR UPDATE SKIP LOCKED) AND expires_ms <= $1"

static int
factors_postgres_sweep(void *conn, const struct call *c, size_t limit,
		       int64_t *removed, struct err *err)
{
	static const char *const sweeps[] = { SWEEP("one_time", "hash, kind"),
					      SWEEP("outbox", "id") };
	int64_t all = 0;

	for (size_t i = 0; i < ARRAY_LEN(sweeps); i++) {
		int64_t n = 0;

		if (postgres_change(conn, sweeps[i],
				    PG_ARGS(PG_INT(c->now_ms),
					    PG_INT((int64_t)limit - all)),
				    &n, err) != 0)
			return -1;
		all += n;
	}
	*removed = all;
	return 0;
}

static const struct option options[] = { POSTGRES_OPTIONS, OPTION_END };

const struct factor_store_ops factors_postgres = {
	.base = {
		.driver = {
			.name = "postgres",
			.summary = "records of accounts in PostgreSQL",
			.caps = BACKEND_PERSISTENT | BACKEND_SHARED,
			.options = options,
			.conf_size = sizeof(struct postgres_conf),
			.check = postgres_check,
		},
		.open = factors_postgres_open,
		POSTGRES_LIFE,
	},
	.account = factors_postgres_account,
	.account_set = factors_postgres_account_set,
	.one_time_put = factors_postgres_one_time_put,
	.one_time_peek = factors_postgres_one_time_peek,
	.one_time_take = factors_postgres_one_time_take,
	.one_time_void = factors_postgres_one_time_void,
	.mail_add = factors_postgres_mail_add,
	.mail_claim = factors_postgres_mail_claim,
	.mail_done = factors_postgres_mail_done,
	.mail_retry = factors_postgres_mail_retry,
	.remove_user = factors_postgres_remove_user,
	.sweep = factors_postgres_sweep,
};
