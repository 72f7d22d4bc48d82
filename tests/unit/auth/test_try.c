/* SPDX-License-Identifier: MIT */
/* service_try(): checks that are answered without waiting. */
#include "tests/unit/auth/cached_fixture.h"

static const char rules[] = "[rule open]\npath = /open\nrequire = public\n"
			    "[rule deny]\npath = /deny\nrequire = deny\n"
			    "[rule dev]\npath = /dev\nrequire = role:dev\n"
			    "[rule rest]\nrequire = user\n";

/* service_try() has no connections. What it answers is what service_answer()
 * answers. */
START_TEST(answers_without_waiting_are_the_same)
{
	static const char *const uris[] = { "/",	   "/open",
					    "/deny",	   "/dev",
					    "/auth/login", "/auth/logout",
					    "/auth/me",	   "/auth/refresh",
					    "/%00",	   "//x" };
	const char *known, *fresh, *text;
	int answered = 0;

	use_cache(kinds[_i].name, flow_text(&f, "%s%s", kinds[_i].more, rules));
	known = known_credential("bob");
	fresh = credential("bob");
	for (int i = 0; i < (int)ARRAY_LEN(uris) * 4 * 2; i++) {
		const char *const given[] = { known, fresh, "HTTP_NONE=",
					      "HTTP_AUTHORIZATION=Bearer x" };
		const char *const params[] = {
			flow_text(&f, "REQUEST_URI=%s", uris[i / 8]),
			given[i / 2 % 4],
			i % 2 == 0 ? "AUTH_ACTION=verify" : "HTTP_NONE=", NULL
		};
		const bool authorizer = i % 2 == 1;
		struct flow_answer tried = flow_try(&f, authorizer, params);

		if (tried.status == 0)
			continue;
		answered++;
		text = flow_text(&f, "%.*s", STR_ARG(tried.raw));
		tried = flow_ask(&f, authorizer, params, NULL);
		ck_assert_msg(str_eq(tried.raw, str_from(text)),
			      "request %d: %s\nand\n%.*s", i, text,
			      STR_ARG(tried.raw));
		/* What the other one has learned would be known now. */
		fresh = credential("bob");
	}
	ck_assert_int_ge(answered, 20);
}
END_TEST

/* A check whose credential is not known waits for the store. */
START_TEST(miss_is_not_answered_without_waiting)
{
	const char *params[] = { "AUTH_ACTION=verify", NULL, NULL };

	use_cache(kinds[_i].name, kinds[_i].more);
	params[1] = credential("bob");
	ck_assert_uint_eq(flow_try(&f, false, params).status, 0);
	(void)calls_of_check(params[1], 204);
	ck_assert_uint_eq(flow_try(&f, false, params).status, 204);
	params[1] = "HTTP_NONE=";
	ck_assert_uint_eq(flow_try(&f, false, params).status, 401);
	set_trust(CACHE_DOUBT, 0);
	params[1] = credential("bob");
	(void)calls_of_check(params[1], 204);
	ck_assert_uint_eq(flow_try(&f, false, params).status, 0);
	params[0] = "AUTH_ACTION=challenge";
	ck_assert_uint_eq(flow_try(&f, false, params).status, 0);
}
END_TEST

/* A token that needs no store is verified at once. */
START_TEST(stateless_token_is_answered)
{
	const char *params[] = { "AUTH_ACTION=verify", NULL, NULL };

	use_cache(_i == 0 ? "jwt" : "refresh", "revocation = none\n");
	set_trust(CACHE_DOUBT, 0);
	params[1] = credential("bob");
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(flow_try(&f, false, params).status, 204);
	params[1] = "HTTP_AUTHORIZATION=Bearer x";
	ck_assert_uint_eq(flow_try(&f, false, params).status, 401);
}
END_TEST

/* The workers may all wait for a store that does not answer. */
START_TEST(state_is_answered)
{
	const char *params[] = { "AUTH_ACTION=status", NULL };
	struct flow_answer a;

	use_cache(kinds[_i].name, kinds[_i].more);
	a = flow_try(&f, false, params);
	ck_assert_uint_eq(a.status, 200);
	ck_assert_str_eq(member(&a, "mode"), kinds[_i].name);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("try");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, answers_without_waiting_are_the_same, 0, KINDS);
	tcase_add_loop_test(t, miss_is_not_answered_without_waiting, 0, KINDS);
	tcase_add_loop_test(t, stateless_token_is_answered, 0, 2);
	tcase_add_loop_test(t, state_is_answered, 0, KINDS);
	return run_case(t);
}
