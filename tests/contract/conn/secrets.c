/* SPDX-License-Identifier: MIT */
/* A connection asks for a secret again when the store may have another one. */
#include "tests/contract/conn/secrets.h"
#include "strategy/store.h"
#include "tests/support/call.h"
#include "tests/support/fake_env.h"

#include <string.h>

extern const struct session_store_ops store_memory;

/* The secret of the store, and how often it was asked for. */
static uint8_t secret_in_store;
static unsigned asked;

static int
tell_secret(void *conn, const struct call *c, const char *name,
	    uint8_t value[32], struct err *err)
{
	(void)conn;
	(void)c;
	(void)name;
	(void)err;
	asked++;
	memset(value, secret_in_store, 32);
	return 0;
}

static uint8_t
read_secret(struct store_conn *conn)
{
	uint8_t value[32];
	struct err err;

	ck_assert_int_eq(store_secret(conn, CALL_AT(NULL, 0), "x", value, &err),
			 0);
	return value[0];
}

START_TEST(secrets_are_read_again_after_the_store_was_emptied)
{
	struct session_store_ops ops = store_memory;
	struct store_conn *one, *two;
	struct fake_env fake;
	struct backend *store;
	struct err err;

	fake_env_init(&fake);
	ops.secret = tell_secret;
	asked = 0;
	secret_in_store = 1;
	ck_assert_int_eq(store_open(&ops, NULL, &fake.env, &store, &err), 0);
	one = store_conn_new(&fake.env);
	two = store_conn_new(&fake.env);
	store_conn_bind(one, store);
	store_conn_bind(two, store);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(read_secret(one), 1);
		ck_assert_uint_eq(read_secret(two), 1);
	}
	ck_assert_uint_eq(asked, 2);
	secret_in_store = 2;
	ck_assert_uint_eq(read_secret(one), 1);
	store_forget_secrets(one);
	ck_assert_uint_eq(read_secret(one), 2);
	ck_assert_uint_eq(read_secret(two), 1);
	secret_in_store = 3;
	store_emptied(store);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(read_secret(one), 3);
		ck_assert_uint_eq(read_secret(two), 3);
	}
	ck_assert_uint_eq(asked, 5);
	store_conn_free(one);
	store_conn_free(two);
	backend_unref(store);
}
END_TEST

TCase *
conn_secrets_cases(void)
{
	TCase *t = new_case("secrets");

	tcase_add_test(t, secrets_are_read_again_after_the_store_was_emptied);
	return t;
}
