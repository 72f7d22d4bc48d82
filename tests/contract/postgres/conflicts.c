/* SPDX-License-Identifier: MIT */
/* Serialisation failures and deadlocks are repeated a bounded number of times.
 */
#include "tests/contract/postgres/fixture.h"
#include "tests/support/call.h"

#include <pthread.h>
#include <stdio.h>

/* A table of two rows, and the state of the function in the transaction. */
struct clash {
	struct fixture *r;
	PGconn *other;
	int runs;
	int64_t n;
};

static struct fixture *
open_pair(const char *more, struct bare *b, struct clash *c)
{
	struct fixture *r = fixture_open(0, more);

	postgres_server_sql(r->server,
			    "CREATE TABLE fcgiauth.pair (id int PRIMARY KEY,"
			    " n bigint NOT NULL);"
			    "INSERT INTO fcgiauth.pair VALUES (1, 0), (2, 0)");
	bare_open(r, NULL, 0, b);
	*c = (struct clash){ .r = r, .other = fixture_foreign(r) };
	return r;
}

static void
close_pair(struct fixture *r, struct bare *b, struct clash *c)
{
	PQfinish(c->other);
	bare_close(b);
	fixture_close(r);
}

static int
add_after_another(struct postgres_conn *pg, void *ctx, struct err *err)
{
	struct clash *c = ctx;
	PGresult *res;

	/* The snapshot is taken here. */
	if (postgres_query(pg, "SELECT n FROM fcgiauth.pair WHERE id = 1", NULL,
			   0, &res, err) != 0)
		return -1;
	PQclear(res);
	if (c->runs++ < 3)
		foreign_do(c->other, "UPDATE fcgiauth.pair SET n = n + 10"
				     " WHERE id = 1");
	return postgres_change(pg,
			       "UPDATE fcgiauth.pair SET n = n + 1"
			       " WHERE id = 1",
			       NULL, 0, &c->n, err);
}

START_TEST(a_serialisation_failure_is_repeated)
{
	struct clash c;
	struct bare b;
	struct fixture *r =
	    open_pair("options='-c default_transaction_isolation=serializable'",
		      &b, &c);
	char n[24];

	OK(r, postgres_transaction(b.pg, add_after_another, &c, &r->err));
	SAME(r, c.runs, 4);
	postgres_server_ask(r->server, "SELECT sum(n) FROM fcgiauth.pair", n,
			    sizeof(n));
	ck_assert_str_eq(n, "31");
	close_pair(r, &b, &c);
}
END_TEST

/* The other transaction has locked row 2 and waits for row 1, which ours has
 * locked. Ours then asks for row 2. The server ends ours, because the other
 * does not look for deadlocks. */
static int
lock_both(struct postgres_conn *pg, void *ctx, struct err *err)
{
	struct clash *c = ctx;
	bool first = c->runs++ == 0;

	if (!first) {
		PGresult *res = PQgetResult(c->other);

		ck_assert_int_eq(PQresultStatus(res), PGRES_COMMAND_OK);
		PQclear(res);
		ck_assert_ptr_null(PQgetResult(c->other));
		foreign_do(c->other, "COMMIT");
	}
	if (postgres_change(pg,
			    "UPDATE fcgiauth.pair SET n = n + 1 WHERE id = 1",
			    NULL, 0, &c->n, err) != 0)
		return -1;
	if (first) {
		foreign_do(c->other, "SET deadlock_timeout = '1h'");
		foreign_do(c->other, "BEGIN");
		foreign_do(c->other, "UPDATE fcgiauth.pair SET n = n + 10"
				     " WHERE id = 2");
		ck_assert_int_eq(PQsendQuery(c->other,
					     "UPDATE fcgiauth.pair SET"
					     " n = n + 10 WHERE id = 1"),
				 1);
	}
	return postgres_change(pg,
			       "UPDATE fcgiauth.pair SET n = n + 1"
			       " WHERE id = 2",
			       NULL, 0, &c->n, err);
}

START_TEST(a_deadlock_is_repeated)
{
	struct clash c;
	struct bare b;
	struct fixture *r =
	    open_pair("options='-c deadlock_timeout=50ms'", &b, &c);
	char n[24];

	OK(r, postgres_transaction(b.pg, lock_both, &c, &r->err));
	SAME(r, c.runs, 2);
	postgres_server_ask(r->server, "SELECT sum(n) FROM fcgiauth.pair", n,
			    sizeof(n));
	ck_assert_str_eq(n, "22");
	close_pair(r, &b, &c);
}
END_TEST

/* A conflict that never ends is given up. */
START_TEST(repetitions_are_bounded)
{
	static const char *const states[] = { "40001", "40P01" };
	struct fixture *r = fixture_open(0, "");
	struct bare b;
	int64_t n;
	char sql[200];

	bare_open(r, NULL, 0, &b);
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		(void)snprintf(sql, sizeof(sql),
			       "DO $$ BEGIN RAISE EXCEPTION 'again' USING"
			       " ERRCODE = '%s'; END $$",
			       states[i]);
		FAILS(r, postgres_change(b.pg, sql, NULL, 0, &n, &r->err),
		      ERR_BUSY, states[i]);
	}
	OK(r, postgres_ping(b.pg, &r->err));
	bare_close(&b);
	fixture_close(r);
}
END_TEST

static int
fail_by_itself(struct postgres_conn *pg, void *ctx, struct err *err)
{
	struct clash *c = ctx;

	c->runs++;
	if (postgres_change(pg, "UPDATE fcgiauth.pair SET n = 99", NULL, 0,
			    &c->n, err) != 0)
		return -1;
	return err_set(err, ERR_LIMIT, "enough");
}

static int
forget_a_failure(struct postgres_conn *pg, void *ctx, struct err *err)
{
	struct clash *c = ctx;

	c->runs++;
	if (postgres_change(pg, "UPDATE fcgiauth.pair SET n = 1 / 0", NULL, 0,
			    &c->n, err) == 0)
		return -1;
	return 0;
}

START_TEST(a_failed_transaction_changes_nothing)
{
	struct clash c;
	struct bare b;
	struct fixture *r = open_pair("", &b, &c);
	char n[24];

	FAILS(r, postgres_transaction(b.pg, fail_by_itself, &c, &r->err),
	      ERR_LIMIT, "enough");
	FAILS(r, postgres_transaction(b.pg, forget_a_failure, &c, &r->err),
	      ERR_INTERNAL, "not committed");
	SAME(r, c.runs, 2);
	OK(r, postgres_ping(b.pg, &r->err));
	postgres_server_ask(r->server, "SELECT sum(n) FROM fcgiauth.pair", n,
			    sizeof(n));
	ck_assert_str_eq(n, "0");
	close_pair(r, &b, &c);
}
END_TEST

enum { THREADS = 8, ROUNDS = 20, LIMIT = 3 };

struct racer {
	struct fixture *r;
	struct backend *store;
	struct session family; /* all rotate this one */
	int failures, banned, done;
	struct err err;
};

static const struct attempt_policy policy = { .max = THREADS * ROUNDS / 2,
					      .window_ms = 60000,
					      .ban_ms = 60000 };

static int
race_once(struct racer *me, struct store_conn *conn, struct arena *a)
{
	struct session s = { .who = { .name = STR("bob") },
			     .created_ms = me->r->now,
			     .idle_expires_ms = me->r->now + 60000,
			     .expires_ms = me->r->now + 60000 };
	struct rotation use = { .id = me->family.id,
				.presented = me->family.token,
				.idle_ms = 60000,
				.grace_ms = 1000 };
	const struct env *env = &me->r->fake.env;
	struct attempt attempt;
	struct rotated is;

	if (env_random(env, &s.id, sizeof(s.id)) != 0 ||
	    env_random(env, &s.token, sizeof(s.token)) != 0 ||
	    env_random(env, &use.next, sizeof(use.next)) != 0)
		return -1;
	if (store_create(conn, CALL_AT(a, me->r->now), &s, LIMIT, NULL,
			 &me->err) != 0 ||
	    store_attempt(conn, CALL_AT(a, me->r->now), STR("user:bob"),
			  &policy, &attempt, &me->err) != 0 ||
	    store_rotate(conn, CALL_AT(a, me->r->now), &use, &is, &me->err) !=
		0)
		return -1;
	me->banned += attempt.banned_until_ms != 0;
	me->done += is.answer == ROTATE_DONE;
	if (is.answer != ROTATE_DONE && is.answer != ROTATE_GRACE)
		return -1;
	return 0;
}

static void *
race(void *arg)
{
	struct racer *me = arg;
	struct store_conn *conn = store_conn_new(&me->r->fake.env);
	struct arena *a = arena_new(1 << 20);

	if (conn == NULL || a == NULL) {
		me->failures = ROUNDS;
		return NULL;
	}
	store_conn_bind(conn, me->store);
	for (int i = 0; i < ROUNDS; i++)
		me->failures += race_once(me, conn, a) != 0;
	store_conn_free(conn);
	arena_free(a);
	return NULL;
}

/* With the strictest isolation level as default, the answers are the same. */
START_TEST(answers_are_exact_when_serializable)
{
	struct fixture *r = fixture_open(
	    0, "options='-c default_transaction_isolation=serializable'");
	struct racer racers[THREADS];
	pthread_t threads[THREADS];
	struct session family = fixture_create(r);
	int failures = 0, banned = 0, done = 0;
	char n[24];

	for (int i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){ .r = r,
					    .store = r->store,
					    .family = family };
		ck_assert_int_eq(pthread_create(&threads[i], NULL, race,
						&racers[i]),
				 0);
	}
	for (int i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		failures += racers[i].failures;
		banned += racers[i].banned;
		done += racers[i].done;
		if (racers[i].failures > 0)
			r->err = racers[i].err;
	}
	ck_assert_msg(failures == 0, "%d failures: %s", failures, r->err.msg);
	SAME(r, done, 1);
	SAME(r, banned, THREADS * ROUNDS - policy.max);
	postgres_server_ask(r->server,
			    "SELECT count(*) FROM fcgiauth.sessions"
			    " WHERE name = 'bob'",
			    n, sizeof(n));
	SAME(r, n[0] - '0', LIMIT);
	fixture_close(r);
}
END_TEST

/* Another process was faster, so the statement fails this many times and the
 * migration is repeated. */
START_TEST(a_migration_that_loses_a_race_is_repeated)
{
	static const struct {
		const char *state;
		int times;
		bool passes;
	} rows[] = {
		{ "23505", 1, true },  { "42P06", 1, true },
		{ "42P07", 1, true },  { "42P07", 20, true },
		{ "42501", 1, false }, { "42P07", 21, false },
	};
	struct fixture *r = fixture_open(FIXTURE_NO_SCHEMA, "");
	char sql[500];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(
		    sql, sizeof(sql),
		    "DROP SCHEMA IF EXISTS fcgiauth CASCADE;"
		    "DROP SEQUENCE IF EXISTS races; CREATE SEQUENCE races;"
		    "CREATE OR REPLACE FUNCTION race() RETURNS event_trigger"
		    " LANGUAGE plpgsql AS $$ BEGIN"
		    " IF nextval('public.races') <= %d THEN"
		    " RAISE EXCEPTION USING ERRCODE = '%s'; END IF; END $$;"
		    "CREATE EVENT TRIGGER race ON ddl_command_start"
		    " EXECUTE FUNCTION race()",
		    rows[i].times, rows[i].state);
		postgres_server_sql(r->server, sql);
		ck_assert_msg((store_migrate(r->conn, &r->err) == 0) ==
				  rows[i].passes,
			      "row %zu: %s", i, r->err.msg);
		postgres_server_sql(r->server, "DROP EVENT TRIGGER race");
		fixture_wait(r);
	}
	fixture_close(r);
}
END_TEST

TCase *
postgres_conflict_cases(void)
{
	TCase *t = new_case("conflicts");

	tcase_add_test(t, a_serialisation_failure_is_repeated);
	tcase_add_test(t, a_deadlock_is_repeated);
	tcase_add_test(t, repetitions_are_bounded);
	tcase_add_test(t, a_failed_transaction_changes_nothing);
	tcase_add_test(t, answers_are_exact_when_serializable);
	tcase_add_test(t, a_migration_that_loses_a_race_is_repeated);
	return t;
}
