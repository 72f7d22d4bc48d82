/* SPDX-License-Identifier: MIT */
/* Sessions from a clock that was ahead and was corrected. */
#include "tests/unit/auth/flow_fixture.h"
#include "tests/support/call.h"

#include "auth/last_seen.h"

static void
begin(void)
{
	flow_init(&f,
		  "[store]\ndriver = memory\n[session]\nidle_timeout = 30m\n"
		  "absolute_timeout = 12h\nremember = 1d\n");
}

static unsigned
check(const char *cookie)
{
	unsigned status = flow_verify(&f, "/", cookie, NULL).status;

	flow_write_touches(&f);
	return status;
}

/* The idle timeout counts from the first request after the correction. */
START_TEST(session_of_a_fast_clock_times_out)
{
	const char *cookie;

	fake_env_set_wall(&f.fake, FAKE_NOW + 2 * 86400);
	cookie = flow_login(&f, "alice");
	fake_env_set_wall(&f.fake, FAKE_NOW);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(check(cookie), 204);
		fake_env_advance(&f.fake, 29 * 60);
	}
	ck_assert_uint_eq(check(cookie), 204);
	fake_env_advance(&f.fake, 30 * 60);
	ck_assert_uint_eq(check(cookie), 401);
}
END_TEST

static bool
tells(const char *cookie, const char *expires_in)
{
	struct flow_answer a = flow_get(&f, "/auth/me", cookie, NULL);

	ck_assert_uint_eq(a.status, 200);
	return flow_holds(a.body, expires_in);
}

/* The service tells no longer lifetime than that of a new session. */
START_TEST(told_lifetime_is_that_of_a_new_session)
{
	struct flow_answer a;
	const char *cookie, *remembered;

	fake_env_set_wall(&f.fake, FAKE_NOW + 2 * 86400);
	cookie = flow_login(&f, "alice");
	a = flow_post(&f, "/auth/login", "application/json",
		      "{\"username\":\"bob\",\"password\":\"" FLOW_PASSWORD
		      "\",\"remember\":true}",
		      NULL);
	remembered = flow_text(&f, "HTTP_COOKIE=__Host-fcgiauth=%s",
			       flow_cookie(&f, &a, "__Host-fcgiauth"));
	fake_env_set_wall(&f.fake, FAKE_NOW);
	ck_assert(tells(cookie, "\"expires_in\":1800}"));
	ck_assert(tells(remembered, "\"expires_in\":86400}"));
}
END_TEST

/* A touch prolongs the session by exactly the idle timeout, but not beyond its
 * end. */
START_TEST(touches_prolong_exactly)
{
	const char *cookie = flow_login(&f, "alice");

	for (int64_t t = 1799; t < 12 * 3600; t += 1799) {
		fake_env_advance(&f.fake, 1799);
		ck_assert_uint_eq(check(cookie), 204);
	}
	fake_env_set_wall(&f.fake, FAKE_NOW + 12 * 3600 - 1);
	ck_assert_uint_eq(check(cookie), 204);
	ck_assert(tells(cookie, "\"expires_in\":1}"));
	fake_env_set_wall(&f.fake, FAKE_NOW + 12 * 3600);
	ck_assert_uint_eq(check(cookie), 401);
}
END_TEST

/* A touch is due when the touch interval has passed since the last one, or the
 * clock is behind it. */
START_TEST(touch_is_due_after_its_interval)
{
	static struct touch out[LAST_SEEN_MAX];
	static const struct {
		int64_t after_ms;
		size_t due;
	} rows[] = {
		{ 0, 0 },
		{ 59999, 0 },
		{ 60000, 1 },
		{ 60001, 1 },
	};
	const char *cookie = flow_login(&f, "alice");

	f.settings.any_users.recheck = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		atomic_store(&f.fake.wall_ms,
			     FAKE_NOW * 1000 + rows[i].after_ms);
		ck_assert_uint_eq(flow_verify(&f, "/", cookie, NULL).status,
				  204);
		ck_assert_msg(last_seen_take(f.shared.last_seen, out) ==
				  rows[i].due,
			      "row %zu", i);
		if (rows[i].due > 0)
			ck_assert_int_eq(out[0].idle_expires_ms -
					     out[0].last_seen_ms,
					 1800 * 1000);
	}
}
END_TEST

/* Sessions that begin at one moment are rechecked at different moments. */
START_TEST(rechecks_are_spread)
{
	const char *cookies[20];
	unsigned seconds = 0, all = 0;

	for (size_t i = 0; i < ARRAY_LEN(cookies); i++)
		cookies[i] = flow_login(&f, "alice");
	for (int second = 0; second < 60; second++) {
		fake_env_advance(&f.fake, 1);
		f.users_table.finds = 0;
		for (size_t i = 0; i < ARRAY_LEN(cookies); i++)
			ck_assert_uint_eq(check(cookies[i]), 204);
		seconds += f.users_table.finds > 0 ? 1 : 0;
		all += f.users_table.finds;
	}
	ck_assert_uint_eq(all, ARRAY_LEN(cookies));
	ck_assert_uint_gt(seconds, ARRAY_LEN(cookies) / 2);
}
END_TEST

/* A last_seen in the future, from a clock that was ahead or from a damaged
 * store, does not replace a recheck. */
static const int64_t ahead_ms[] = { 2 * 86400 * INT64_C(1000),
				    INT64_MAX - 1000 * FAKE_NOW };

START_TEST(last_seen_in_the_future_is_rechecked)
{
	const char *cookie = flow_login(&f, "alice");
	struct session s = flow_sessions(&f, "alice").v[0];
	struct err err;
	bool ended;

	s.last_seen_ms += ahead_ms[_i];
	ck_assert_int_eq(store_revoke(f.conns.store, CALL_AT(NULL, 0), &s.id,
				      &ended, &err),
			 0);
	ck_assert_int_eq(store_create(f.conns.store,
				      CALL_AT(NULL, 1000 * FAKE_NOW), &s, 0,
				      NULL, &err),
			 0);
	f.users_table.finds = 0;
	ck_assert_uint_eq(check(cookie), 204);
	ck_assert_uint_eq(check(cookie), 204);
	ck_assert_uint_eq(f.users_table.finds, 1);
	for (size_t i = 0; i < f.users_table.n; i++)
		f.users_table.v[i].disabled = true;
	fake_env_advance(&f.fake, 60);
	ck_assert_uint_eq(check(cookie), 401);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("clock");

	tcase_add_checked_fixture(t, begin, teardown);
	tcase_add_test(t, session_of_a_fast_clock_times_out);
	tcase_add_test(t, told_lifetime_is_that_of_a_new_session);
	tcase_add_test(t, touches_prolong_exactly);
	tcase_add_test(t, touch_is_due_after_its_interval);
	tcase_add_test(t, rechecks_are_spread);
	tcase_add_loop_test(t, last_seen_in_the_future_is_rechecked, 0,
			    ARRAY_LEN(ahead_ms));
	return run_case(t);
}
