/* SPDX-License-Identifier: MIT */
/* A statement waits for a row that another transaction has locked. After the
 * wait, the new state of the row decides. */
#include "tests/contract/postgres/fixture.h"
#include "tests/support/call.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Waits until another transaction waits for a lock. */
#define AWAIT                                                                  \
	"DO $$ BEGIN FOR i IN 1..800 LOOP"                                     \
	" IF EXISTS (SELECT FROM pg_catalog.pg_locks WHERE NOT granted) THEN"  \
	" RETURN; END IF; PERFORM pg_catalog.pg_sleep(0.005); END LOOP;"       \
	" RAISE 'nobody waits'; END $$"

#define SET "UPDATE fcgiauth.sessions SET "

/* An operation in its own thread. */
struct waiter {
	struct fixture *r;
	struct session s;
	int64_t at_ms; /* the time of the operation */
	struct rotation use;
	struct rotated is;
	int result;
};

static void *
sweep(void *arg)
{
	struct waiter *w = arg;
	int64_t n;

	w->result =
	    store_sweep(w->r->conn, AT(w->r, w->at_ms), 100, &n, &w->r->err);
	return NULL;
}

static void *
touch(void *arg)
{
	struct waiter *w = arg;

	w->result =
	    store_touch(w->r->conn, AT(w->r, w->at_ms),
			TOUCH(w->s.id, w->at_ms, w->at_ms + 50), &w->r->err);
	return NULL;
}

static void *
rotate(void *arg)
{
	struct waiter *w = arg;

	w->use.id = w->s.id;
	w->result = store_rotate(w->r->conn, AT(w->r, w->at_ms), &w->use,
				 &w->is, &w->r->err);
	return NULL;
}

/* Executes `sql`, and commits it when `op` waits for it. */
static void
meanwhile(struct waiter *w, void *(*op)(void *), const char *sql)
{
	PGconn *c = fixture_foreign(w->r);
	pthread_t thread;

	foreign_do(c, "BEGIN");
	foreign_do(c, sql);
	ck_assert_int_eq(pthread_create(&thread, NULL, op, w), 0);
	foreign_do(c, AWAIT);
	foreign_do(c, "COMMIT");
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	OK(w->r, w->result);
	PQfinish(c);
}

static long
ask(const struct fixture *r, const char *sql)
{
	char text[32];
	long n;

	postgres_server_ask(r->server, sql, text, sizeof(text));
	ck_assert_int_eq(sscanf(text, "%ld", &n), 1);
	return n;
}

/* An entry that was over is prolonged while the sweep waits, so it stays. All
 * rows are over at 1000. The sweep does not wait for attempts (login_locks.c).
 */
START_TEST(a_prolonged_entry_is_not_swept)
{
	static const struct {
		const char *table, *row, *change;
	} rows[] = {
		{ "denials", "('user:a', 5, 1000)", "until_ms = 9000" },
		{ "known_networks",
		  "('a', '\\x00112233445566778899aabbccddeeff', 1000)",
		  "until_ms = 9000" },
		{ "limits", "('a', 1000)", "ends_ms = 9000" },
	};
	struct fixture *r = fixture_open(0, "");
	struct waiter w = { .r = r, .at_ms = 1000 };
	char sql[250];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(sql, sizeof(sql),
			       "INSERT INTO fcgiauth.%s VALUES %s",
			       rows[i].table, rows[i].row);
		postgres_server_sql(r->server, sql);
		(void)snprintf(sql, sizeof(sql), "UPDATE fcgiauth.%s SET %s",
			       rows[i].table, rows[i].change);
		meanwhile(&w, sweep, sql);
		(void)snprintf(sql, sizeof(sql),
			       "SELECT count(*) FROM fcgiauth.%s",
			       rows[i].table);
		ck_assert_msg(ask(r, sql) == 1, "row %zu is swept", i);
		(void)snprintf(sql, sizeof(sql), "DELETE FROM fcgiauth.%s",
			       rows[i].table);
		postgres_server_sql(r->server, sql);
	}
	fixture_close(r);
}
END_TEST

START_TEST(a_touched_session_is_not_swept)
{
	struct fixture *r = fixture_open(0, "");
	struct waiter w = { .r = r, .s = fixture_create(r) };
	bool found;

	w.at_ms = r->now + 60000;
	meanwhile(&w, sweep,
		  SET "idle_expires_ms = idle_expires_ms + 9000,"
		      " expires_ms = expires_ms + 9000");
	OK(r, fixture_find(r, &w.s, &found));
	HOLDS(r, found);
	fixture_close(r);
}
END_TEST

/* The other touch is later, or the session has ended: this touch changes
 * nothing. */
START_TEST(a_touch_respects_a_newer_change)
{
	static const struct {
		const char *change;
		long last_seen, idle; /* after the creation */
	} rows[] = {
		{ SET "last_seen_ms = last_seen_ms + 20,"
		      " idle_expires_ms = created_ms + 90",
		  20, 90 },
		{ SET "idle_expires_ms = created_ms + 10", 0, 10 },
		{ SET "expires_ms = created_ms + 10", 0, 15 },
	};
	struct fixture *r = fixture_open(0, "");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct waiter w = { .r = r, .s = fixture_create(r) };
		bool ended;

		postgres_server_sql(r->server,
				    SET "idle_expires_ms = created_ms + 15");
		w.at_ms = r->now + 10;
		meanwhile(&w, touch, rows[i].change);
		SAME(r,
		     ask(r, "SELECT last_seen_ms - created_ms"
			    " FROM fcgiauth.sessions"),
		     rows[i].last_seen);
		SAME(r,
		     ask(r, "SELECT idle_expires_ms - created_ms"
			    " FROM fcgiauth.sessions"),
		     rows[i].idle);
		OK(r, store_revoke(r->conn, NOW(r), &w.s.id, &ended, &r->err));
	}
	fixture_close(r);
}
END_TEST

#define PRESENTED "decode(repeat('aa', 32), 'hex')"
#define OTHER	  "decode(repeat('bb', 32), 'hex')"
#define WRAPPED	  "decode(repeat('cc', 32), 'hex')"
#define ROTATED                                                                \
	"token = " OTHER ", parent = " PRESENTED ", wrapped = " WRAPPED        \
	", generation = 1"

/* The new state of the session decides the answer. */
static const struct {
	const char *before, *change;
	uint32_t generation;
	int64_t grace_ms;
	enum rotate_answer answer;
} rotations[] = {
	/* Another client rotates the same secret. */
	{ "token = " PRESENTED, ROTATED ", rotated_ms = created_ms", 0, 10,
	  ROTATE_GRACE },
	{ "token = " PRESENTED, ROTATED ", rotated_ms = created_ms", 0, 0,
	  ROTATE_REUSED },
	/* The session ended, by a time or by its last generation. */
	{ "token = " PRESENTED, "idle_expires_ms = created_ms", 0, 10,
	  ROTATE_GONE },
	{ "token = " PRESENTED, "expires_ms = created_ms", 0, 10, ROTATE_GONE },
	{ "token = " PRESENTED, "generation = 4294967295", 0, 10, ROTATE_GONE },
	/* The session was restored from an older copy. */
	{ "token = " PRESENTED ", generation = 1", "generation = 0", 1, 10,
	  ROTATE_FUTURE },
	/* The token would be a reuse in the old state, but not in the new one.
	 */
	{ "token = " OTHER, "token = " PRESENTED, 0, 10, ROTATE_DONE },
	{ "token = " OTHER, ROTATED ", rotated_ms = created_ms", 0, 10,
	  ROTATE_GRACE },
	{ "token = " OTHER ", generation = 1", "generation = 0", 1, 10,
	  ROTATE_FUTURE },
	{ "token = " OTHER, "idle_expires_ms = created_ms", 0, 10,
	  ROTATE_GONE },
};

START_TEST(a_rotation_respects_a_newer_change)
{
	struct fixture *r = fixture_open(0, "");

	for (size_t i = 0; i < ARRAY_LEN(rotations); i++) {
		struct waiter w = { .r = r, .at_ms = r->now };
		char sql[400];
		uint8_t wrapped[32];
		int64_t n;

		w.s = fixture_create(r);
		w.use =
		    (struct rotation){ .generation = rotations[i].generation,
				       .idle_ms = 3600,
				       .grace_ms = rotations[i].grace_ms };
		memset(&w.use.presented, 0xaa, sizeof(w.use.presented));
		memset(&w.use.next, 0xdd, sizeof(w.use.next));
		memset(w.use.wrapped, 0xee, sizeof(w.use.wrapped));
		memset(wrapped,
		       rotations[i].answer == ROTATE_GRACE ? 0xcc : 0xee,
		       sizeof(wrapped));
		(void)snprintf(sql, sizeof(sql), SET "%s", rotations[i].before);
		postgres_server_sql(r->server, sql);
		(void)snprintf(sql, sizeof(sql), SET "%s", rotations[i].change);
		meanwhile(&w, rotate, sql);
		ck_assert_msg(w.is.answer == rotations[i].answer,
			      "row %zu: answer %d", i, w.is.answer);
		if (w.is.answer == ROTATE_DONE || w.is.answer == ROTATE_GRACE)
			ck_assert_mem_eq(w.is.wrapped, wrapped,
					 sizeof(wrapped));
		SAME(r, ask(r, "SELECT count(*) FROM fcgiauth.sessions"),
		     w.is.answer != ROTATE_REUSED);
		OK(r, store_revoke_all(r->conn, NOW(r), &n, &r->err));
		arena_reset(r->a);
	}
	fixture_close(r);
}
END_TEST

TCase *
postgres_wait_cases(void)
{
	TCase *t = new_case("waits");

	tcase_add_test(t, a_prolonged_entry_is_not_swept);
	tcase_add_test(t, a_touched_session_is_not_swept);
	tcase_add_test(t, a_touch_respects_a_newer_change);
	tcase_add_test(t, a_rotation_respects_a_newer_change);
	return t;
}
