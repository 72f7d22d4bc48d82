/* SPDX-License-Identifier: MIT */
/* The guarantees of the wrappers: connections, back-off, schema, failures. */
#include "strategy/store.h"
#include "strategy/users.h"
#include "tests/contract/conn/ends.h"
#include "tests/support/call.h"
#include "tests/support/logins.h"
#include "tests/contract/conn/idle.h"
#include "tests/contract/conn/log.h"
#include "tests/contract/conn/secrets.h"
#include "tests/contract/conn/threads.h"
#include "tests/support/fake_env.h"
#include "tests/support/run.h"
#include "tests/support/store_faulty.h"

#include <string.h>

extern const struct session_store_ops store_memory;

struct fixture {
	struct fake_env fake;
	struct store_faulty faulty;
	struct backend *store;
	struct store_conn *conn;
	struct err err;
};

static struct fixture *
fixture_open(void)
{
	struct fixture *r = calloc(1, sizeof(*r));

	ck_assert_ptr_nonnull(r);
	fake_env_init(&r->fake);
	store_faulty_init(&r->faulty, &store_memory, NULL);
	ck_assert_int_eq(store_open(&r->faulty.ops, &r->faulty, &r->fake.env,
				    &r->store, &r->err),
			 0);
	r->conn = store_conn_new(&r->fake.env);
	ck_assert_ptr_nonnull(r->conn);
	store_conn_bind(r->conn, r->store);
	return r;
}

static void
fixture_close(struct fixture *r)
{
	store_conn_free(r->conn);
	backend_unref(r->store);
	free(r);
}

static unsigned
calls(struct fixture *r)
{
	return atomic_load(&r->faulty.calls);
}

START_TEST(the_first_operation_connects)
{
	struct fixture *r = fixture_open();

	ck_assert_uint_eq(calls(r), 0);
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	ck_assert_uint_eq(calls(r), 2);
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	ck_assert_uint_eq(calls(r), 3);
	fixture_close(r);
}
END_TEST

START_TEST(an_unbound_connection_fails)
{
	struct fixture *r = fixture_open();
	struct users_conn *u = users_conn_new(&r->fake.env);
	struct user_answer is;
	int64_t removed;

	store_conn_bind(r->conn, NULL);
	ck_assert_int_eq(store_ping(r->conn, &r->err), -1);
	ck_assert_int_eq(r->err.code, ERR_INTERNAL);
	ck_assert_int_eq(store_sweep(r->conn, CALL_AT(NULL, 0), 1, &removed,
				     &r->err),
			 -1);
	ck_assert_int_eq(users_find(u, CALL_AT(NULL, 0), STR("a"), &is,
				    &r->err),
			 -1);
	users_conn_free(u);
	fixture_close(r);
}
END_TEST

/* After a failure to connect the back-off is 50 ms. It doubles with each
 * failure up to 500 ms, and meanwhile no call reaches the backend. */
START_TEST(back_off_doubles)
{
	static const int64_t waits[] = { 50, 100, 200, 400, 500, 500, 500 };
	struct fixture *r = fixture_open();

	store_faulty_fail(&r->faulty, 1, true);
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		ck_assert_int_eq(store_ping(r->conn, &r->err), -1);
		ck_assert_int_eq(r->err.code, ERR_UNAVAILABLE);
		ck_assert_msg(calls(r) == i + 1,
			      "row %zu: %u calls reach the backend", i,
			      calls(r));
		fake_env_advance_ms(&r->fake, waits[i] - 1);
		ck_assert_int_eq(store_ping(r->conn, &r->err), -1);
		ck_assert_int_eq(r->err.code, ERR_UNAVAILABLE);
		ck_assert_msg(strstr(r->err.msg, "told to fail") != NULL, "%s",
			      r->err.msg);
		ck_assert_msg(calls(r) == i + 1,
			      "row %zu: a call reaches the backend too early",
			      i);
		fake_env_advance_ms(&r->fake, 1);
	}
	store_faulty_fail(&r->faulty, 0, false);
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	/* A success ends the back-off: a lost connection is replaced at once.
	 */
	store_faulty_fail(&r->faulty, 1, false);
	ck_assert_int_eq(store_ping(r->conn, &r->err), -1);
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	/* The next back-off begins with 50 ms. */
	store_faulty_fail(&r->faulty, 1, true);
	ck_assert_int_eq(store_ping(r->conn, &r->err), -1);
	ck_assert_int_eq(store_ping(r->conn, &r->err), -1);
	ck_assert_uint_eq(calls(r), 2);
	store_faulty_fail(&r->faulty, 0, false);
	fake_env_advance_ms(&r->fake, 49);
	ck_assert_int_eq(store_ping(r->conn, &r->err), -1);
	ck_assert_uint_eq(calls(r), 0);
	fake_env_advance_ms(&r->fake, 1);
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	fixture_close(r);
}
END_TEST

/* A store that accepts connections but fails must not be asked without a pause
 * either. */
START_TEST(back_off_grows_when_only_connecting_succeeds)
{
	struct fixture *r = fixture_open();

	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	store_faulty_fail(&r->faulty, 1, false);
	ck_assert_int_eq(store_ping(r->conn, &r->err), -1);
	for (int64_t wait_ms = 50; wait_ms <= 100; wait_ms *= 2) {
		store_faulty_fail(&r->faulty, 2, false); /* connect passes */
		ck_assert_int_eq(store_ping(r->conn, &r->err), -1);
		ck_assert_uint_eq(calls(r), 2);
		fake_env_advance_ms(&r->fake, wait_ms - 1);
		ck_assert_int_eq(store_ping(r->conn, &r->err), -1);
		ck_assert_uint_eq(calls(r), 2);
		fake_env_advance_ms(&r->fake, 1);
	}
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	fixture_close(r);
}
END_TEST

#define CROWD 4

/* Opens several connections to the store of the fixture. The first is that of
 * the fixture. */
static void
crowd_open(struct fixture *r, struct store_conn *crowd[CROWD])
{
	crowd[0] = r->conn;
	for (int i = 1; i < CROWD; i++) {
		crowd[i] = store_conn_new(&r->fake.env);
		ck_assert_ptr_nonnull(crowd[i]);
		store_conn_bind(crowd[i], r->store);
	}
}

static void
crowd_close(struct fixture *r, struct store_conn *crowd[CROWD])
{
	for (int i = 1; i < CROWD; i++)
		store_conn_free(crowd[i]);
	fixture_close(r);
}

/* A failure of one connection holds for all. */
START_TEST(a_failure_is_shared)
{
	struct fixture *r = fixture_open();
	struct store_conn *crowd[CROWD];

	crowd_open(r, crowd);
	for (int i = 0; i < CROWD; i++)
		ck_assert_int_eq(store_ping(crowd[i], &r->err), 0);
	store_faulty_fail(&r->faulty, 1, true);
	ck_assert_int_eq(store_ping(crowd[0], &r->err), -1);
	ck_assert_int_eq(store_ping(crowd[1], &r->err), -1); /* tries */
	for (int i = 0; i < CROWD; i++) {
		ck_assert_int_eq(store_ping(crowd[i], &r->err), -1);
		ck_assert_int_eq(r->err.code, ERR_UNAVAILABLE);
	}
	ck_assert_uint_eq(calls(r), 2);
	/* After one success all connections work again, without a failure of an
	 * old connection. */
	fake_env_advance_ms(&r->fake, 50);
	store_faulty_fail(&r->faulty, 0, false);
	for (int i = 0; i < CROWD; i++)
		ck_assert_int_eq(store_ping(crowd[i], &r->err), 0);
	ck_assert_uint_eq(calls(r), 2 * CROWD);
	crowd_close(r, crowd);
}
END_TEST

/* The server accepts no new connections, but the existing ones work. */
START_TEST(existing_connections_stay_in_use)
{
	struct fixture *r = fixture_open();
	struct store_conn *crowd[CROWD];

	crowd_open(r, crowd);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(store_ping(crowd[i], &r->err), 0);
	store_faulty_fail(&r->faulty, 1, false);
	ck_assert_int_eq(store_ping(crowd[2], &r->err), -1);
	ck_assert_uint_eq(calls(r), 1);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(store_ping(crowd[i], &r->err), 0);
	ck_assert_int_eq(store_ping(crowd[3], &r->err), -1);
	ck_assert_uint_eq(calls(r), 3); /* no connection yet */
	fake_env_advance_ms(&r->fake, 50);
	ck_assert_int_eq(store_ping(crowd[3], &r->err), 0);
	crowd_close(r, crowd);
}
END_TEST

/* The store may have been replaced. */
START_TEST(secrets_belong_to_a_connection)
{
	struct fixture *r = fixture_open();
	struct store_conn *crowd[CROWD];
	uint8_t secret[32];

	crowd_open(r, crowd);
	ck_assert_int_eq(store_secret(crowd[0], CALL_AT(NULL, 0), "x", secret,
				      &r->err),
			 0);
	ck_assert_int_eq(store_secret(crowd[0], CALL_AT(NULL, 0), "x", secret,
				      &r->err),
			 0);
	ck_assert_uint_eq(calls(r), 2);
	ck_assert_int_eq(store_ping(crowd[1], &r->err), 0);
	store_faulty_fail(&r->faulty, 1, false);
	ck_assert_int_eq(store_ping(crowd[1], &r->err), -1);
	ck_assert_int_eq(store_ping(crowd[0], &r->err), 0); /* connects again */
	ck_assert_int_eq(store_secret(crowd[0], CALL_AT(NULL, 0), "x", secret,
				      &r->err),
			 0);
	ck_assert_uint_eq(calls(r), 4);
	crowd_close(r, crowd);
}
END_TEST

static int
busy(void *conn, struct err *err)
{
	(void)conn;
	return err_set(err, ERR_BUSY, "in a moment");
}

/* ERR_BUSY ends no connection and causes no back-off. */
START_TEST(busy_keeps_the_connection)
{
	struct fixture *r = fixture_open();
	int (*ping)(void *conn, struct err *err) = r->faulty.ops.base.ping;

	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	r->faulty.ops.base.ping = busy;
	ck_assert_int_eq(store_ping(r->conn, &r->err), -1);
	ck_assert_int_eq(r->err.code, ERR_UNAVAILABLE);
	r->faulty.ops.base.ping = ping;
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	ck_assert_uint_eq(calls(r), 3);
	fixture_close(r);
}
END_TEST

START_TEST(other_failures_keep_the_connection)
{
	struct fixture *r = fixture_open();
	struct session s = { .who = { .name = STR("a") },
			     .idle_expires_ms = 9,
			     .expires_ms = 9 };

	ck_assert_int_eq(store_create(r->conn, CALL_AT(NULL, 1), &s, 0, NULL,
				      &r->err),
			 0);
	ck_assert_uint_eq(calls(r), 2);
	ck_assert_int_eq(store_create(r->conn, CALL_AT(NULL, 1), &s, 0, NULL,
				      &r->err),
			 -1);
	ck_assert_int_eq(r->err.code, ERR_INTERNAL);
	ck_assert_msg(strncmp(r->err.msg, "store memory: ", 14) == 0, "%s",
		      r->err.msg);
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	ck_assert_uint_eq(calls(r), 4);
	fixture_close(r);
}
END_TEST

static int
schema_of_version(void *conn, struct schema_state *out, struct err *err)
{
	(void)conn;
	(void)err;
	*out = (struct schema_state){ .have = 3, .want = 4 };
	return 0;
}

static int
newer_schema(void *conn, struct schema_state *out, struct err *err)
{
	(void)conn;
	(void)err;
	*out = (struct schema_state){ .have = 5, .want = 4 };
	return 0;
}

static int
no_migration(void *conn, struct err *err)
{
	(void)conn;
	return err_set(err, ERR_INTERNAL, "must not be called");
}

static int
broken_migration(void *conn, struct err *err)
{
	(void)conn;
	return err_set(err, ERR_CONFIG, "half way");
}

START_TEST(schema_is_checked)
{
	static const struct {
		unsigned caps;
		int (*schema)(void *conn, struct schema_state *out,
			      struct err *err);
		int (*migrate)(void *conn, struct err *err);
		const char *says;
	} rows[] = {
		{ 0, schema_of_version, no_migration,
		  "run fcgiauthctl store migrate" },
		{ BACKEND_EMBEDDED, schema_of_version, broken_migration,
		  "half way" },
		{ 0, newer_schema, no_migration, "newer than this program" },
		{ BACKEND_EMBEDDED, newer_schema, no_migration,
		  "install the newer fcgiauth" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *r = fixture_open();
		struct session_store_ops ops = store_memory;
		struct backend *s;

		ops.base.driver.caps = rows[i].caps;
		ops.base.schema = rows[i].schema;
		ops.base.migrate = rows[i].migrate;
		ck_assert_int_eq(store_open(&ops, NULL, &r->fake.env, &s,
					    &r->err),
				 0);
		store_conn_bind(r->conn, s);
		ck_assert_int_eq(store_check_schema(r->conn, &r->err), -1);
		ck_assert_int_eq(r->err.code, ERR_CONFIG);
		ck_assert_msg(strstr(r->err.msg, rows[i].says) != NULL,
			      "row %zu: %s", i, r->err.msg);
		store_conn_bind(r->conn, r->store);
		backend_unref(s);
		fixture_close(r);
	}
}
END_TEST

/* A store that was unreachable at the start may have any schema later. */
START_TEST(schema_is_checked_after_the_first_connection)
{
	struct fixture *r = fixture_open();
	struct store_faulty f;
	struct backend *s;

	store_faulty_init(&f, &store_memory, NULL);
	f.ops.base.schema = schema_of_version;
	f.ops.base.migrate = no_migration;
	ck_assert_int_eq(store_open(&f.ops, &f, &r->fake.env, &s, &r->err), 0);
	store_conn_bind(r->conn, s);
	ck_assert_int_eq(store_ping(r->conn, &r->err),
			 0); /* no check was requested */
	store_conn_bind(r->conn, NULL);
	store_conn_bind(r->conn, s);
	store_faulty_fail(&f, 1, false);
	ck_assert_int_eq(store_check_schema(r->conn, &r->err), -1);
	ck_assert_int_eq(r->err.code, ERR_UNAVAILABLE);
	for (int i = 0; i < 2; i++) {
		fake_env_advance_ms(&r->fake, 1000);
		ck_assert_int_eq(store_ping(r->conn, &r->err), -1);
		ck_assert_int_eq(r->err.code, ERR_CONFIG);
		ck_assert_msg(strstr(r->err.msg, "which knows 4") != NULL, "%s",
			      r->err.msg);
	}
	store_conn_bind(r->conn, r->store);
	backend_unref(s);
	fixture_close(r);
}
END_TEST

#define FAILS(call)                                                            \
	do {                                                                   \
		fake_env_advance_ms(&r->fake, 1000);                           \
		store_faulty_fail(&r->faulty, at, false);                      \
		r->err.code = ERR_NONE;                                        \
		ck_assert_int_eq(call, -1);                                    \
		ck_assert_int_eq(r->err.code, ERR_UNAVAILABLE);                \
		ck_assert_uint_eq(calls(r), at);                               \
	} while (0)

/* Every operation that fails, at every place, returns an error and touches no
 * output. */
START_TEST(every_operation_can_fail)
{
	struct fixture *r = fixture_open();
	struct session s = { .who = { .name = STR("a") } };
	struct session_answer got = { .found = true };
	struct attempt_policy policy = { 1, 1, 1 };
	struct login_keys keys = { .v = { { STR("k"), 1 } }, .n = 1 };
	struct login_count count = { .counted = true };
	struct known_networks known = { .n = 7 };
	struct attempt attempt = { .count = 7 };
	struct session_cursor cursor = { .created_ms = 0 };
	struct session_list list = { .n = 7 };
	struct arena *a = arena_new(1 << 20);
	const struct call *call = CALL_AT(a, 0);
	int64_t n = 7;
	bool yes = true;
	uint8_t secret[32] = { 9 };
	struct ban_list bans = { .n = 7 };
	struct err *e = &r->err;

	for (unsigned at = 1; at <= 2; at++) { /* connection, operation */
		FAILS(store_ping(r->conn, e));
		FAILS(store_secret(r->conn, call, "x", secret, e));
		FAILS(store_create(r->conn, call, &s, 0, NULL, e));
		FAILS(store_find(r->conn, call, &s.id, &s.token, &got, e));
		FAILS(store_touch(r->conn, call, TOUCH(s.id, 0, 0), e));
		FAILS(store_revoke(r->conn, call, &s.id, &yes, e));
		FAILS(store_revoke_user(r->conn, call, STR("a"), NULL, &n, e));
		FAILS(store_revoke_all(r->conn, call, &n, e));
		FAILS(store_update_user(r->conn, call, &s.who, e));
		FAILS(store_list(r->conn, call, LISTED(STR("a"), 1), &cursor,
				 &list, e));
		FAILS(store_standing(r->conn, call, &keys, &count.standing, e));
		FAILS(store_count(r->conn, call, &keys, &count, e));
		FAILS(store_attempt(r->conn, call, STR("k"), &policy, &attempt,
				    e));
		FAILS(store_give_back(r->conn, call, STR("k"), 0, e));
		FAILS(ask_ban(r->conn, call, STR("k"), 1, &n, e));
		FAILS(store_reset_attempts(r->conn, call, STR("k"), &yes, e));
		FAILS(store_bans(r->conn, call, 1, 1, &bans, e));
		FAILS(learn_network(r->conn, call, STR("k"), known.v, e));
		FAILS(store_networks(r->conn, call, STR("k"), &known, e));
		FAILS(store_unlearn(r->conn, call, STR("k"), e));
		FAILS(store_sweep(r->conn, call, 1, &n, e));
		ck_assert(yes && got.found && n == 7 && list.n == 7 &&
			  known.n == 7);
		ck_assert(count.counted && secret[0] == 9 && bans.n == 7 &&
			  attempt.count == 7);
	}
	arena_free(a);
	fixture_close(r);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("connection");

	tcase_add_test(t, the_first_operation_connects);
	tcase_add_test(t, an_unbound_connection_fails);
	tcase_add_test(t, back_off_doubles);
	tcase_add_test(t, back_off_grows_when_only_connecting_succeeds);
	tcase_add_test(t, a_failure_is_shared);
	tcase_add_test(t, existing_connections_stay_in_use);
	tcase_add_test(t, secrets_belong_to_a_connection);
	tcase_add_test(t, busy_keeps_the_connection);
	tcase_add_test(t, other_failures_keep_the_connection);
	tcase_add_test(t, schema_is_checked);
	tcase_add_test(t, schema_is_checked_after_the_first_connection);
	tcase_add_test(t, every_operation_can_fail);
	return RUN_CASES(t, conn_ends_cases(), conn_idle_cases(),
			 conn_log_cases(), conn_secrets_cases(),
			 conn_thread_cases());
}
