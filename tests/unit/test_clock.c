/* SPDX-License-Identifier: MIT */
/* A clock that was ahead, and was set right. */
#include "tests/support/run.h"

#include "auth/touches.h"
#include "tests/support/flow.h"

static struct flow f;

static void
setup(void)
{
	flow_init(&f,
		  "[store]\ndriver = memory\n[session]\nidle_timeout = 30m\n"
		  "absolute_timeout = 12h\nremember = 1d\n",
		  NULL, NULL);
}

static void
teardown(void)
{
	flow_free(&f);
}

/* And what the janitor does twice a second. */
static unsigned
check(const char *cookie)
{
	static struct touch out[TOUCHES_MAX];
	unsigned status = flow_verify(&f, "/", cookie, NULL).status;
	size_t n = touches_take(f.shared.touches, out);
	struct err err;

	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(store_touch(f.links.store, &out[i].id,
					     out[i].last_seen_ms,
					     out[i].idle_expires_ms, &err),
				 0);
	return status;
}

/* The idle timeout holds from the first request after that. */
START_TEST(session_of_two_days_ahead)
{
	const char *cookie;

	fake_env_set_wall(&f.world, FAKE_NOW + 2 * 86400);
	cookie = flow_login(&f, "alice");
	fake_env_set_wall(&f.world, FAKE_NOW);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(check(cookie), 204);
		fake_env_advance(&f.world, 29 * 60);
	}
	ck_assert_uint_eq(check(cookie), 204);
	fake_env_advance(&f.world, 30 * 60);
	ck_assert_uint_eq(check(cookie), 401);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("clock");
	TCase *t = tcase_create("clock");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, session_of_two_days_ahead);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return run_suite(suite());
}
