/* SPDX-License-Identifier: MIT */
/* The operations of a login lock several rows. They lock these in the order of
 * their keys, and the sweep does not wait for locked rows. Therefore two
 * statements never wait for each other. */
#include "tests/contract/postgres/fixture.h"
#include "tests/support/call.h"

#include <pthread.h>
#include <stdio.h>

#define ADDRESS "addr:192.0.2.1"
#define NETWORK "net:192.0.2.0"
#define USER	"user:alice"

#define LOCK(key)                                                              \
	"SELECT FROM fcgiauth.attempts WHERE key = '" key "' FOR UPDATE NOWAIT"

/* Waits until another connection waits for a lock. */
#define AWAIT                                                                  \
	"DO $$ BEGIN FOR i IN 1..800 LOOP"                                     \
	" IF EXISTS (SELECT FROM pg_catalog.pg_locks WHERE NOT granted) THEN"  \
	" RETURN; END IF; PERFORM pg_catalog.pg_sleep(0.005); END LOOP;"       \
	" RAISE 'nobody waits'; END $$"

/* Adds a row of each key, not in the order of the keys. */
static void
add_rows(PGconn *c, int64_t ends_ms)
{
	char sql[250];

	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO fcgiauth.attempts"
		       " SELECT key, 1, FALSE, %lld FROM (VALUES ('" USER "'),"
		       " ('" NETWORK "'), ('" ADDRESS "')) AS v (key)",
		       (long long)ends_ms);
	foreign_do(c, sql);
}

struct login {
	struct fixture *r;
	int result;
};

static void *
count(void *arg)
{
	const struct login_keys keys = {
		.v = { { STR(USER), 9 },
		       { STR(ADDRESS), 9 },
		       { STR(NETWORK), 9 } },
		.n = 3,
		.window_ms = 1000,
		.ban_ms = 1000,
	};
	struct login *l = arg;
	struct login_count c;

	l->result = store_count(l->r->conn, NOW(l->r), &keys, &c, &l->r->err);
	return NULL;
}

static void *
succeed(void *arg)
{
	struct login *l = arg;
	const struct login_success s = {
		.key = STR(USER),
		.v = { { STR(ADDRESS), l->r->now + 1000 },
		       { STR(NETWORK), l->r->now + 1000 } },
		.n = 2,
	};

	l->result = store_succeed(l->r->conn, NOW(l->r), &s, &l->r->err);
	return NULL;
}

/* While an operation waits for the first row, it has not locked the others, in
 * whatever order these are in the table. */
START_TEST(rows_are_locked_in_one_order)
{
	void *(*const operations[])(void *) = { count, succeed };
	struct fixture *r = fixture_open(0, "");
	struct login l = { .r = r };
	PGconn *c = fixture_foreign(r);
	pthread_t thread;

	add_rows(c, r->now + 1000);
	foreign_do(c, "BEGIN");
	foreign_do(c, LOCK(ADDRESS));
	ck_assert_int_eq(pthread_create(&thread, NULL, operations[_i], &l), 0);
	foreign_do(c, AWAIT);
	foreign_do(c, LOCK(NETWORK));
	foreign_do(c, LOCK(USER));
	foreign_do(c, "COMMIT");
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	OK(r, l.result);
	PQfinish(c);
	fixture_close(r);
}
END_TEST

/* The sweep leaves a row that is locked, which may begin a new window. */
START_TEST(sweep_does_not_wait)
{
	struct fixture *r = fixture_open(0, "");
	PGconn *c = fixture_foreign(r);
	int64_t n;

	add_rows(c, r->now);
	foreign_do(c, "BEGIN");
	foreign_do(c, "UPDATE fcgiauth.attempts SET ends_ms = ends_ms + 1000"
		      " WHERE key = '" ADDRESS "'");
	OK(r, store_sweep(r->conn, NOW(r), 9, &n, &r->err));
	SAME(r, n, 2);
	foreign_do(c, "COMMIT");
	OK(r, store_sweep(r->conn, AT(r, r->now + 999), 9, &n, &r->err));
	SAME(r, n, 0);
	OK(r, store_sweep(r->conn, AT(r, r->now + 1000), 9, &n, &r->err));
	SAME(r, n, 1);
	PQfinish(c);
	fixture_close(r);
}
END_TEST

TCase *
postgres_login_lock_cases(void)
{
	TCase *t = new_case("login locks");

	tcase_add_loop_test(t, rows_are_locked_in_one_order, 0, 2);
	tcase_add_test(t, sweep_does_not_wait);
	return t;
}
