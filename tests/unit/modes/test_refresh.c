/* SPDX-License-Identifier: MIT */
/* Mode refresh: rotation, grace period, reuse, lifetimes and clocks. */
#include "tests/unit/modes/refresh_fixture.h"

START_TEST(refresh_rotates_the_token)
{
	struct tokens t = sign_in("alice");

	for (int i = 0; i < 20; i++) {
		struct tokens next = refresh(t.refresh);

		ck_assert_uint_eq(next.status, 200);
		ck_assert_str_ne(next.refresh, t.refresh);
		ck_assert_uint_eq(check(next.access), 204);
		t = next;
		fake_env_advance(&f.fake, 60);
	}
}
END_TEST

START_TEST(access_token_ends_before_refresh_token)
{
	struct tokens t = sign_in("alice");

	fake_env_advance(&f.fake, 599);
	ck_assert_uint_eq(check(t.access), 204);
	fake_env_advance(&f.fake, 1);
	ck_assert_uint_eq(check(t.access), 401);
	t = refresh(t.refresh);
	ck_assert_uint_eq(t.status, 200);
	ck_assert_uint_eq(check(t.access), 204);
	/* An access token is no refresh token, and a refresh token no access
	 * token. */
	ck_assert_uint_eq(check(t.refresh), 401);
	ck_assert_uint_eq(refresh(t.access).status, 400);
}
END_TEST

START_TEST(grace_period_gives_the_same_successor)
{
	struct tokens t = sign_in("alice");
	struct tokens a = refresh(t.refresh), b;

	fake_env_advance_ms(&f.fake, 10000);
	b = refresh(t.refresh);
	ck_assert_uint_eq(b.status, 200);
	ck_assert_str_eq(a.refresh, b.refresh);
	ck_assert_uint_eq(check(b.access), 204);
	/* Using the grace period does not prolong it. */
	fake_env_advance_ms(&f.fake, 1);
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
	ck_assert_uint_eq(refresh(a.refresh).status, 400);
}
END_TEST

START_TEST(older_token_ends_the_session)
{
	for (int back = 2; back < 6; back++) {
		struct tokens t = sign_in("alice");
		const char *old = t.refresh;
		struct tokens bob = sign_in("bob");

		for (int i = 0; i < back; i++)
			t = refresh(t.refresh);
		ck_assert_uint_eq(refresh(old).status, 400);
		ck_assert_uint_eq(refresh(t.refresh).status, 400);
		ck_assert_uint_eq(refresh(bob.refresh).status, 200);
	}
}
END_TEST

START_TEST(reuse_without_grace_period_is_refused)
{
	struct tokens t;

	use_mode("refresh", "leeway = 0\n[refresh]\ngrace = 0\n");
	t = sign_in("alice");
	ck_assert_uint_eq(refresh(t.refresh).status, 200);
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
}
END_TEST

START_TEST(forged_tokens_have_no_effect)
{
	struct tokens t = sign_in("alice");
	size_t n = strlen(t.refresh);
	char text[256];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(text, sizeof(text), "%s", t.refresh);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		ck_assert_msg(refresh(text).status == 400,
			      "a token with character %zu changed is accepted",
			      i);
	}
	ck_assert_uint_eq(refresh("").status, 400);
	ck_assert_uint_eq(refresh("x").status, 400);
	/* The valid token still works after all that. */
	ck_assert_uint_eq(refresh(t.refresh).status, 200);
}
END_TEST

START_TEST(tokens_have_lifetimes)
{
	struct tokens t = sign_in("alice");
	const int64_t idle = 14 * 86400;

	fake_env_advance(&f.fake, idle);
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
	t = sign_in("alice");
	for (int day = 0; day < 89; day++) {
		fake_env_advance(&f.fake, 86400);
		t = refresh(t.refresh);
		ck_assert_msg(t.status == 200, "the refresh of day %d fails",
			      day);
	}
	fake_env_advance(&f.fake, 86400);
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
}
END_TEST

START_TEST(clock_may_be_set)
{
	struct tokens t = sign_in("alice"), next;

	/* When the clock is set back, rotation still works: it depends on
	 * secrets and not on time. */
	next = refresh(t.refresh);
	fake_env_set_wall(&f.fake, FAKE_NOW - 3600);
	next = refresh(next.refresh);
	ck_assert_uint_eq(next.status, 200);
	/* The earlier token begins in the future. */
	ck_assert_uint_eq(check(t.access), 401);
	/* When the clock is set beyond all ends, the session is over. */
	fake_env_set_wall(&f.fake, FAKE_NOW + 400 * 86400);
	ck_assert_uint_eq(refresh(next.refresh).status, 400);
}
END_TEST

/* A clock that is set back does not prolong the grace period. */
START_TEST(clock_does_not_prolong_the_grace_period)
{
	struct tokens t = sign_in("alice");

	(void)refresh(t.refresh);
	ck_assert_uint_eq(refresh(t.refresh).status, 200);
	fake_env_set_wall(&f.fake, FAKE_NOW - 3600);
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
}
END_TEST

START_TEST(disabled_user_cannot_refresh)
{
	struct tokens t = sign_in("alice");
	struct flow_answer a;

	f.users_table.v[0].who.roles = STR("dev");
	t = refresh(t.refresh);
	ck_assert_uint_eq(t.status, 200);
	a = flow_verify(&f, "/",
			flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", t.access),
			NULL);
	ck_assert(str_eq(flow_header(&a, "Remote-Groups"), STR("dev")));
	f.users_table.v[0].disabled = true;
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
	f.users_table.v[0].disabled = false;
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
}
END_TEST

START_TEST(failed_user_source_keeps_the_session)
{
	struct tokens t = sign_in("alice");
	struct tokens next;

	f.users_table.down = true;
	ck_assert_uint_eq(refresh(t.refresh).status, 503);
	f.users_table.down = false;
	fake_env_advance(&f.fake, 2);
	next = refresh(t.refresh);
	ck_assert_uint_eq(next.status, 200);
	ck_assert_uint_eq(refresh(next.refresh).status, 200);
}
END_TEST

/* A failure of the user source that is longer than the grace period ends no
 * session and is no reuse. */
START_TEST(long_failure_of_user_source_keeps_the_session)
{
	struct tokens t = sign_in("alice");

	f.users_table.down = true;
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(refresh(t.refresh).status, 503);
		fake_env_advance(&f.fake, 60);
	}
	f.users_table.down = false;
	fake_env_advance(&f.fake, 60);
	ck_assert_uint_eq(refresh(t.refresh).status, 200);
}
END_TEST

START_TEST(too_many_roles_keep_the_session)
{
	static char many[1025], issuer[257], names[1024];
	struct flow_answer a;
	const char *cookie;
	struct tokens t;
	struct str few;

	memset(issuer, 'i', sizeof(issuer) - 1);
	(void)snprintf(names, sizeof(names), "issuer = %s\naudience = %s\n",
		       issuer, issuer);
	use_mode("refresh", names);
	t = sign_in("alice");
	cookie = flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh);
	few = f.users_table.v[0].who.roles;
	for (size_t i = 0; i + 2 < sizeof(many); i += 2)
		memcpy(many + i, "r,", 2);
	many[sizeof(many) - 2] = 'r';
	f.users_table.v[0].who.roles = str_from(many);
	memset(issuer, '"', sizeof(issuer) - 1);
	f.users_table.v[0].who.full_name = str_from(issuer);
	a = flow_post(&f, "/auth/refresh", "", "", cookie);
	ck_assert_uint_eq(a.status, 500);
	ck_assert_str_eq(member(&a, "error"), "token_too_large");
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	a = flow_ask(&f, false,
		     (const char *const[]){ "REQUEST_METHOD=POST",
					    "REQUEST_URI=/auth/repeat?rd=/x",
					    "HTTP_SEC_FETCH_SITE=same-origin",
					    "HTTP_SEC_FETCH_MODE=navigate",
					    cookie, NULL },
		     NULL);
	ck_assert_uint_eq(a.status, 500);
	ck_assert(flow_holds(a.body, "too many roles"));
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	f.users_table.v[0].who.roles = few;
	f.users_table.v[0].who.full_name = STR("");
	fake_env_advance(&f.fake, 60);
	ck_assert_uint_eq(refresh(t.refresh).status, 200);
}
END_TEST

START_TEST(successor_is_the_same_for_many_uses)
{
	struct tokens t = sign_in("alice"), first = refresh(t.refresh);

	for (int i = 0; i < 300; i++) {
		struct tokens again = refresh(t.refresh);

		ck_assert_msg(again.status == 200, "use %d: the status is %u",
			      i, again.status);
		ck_assert_str_eq(again.refresh, first.refresh);
	}
	ck_assert_uint_eq(refresh(first.refresh).status, 200);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("refresh");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, refresh_rotates_the_token);
	tcase_add_test(t, access_token_ends_before_refresh_token);
	tcase_add_test(t, grace_period_gives_the_same_successor);
	tcase_add_test(t, older_token_ends_the_session);
	tcase_add_test(t, reuse_without_grace_period_is_refused);
	tcase_add_test(t, forged_tokens_have_no_effect);
	tcase_add_test(t, tokens_have_lifetimes);
	tcase_add_test(t, clock_may_be_set);
	tcase_add_test(t, clock_does_not_prolong_the_grace_period);
	tcase_add_test(t, disabled_user_cannot_refresh);
	tcase_add_test(t, failed_user_source_keeps_the_session);
	tcase_add_test(t, long_failure_of_user_source_keeps_the_session);
	tcase_add_test(t, too_many_roles_keep_the_session);
	tcase_add_test(t, successor_is_the_same_for_many_uses);
	return run_case(t);
}
