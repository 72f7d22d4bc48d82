/* SPDX-License-Identifier: MIT */
/* Contract: several handles, several processes, restarts, the schema. */
#include "tests/contract/store/fixture.h"
#include "tests/support/call.h"
#include "tests/support/logins.h"

#include <string.h>
#include <unistd.h>

enum { ROUNDS = 25, MAX_PER_USER = 3 };

static const struct attempt_policy policy = { .max = 40,
					      .window_ms = 120,
					      .ban_ms = 300 };

START_TEST(handles_share_their_data)
{
	struct fixture *r = fixture_open(_i);
	struct backend *second = fixture_store(r);
	struct store_conn *other = fixture_conn_to(r, second);
	struct session s = fixture_create(r, "alice", r->now);
	struct session_answer got;
	bool ended;

	OK(r, store_check_schema(other, &r->err));
	OK(r, store_find(other, NOW(r), &s.id, &s.token, &got, &r->err));
	if (fixture_is_shared(r)) {
		HOLDS(r, got.found && session_same(&s, &got.session));
		OK(r, store_revoke(other, NOW(r), &s.id, &ended, &r->err));
		HOLDS(r, !fixture_is_alive(r, &s, r->now));
	} else {
		HOLDS(r, !got.found);
	}
	store_conn_free(other);
	backend_unref(second);
	fixture_close(r);
}
END_TEST

START_TEST(a_restart_keeps_persistent_data)
{
	bool persistent;
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now);
	struct session_answer got;
	uint8_t first[32] = { 42 }, second[32] = { 43 };
	struct attempt attempt = { .count = 0 };
	int64_t until = 0;

	persistent = (r->ops->base.driver.caps & BACKEND_PERSISTENT) != 0;
	OK(r, store_secret(r->conn, NOW(r), "csrf", first, &r->err));
	for (int i = 0; i <= policy.max; i++)
		OK(r, store_attempt(r->conn, NOW(r), STR("user:a"), &policy,
				    &attempt, &r->err));
	HOLDS(r, attempt.banned_until_ms > 0);
	fixture_reopen(r);
	got = fixture_find(r, &s, r->now);
	HOLDS(r, got.found == persistent);
	HOLDS(r, !got.found || session_same(&s, &got.session));
	OK(r, store_secret(r->conn, NOW(r), "csrf", second, &r->err));
	SAME(r, second[0], persistent ? 42 : 43);
	OK(r, ask_ban(r->conn, NOW(r), STR("user:a"), policy.ban_ms, &until,
		      &r->err));
	HOLDS(r, (until > 0) == persistent);
	fixture_close(r);
}
END_TEST

static int
attempts_of_a_process(struct fixture *r)
{
	struct backend *s;
	struct store_conn *conn = store_conn_new(r->env);
	int passed = 0;

	if (conn == NULL || fixture_try_store(r, &s) != 0)
		return 120;
	store_conn_bind(conn, s);
	for (int i = 0; i < ROUNDS; i++) {
		struct attempt attempt;

		if (store_attempt(conn, NOW(r), STR("user:alice"), &policy,
				  &attempt, &r->err) != 0)
			return 121;
		passed += attempt.banned_until_ms == 0;
	}
	store_conn_free(conn);
	backend_unref(s);
	return passed;
}

START_TEST(processes_share_attempts)
{
	struct fixture *r = fixture_open(_i);

	if (fixture_is_shared(r))
		SAME(r, fixture_processes(r, attempts_of_a_process, 4),
		     policy.max);
	fixture_close(r);
}
END_TEST

static int
logins_of_a_process(struct fixture *r)
{
	const struct login_keys keys = { .v = { { STR("user:alice"), 40 },
						{ STR("addr:192.0.2.1"), 40 } },
					 .n = 2,
					 .window_ms = 120,
					 .ban_ms = 300 };
	struct backend *s;
	struct store_conn *conn = store_conn_new(r->env);
	int counted = 0;

	if (conn == NULL || fixture_try_store(r, &s) != 0)
		return 120;
	store_conn_bind(conn, s);
	for (int i = 0; i < ROUNDS; i++) {
		struct login_count count;

		if (store_count(conn, NOW(r), &keys, &count, &r->err) != 0)
			return 121;
		counted += count.counted;
	}
	store_conn_free(conn);
	backend_unref(s);
	return counted;
}

/* All processes together may try as many passwords as one. */
START_TEST(processes_share_logins)
{
	struct fixture *r = fixture_open(_i);

	if (fixture_is_shared(r))
		SAME(r, fixture_processes(r, logins_of_a_process, 4), 40);
	fixture_close(r);
}
END_TEST

static int
creates_of_a_process(struct fixture *r)
{
	struct backend *s;
	struct store_conn *conn = store_conn_new(r->env);

	if (conn == NULL || fixture_try_store(r, &s) != 0)
		return 120;
	store_conn_bind(conn, s);
	for (int i = 0; i < ROUNDS; i++) {
		struct session one = fixture_session(r, "alice", r->now + i);

		if (store_create(conn, NOW(r), &one, MAX_PER_USER, NULL,
				 &r->err) != 0)
			return 121;
	}
	store_conn_free(conn);
	backend_unref(s);
	return 0;
}

START_TEST(processes_keep_the_limit)
{
	struct fixture *r = fixture_open(_i);

	if (fixture_is_shared(r)) {
		SAME(r, fixture_processes(r, creates_of_a_process, 4), 0);
		fixture_reopen(r);
		SAME(r, fixture_live(r, "alice", r->now), MAX_PER_USER);
	}
	fixture_close(r);
}
END_TEST

/* Creates one session and ends another, and closes nothing. */
static int
work_before_a_crash(struct fixture *r)
{
	struct backend *s;
	struct store_conn *conn = store_conn_new(r->env);
	struct session made = fixture_session(r, "made", r->now);
	int64_t ended;

	if (conn == NULL || fixture_try_store(r, &s) != 0)
		return 120;
	store_conn_bind(conn, s);
	if (store_create(conn, NOW(r), &made, 0, NULL, &r->err) != 0 ||
	    store_revoke_user(conn, NOW(r), STR("ended"), NULL, &ended,
			      &r->err) != 0 ||
	    ended != 1)
		return 121;
	return 1; /* without closing anything */
}

START_TEST(a_crash_keeps_persistent_data)
{
	struct fixture *r = fixture_open(_i);

	if ((r->ops->base.driver.caps & BACKEND_PERSISTENT) != 0) {
		(void)fixture_create(r, "ended", r->now);
		SAME(r, fixture_processes(r, work_before_a_crash, 1), 1);
		fixture_reopen(r);
		SAME(r, fixture_live(r, "ended", r->now), 0);
		SAME(r, fixture_live(r, "made", r->now), 1);
	}
	fixture_close(r);
}
END_TEST

START_TEST(ping_and_schema_succeed)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now);
	struct schema_state state;

	OK(r, store_ping(r->conn, &r->err));
	OK(r, store_ping(r->conn, &r->err));
	OK(r, store_schema(r->conn, &state, &r->err));
	SAME(r, state.have, state.want);
	HOLDS(r, (state.want > 0) == (r->ops->base.schema != NULL));
	/* A second migration changes nothing. */
	OK(r, store_migrate(r->conn, &r->err));
	OK(r, store_check_schema(r->conn, &r->err));
	HOLDS(r, fixture_is_alive(r, &s, r->now));
	fixture_close(r);
}
END_TEST

static int
migrate_in_a_process(struct fixture *r)
{
	struct backend *s;
	struct store_conn *conn = store_conn_new(r->env);
	struct schema_state state;

	if (conn == NULL || fixture_try_store(r, &s) != 0)
		return 120;
	store_conn_bind(conn, s);
	if (store_migrate(conn, &r->err) != 0 ||
	    store_schema(conn, &state, &r->err) != 0 ||
	    state.have != state.want)
		return 121;
	store_conn_free(conn);
	backend_unref(s);
	return 1;
}

/* Only a file can be removed to start without a schema. */
START_TEST(processes_can_migrate_at_once)
{
	struct fixture *r = fixture_open(_i);

	if ((r->ops->base.driver.caps & BACKEND_EMBEDDED) != 0) {
		for (int i = 0; i < 5; i++) {
			fixture_shut(r);
			HOLDS(r, unlink(r->path) == 0);
			SAME(r, fixture_processes(r, migrate_in_a_process, 4),
			     4);
		}
	}
	fixture_close(r);
}
END_TEST

TCase *
store_process_cases(void)
{
	TCase *t = new_case("processes");
	int n = fixture_count();

	tcase_add_loop_test(t, handles_share_their_data, 0, n);
	tcase_add_loop_test(t, a_restart_keeps_persistent_data, 0, n);
	tcase_add_loop_test(t, processes_share_attempts, 0, n);
	tcase_add_loop_test(t, processes_share_logins, 0, n);
	tcase_add_loop_test(t, processes_keep_the_limit, 0, n);
	tcase_add_loop_test(t, a_crash_keeps_persistent_data, 0, n);
	tcase_add_loop_test(t, ping_and_schema_succeed, 0, n);
	tcase_add_loop_test(t, processes_can_migrate_at_once, 0, n);
	return t;
}
