/* SPDX-License-Identifier: MIT */
/* Operations that are repeated after a connection ended while it was idle. */
#include "tests/contract/conn/idle.h"
#include "tests/support/call.h"
#include "strategy/store.h"
#include "tests/support/fake_env.h"
#include "tests/support/store_faulty.h"

#include <string.h>

extern const struct session_store_ops store_memory;

/* The state of the old connection. A new connection is not lost. */
static enum { ALIVE, CLOSED, SILENT } state;
static unsigned asked;

static bool
is_lost(void *conn, bool ask)
{
	(void)conn;
	asked += ask;
	if (state == ALIVE || (state == SILENT && !ask))
		return false;
	state = ALIVE;
	return true;
}

struct fixture {
	struct fake_env fake;
	struct store_faulty faulty;
	struct backend *store;
	struct store_conn *conn, *second;
	struct arena *a;
	struct err err;
};

static struct fixture fixture, *const r = &fixture;

static void
setup(void)
{
	*r = (struct fixture){ .a = arena_new(1 << 20) };
	state = ALIVE;
	asked = 0;
	fake_env_init(&r->fake);
	store_faulty_init(&r->faulty, &store_memory, NULL);
	r->faulty.ops.base.is_lost = is_lost;
	ck_assert_int_eq(store_open(&r->faulty.ops, &r->faulty, &r->fake.env,
				    &r->store, &r->err),
			 0);
	r->conn = store_conn_new(&r->fake.env);
	r->second = store_conn_new(&r->fake.env);
	ck_assert(r->a != NULL && r->conn != NULL && r->second != NULL);
	store_conn_bind(r->conn, r->store);
	store_conn_bind(r->second, r->store);
	ck_assert_int_eq(store_ping(r->conn, &r->err), 0);
	ck_assert_int_eq(store_ping(r->second, &r->err), 0);
	store_faulty_fail(&r->faulty, 0, false);
}

static void
teardown(void)
{
	store_conn_free(r->conn);
	store_conn_free(r->second);
	backend_unref(r->store);
	arena_free(r->a);
}

static unsigned
calls(void)
{
	return atomic_load(&r->faulty.calls);
}

static int
rotate(struct store_conn *conn, int64_t grace_ms)
{
	const struct rotation rotation = { .id = { .b = { 1 } },
					   .grace_ms = grace_ms };
	struct rotated is;

	return store_rotate(conn, AT(r, 1), &rotation, &is, &r->err);
}

static int
rotate_with_grace(struct store_conn *conn)
{
	return rotate(conn, 1);
}

static int
rotate_without(struct store_conn *conn)
{
	return rotate(conn, 0);
}

static int
attempt(struct store_conn *conn)
{
	const struct attempt_policy policy = { .max = 1,
					       .window_ms = 1,
					       .ban_ms = 1 };
	struct attempt out;

	return store_attempt(conn, AT(r, 0), STR("k"), &policy, &out, &r->err);
}

static int
find(struct store_conn *conn)
{
	const struct session_id id = { .b = { 1 } };
	const struct token_hash token = { .b = { 1 } };
	struct session_answer got;

	return store_find(conn, AT(r, 1), &id, &token, &got, &r->err);
}

static int
revoke(struct store_conn *conn)
{
	const struct session_id id = { .b = { 1 } };
	bool ended;

	return store_revoke(conn, AT(r, 0), &id, &ended, &r->err);
}

static int
touch(struct store_conn *conn)
{
	const struct session_id id = { .b = { 1 } };

	return store_touch(conn, AT(r, 1), TOUCH(id, 1, 2), &r->err);
}

static const struct {
	int (*fn)(struct store_conn *conn);
	bool repeatable;
} operations[] = {
	{ find, true },
	{ touch, true },
	{ rotate_with_grace, true },
	{ rotate_without, false },
	{ attempt, false },
	{ revoke, false },
};

/* A closed connection is noticed before the operation is sent, so every
 * operation is done on a new connection. */
START_TEST(a_closed_connection_is_replaced)
{
	state = CLOSED;
	ck_assert_int_eq(operations[_i].fn(r->conn), 0);
	ck_assert_uint_eq(calls(), 2);
}
END_TEST

/* The connection does not show that it is lost. An operation that must not be
 * repeated probes it first. */
START_TEST(a_silent_connection_is_probed_if_needed)
{
	state = SILENT;
	if (operations[_i].repeatable)
		store_faulty_fail(&r->faulty, 1, false);
	ck_assert_int_eq(operations[_i].fn(r->conn), 0);
	ck_assert_uint_eq(asked, operations[_i].repeatable ? 0 : 1);
	ck_assert_uint_eq(calls(), operations[_i].repeatable ? 3 : 2);
	/* Other connections are not affected. */
	ck_assert_int_eq(store_ping(r->second, &r->err), 0);
	ck_assert_uint_eq(calls(), operations[_i].repeatable ? 4 : 3);
}
END_TEST

/* The outcome of the failed operation is not known, so only a repeatable
 * operation is repeated. */
START_TEST(only_a_repeatable_operation_is_repeated)
{
	store_faulty_fail(&r->faulty, 1, false);
	ck_assert_int_eq(operations[_i].fn(r->conn),
			 operations[_i].repeatable ? 0 : -1);
	ck_assert_uint_eq(calls(), operations[_i].repeatable ? 3 : 1);
}
END_TEST

/* An operation is repeated once. After its second failure all connections wait.
 */
START_TEST(a_second_failure_is_final)
{
	store_faulty_fail(&r->faulty, 1, true);
	ck_assert_int_eq(find(r->conn), -1);
	ck_assert_int_eq(r->err.code, ERR_UNAVAILABLE);
	ck_assert_uint_eq(calls(), 2);
	ck_assert_int_eq(find(r->conn), -1);
	ck_assert_uint_eq(calls(), 2);
	/* A connected thread tries by itself, but does not connect either. */
	ck_assert_int_eq(find(r->second), -1);
	ck_assert_int_eq(find(r->second), -1);
	ck_assert_uint_eq(calls(), 3);
}
END_TEST

/* A failure on a new connection is not due to idleness, so the operation is not
 * repeated. */
START_TEST(a_failure_on_a_new_connection_is_final)
{
	state = CLOSED;
	store_faulty_fail(&r->faulty, 2, false);
	ck_assert_int_eq(find(r->conn), -1);
	ck_assert_uint_eq(calls(), 2);
}
END_TEST

static unsigned undone_calls;

static int
undone(void *conn, const struct call *c, const struct session_id *id,
       bool *ended, struct err *err)
{
	(void)conn;
	(void)c;
	(void)id;
	if (undone_calls++ != 0) {
		*ended = true;
		return 0;
	}
	return err_set(err, ERR_UNDONE, "too late");
}

/* The server says that nothing was done, so the operation is repeated. */
START_TEST(an_undone_operation_is_repeated)
{
	undone_calls = 0;
	r->faulty.ops.revoke = undone;
	ck_assert_int_eq(revoke(r->conn), 0);
	ck_assert_uint_eq(undone_calls, 2);
	undone_calls = 0;
	state = CLOSED;
	ck_assert_int_eq(revoke(r->conn), -1);
	ck_assert_int_eq(r->err.code, ERR_UNAVAILABLE);
	ck_assert_uint_eq(undone_calls, 1);
}
END_TEST

static int (*inner_find)(void *conn, const struct call *c,
			 const struct session_id *id,
			 const struct token_hash *token,
			 struct session_answer *out, struct err *err);

static int
slow(void *conn, const struct call *c, const struct session_id *id,
     const struct token_hash *token, struct session_answer *out,
     struct err *err)
{
	(void)conn;
	(void)c;
	(void)id;
	(void)token;
	(void)out;
	fake_env_advance_ms(&r->fake, 2000);
	r->faulty.ops.find = inner_find;
	return err_set(err, ERR_UNAVAILABLE, "no answer");
}

/* Connections of the same age are replaced without waiting for each of them. */
START_TEST(silent_connections_of_one_age_are_replaced)
{
	inner_find = r->faulty.ops.find;
	r->faulty.ops.find = slow;
	ck_assert_int_eq(find(r->conn), 0);
	store_faulty_fail(&r->faulty, 0, false);
	ck_assert_int_eq(touch(r->second), 0);
	ck_assert_uint_eq(calls(), 2); /* connect, touch */
}
END_TEST

/* Meanwhile the other connection is lost twice and then replaced. */
static int
slow_among_others(void *conn, const struct call *c, const struct session_id *id,
		  const struct token_hash *token, struct session_answer *out,
		  struct err *err)
{
	state = CLOSED;
	for (int i = 0; i < 2; i++) {
		store_faulty_fail(&r->faulty, 2, true); /* connect passes */
		ck_assert_int_eq(store_ping(r->second, err), -1);
	}
	store_faulty_fail(&r->faulty, 0, false);
	fake_env_advance_ms(&r->fake, 2000);
	ck_assert_int_eq(store_ping(r->second, err), 0);
	return slow(conn, c, id, token, out, err);
}

START_TEST(an_old_silent_connection_spares_newer_ones)
{
	inner_find = r->faulty.ops.find;
	r->faulty.ops.find = slow_among_others;
	ck_assert_int_eq(find(r->conn), 0);
	store_faulty_fail(&r->faulty, 0, false);
	ck_assert_int_eq(touch(r->second), 0);
	ck_assert_uint_eq(calls(), 1);
}
END_TEST

TCase *
conn_idle_cases(void)
{
	TCase *t = new_case("idle");
	int n = ARRAY_LEN(operations);

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_closed_connection_is_replaced, 0, n);
	tcase_add_loop_test(t, a_silent_connection_is_probed_if_needed, 0, n);
	tcase_add_loop_test(t, only_a_repeatable_operation_is_repeated, 0, n);
	tcase_add_test(t, a_second_failure_is_final);
	tcase_add_test(t, a_failure_on_a_new_connection_is_final);
	tcase_add_test(t, an_undone_operation_is_repeated);
	tcase_add_test(t, silent_connections_of_one_age_are_replaced);
	tcase_add_test(t, an_old_silent_connection_spares_newer_ones);
	return t;
}
