/* SPDX-License-Identifier: MIT */
/* A store is closed once, when its last user releases it. */
#include "tests/contract/conn/ends.h"
#include "strategy/store.h"
#include "strategy/users.h"
#include "tests/support/fake_env.h"

extern const struct session_store_ops store_memory;

static struct fake_env fake;
static struct session_store_ops ops;
static struct err err;
static int closed, connected;

static void
close_and_count(void *store)
{
	closed++;
	store_memory.base.close(store);
}

static int
connect_and_count(void *store, void **conn, struct err *e)
{
	connected++;
	return store_memory.base.connect(store, conn, e);
}

static void
disconnect_and_count(void *conn)
{
	connected--;
	store_memory.base.disconnect(conn);
}

static void
setup(void)
{
	fake_env_init(&fake);
	ops = store_memory;
	ops.base.close = close_and_count;
	ops.base.connect = connect_and_count;
	ops.base.disconnect = disconnect_and_count;
	closed = connected = 0;
}

static struct backend *
make(void)
{
	struct backend *s;

	ck_assert_int_eq(store_open(&ops, NULL, &fake.env, &s, &err), 0);
	return s;
}

static struct store_conn *
make_conn(struct backend *s)
{
	struct store_conn *conn = store_conn_new(&fake.env);

	ck_assert_ptr_nonnull(conn);
	store_conn_bind(conn, s);
	return conn;
}

START_TEST(a_store_lives_while_a_connection_holds_it)
{
	struct backend *s = make(), *other = make();
	struct store_conn *first = make_conn(s), *second = make_conn(s);

	store_conn_bind(second, s); /* a repeated bind changes nothing */
	backend_unref(backend_ref(s));
	backend_unref(s); /* the connections hold it */
	ck_assert_int_eq(store_ping(first, &err), 0);
	ck_assert_int_eq(store_ping(second, &err), 0);
	ck_assert_int_eq(connected, 2);
	store_conn_bind(second, other);
	ck_assert_int_eq(connected, 1);
	ck_assert_ptr_eq(other->ops, &ops.base);
	ck_assert_int_eq(store_ping(second, &err), 0);
	ck_assert_int_eq(closed, 0);
	store_conn_free(first);
	ck_assert_int_eq(closed, 1);
	backend_unref(other);
	ck_assert_int_eq(closed, 1);
	store_conn_free(second);
	ck_assert_int_eq(closed, 2);
	ck_assert_int_eq(connected, 0);
}
END_TEST

START_TEST(null_can_be_released)
{
	backend_unref(NULL);
	store_conn_free(NULL);
	users_conn_free(NULL);
}
END_TEST

TCase *
conn_ends_cases(void)
{
	TCase *t = new_case("ends");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_store_lives_while_a_connection_holds_it);
	tcase_add_test(t, null_can_be_released);
	return t;
}
