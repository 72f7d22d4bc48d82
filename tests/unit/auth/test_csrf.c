/* SPDX-License-Identifier: MIT */
/* Tokens of forms: all services that share a store share one key, which each
 * reads once. */
#include "tests/unit/auth/flow_fixture.h"

#include <string.h>

#include "auth/csrf.h"

static struct request_context *
begin(struct flow_exchange *x)
{
	static const char *const params[] = { NULL };

	flow_exchange(&f, params, x);
	return &x->e;
}

/* The token is valid until flow_free(). */
static struct str
token_of(const char *binding)
{
	struct flow_exchange x;
	struct str token;
	struct err err;

	ck_assert_int_eq(csrf_token(begin(&x), str_from(binding), &token, &err),
			 0);
	ck_assert_uint_eq(token.n, CSRF_TOKEN_CHARS);
	return str_from(flow_text(&f, "%.*s", STR_ARG(token)));
}

static bool
is_right(const char *binding, struct str token)
{
	struct flow_exchange x;
	struct err err;
	bool ok;

	ck_assert_int_eq(csrf_verify(begin(&x), str_from(binding), token, &ok,
				     &err),
			 0);
	return ok;
}

START_TEST(token_is_valid_for_its_binding_only)
{
	const struct str token = token_of("one");

	ck_assert(is_right("one", token));
	ck_assert(!is_right("two", token));
	ck_assert(!is_right("one", token_of("two")));
	ck_assert(!is_right("one", STR("")));
	ck_assert(!is_right("one",
			    (struct str){ .p = token.p, .n = token.n - 1 }));
	/* Without a cookie there is no binding, and no token is valid. */
	ck_assert(!is_right("", token_of("")));
	ck_assert(!is_right("", STR("")));
}
END_TEST

START_TEST(key_is_read_once)
{
	struct str first;
	unsigned calls;

	store_faulty_fail(&f.faulty, 0, false);
	first = token_of("one");
	calls = atomic_load(&f.faulty.calls);
	ck_assert_uint_gt(calls, 0);
	ck_assert(str_eq(token_of("one"), first));
	ck_assert(is_right("one", first));
	ck_assert_uint_eq(atomic_load(&f.faulty.calls), calls);
	/* Neither the store nor random numbers are needed any more. */
	store_faulty_fail(&f.faulty, 1, true);
	f.fake.no_entropy = true;
	ck_assert(is_right("one", first));
}
END_TEST

/* If the key cannot be read, the call fails, and the next call reads it. */
START_TEST(tokens_need_the_key)
{
	struct flow_exchange x;
	struct str token;
	struct err err;
	bool ok = true;

	store_faulty_fail(&f.faulty, 1, false);
	ck_assert_int_eq(csrf_token(begin(&x), STR("one"), &token, &err), -1);
	fake_env_advance(&f.fake, 2);
	store_faulty_fail(&f.faulty, 0, false);
	f.fake.no_entropy = true;
	ck_assert_int_eq(csrf_verify(begin(&x), STR("one"), STR("x"), &ok,
				     &err),
			 -1);
	ck_assert(ok); /* unchanged */
	ck_assert_uint_eq(atomic_load(&f.faulty.calls), 0);
	f.fake.no_entropy = false;
	token = token_of("one");
	ck_assert_uint_gt(atomic_load(&f.faulty.calls), 0);
	ck_assert(is_right("one", token));
}
END_TEST

/* A page of one instance may be posted to another. */
START_TEST(instances_share_the_key)
{
	char token[CSRF_TOKEN_CHARS + 1];
	struct backend *store;

	(void)snprintf(token, sizeof(token), "%.*s", STR_ARG(token_of("one")));
	store = backend_ref(f.store);
	flow_free(&f);
	flow_init(&f, NULL);
	atomic_store(&f.fake.random, 12345);
	ck_assert(!is_right("one", str_from(token)));
	flow_free(&f);
	flow_init(&f, NULL);
	atomic_store(&f.fake.random, 12345);
	store_conn_bind(f.conns.store, store);
	ck_assert(is_right("one", str_from(token)));
	store_conn_bind(f.conns.store, f.store);
	backend_unref(store);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("csrf");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, token_is_valid_for_its_binding_only);
	tcase_add_test(t, key_is_read_once);
	tcase_add_test(t, tokens_need_the_key);
	tcase_add_test(t, instances_share_the_key);
	return run_case(t);
}
