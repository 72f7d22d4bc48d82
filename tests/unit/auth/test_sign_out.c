/* SPDX-License-Identifier: MIT */
/* The credentials that a sign-out ends, and those that it must keep. */
#include "tests/unit/modes/refresh_fixture.h"

/* Starts the service in another mode on the same store. */
static void
switch_mode(const char *mode)
{
	struct backend *store = backend_ref(f.store);
	struct fake_env world = f.fake;

	use_mode(mode, "leeway = 0\n");
	atomic_store(&f.fake.wall_ms, atomic_load(&world.wall_ms));
	atomic_store(&f.fake.random, atomic_load(&world.random));
	store_conn_bind(f.conns.store, store);
	backend_unref(f.store);
	f.store = store;
}

static struct flow_answer
sign_out(const char *type, const char *body, const char *one, const char *two)
{
	const char *const params[] = { "REQUEST_METHOD=POST",
				       "REQUEST_URI=/auth/logout",
				       flow_text(&f, "CONTENT_TYPE=%s", type),
				       one,
				       one != NULL ? two : NULL,
				       NULL };

	return flow_ask(&f, false, params, body);
}

static bool
has_set_cookie(const struct flow_answer *a)
{
	return flow_header(a, "Set-Cookie").p != NULL;
}

START_TEST(two_cookies_of_a_name_are_refused)
{
	struct tokens a = sign_in("alice"), b = sign_in("bob");
	const char *const rows[] = {
		flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s; " REFRESH "=%s",
			  a.refresh, b.refresh),
		flow_text(&f, "HTTP_COOKIE=" ACCESS "=%s; " ACCESS "=%s",
			  a.access, b.access),
		flow_text(&f,
			  "HTTP_COOKIE=" ACCESS "=%s; " REFRESH "=%s; " REFRESH
			  "=%s",
			  a.access, a.refresh, b.refresh),
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow_answer answer = sign_out(JSON, "", rows[i], NULL);

		ck_assert_msg(answer.status == 401, "row %zu: the status is %u",
			      i, answer.status);
		ck_assert_msg(!has_set_cookie(&answer), "row %zu", i);
		ck_assert_msg(flow_sessions(&f, NULL).n == 2,
			      "row %zu ends a session", i);
	}
	ck_assert_uint_eq(refresh(a.refresh).status, 200);
	ck_assert_uint_eq(refresh(b.refresh).status, 200);
}
END_TEST

START_TEST(only_own_pages_sign_out)
{
	const struct {
		const char *says;
		unsigned status;
	} rows[] = {
		{ "HTTP_SEC_FETCH_SITE=cross-site", 403 },
		{ "HTTP_SEC_FETCH_SITE=same-site", 403 },
		{ "HTTP_SEC_FETCH_SITE=none", 403 },
		{ "HTTP_X_NOTHING=", 403 },
		{ "HTTP_ORIGIN=https://other.example.com", 403 },
		{ "HTTP_ORIGIN=null", 403 },
		{ "HTTP_ORIGIN=https://www.example.com", 303 },
		{ "HTTP_SEC_FETCH_SITE=same-origin", 303 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tokens t = sign_in("alice");
		const char *cookie =
		    flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh);
		struct flow_answer a = sign_out(FORM, "", rows[i].says, cookie);
		bool out = rows[i].status == 303;

		ck_assert_msg(a.status == rows[i].status,
			      "row %zu: the status is %u", i, a.status);
		ck_assert_msg((flow_cookie(&f, &a, REFRESH) != NULL) == out,
			      "row %zu", i);
		ck_assert_msg(refresh(t.refresh).status == (out ? 400 : 200),
			      "row %zu", i);
	}
}
END_TEST

START_TEST(bearer_token_clears_only_its_cookies)
{
	struct tokens a = sign_in("alice"), b = sign_in("bob");
	const char *bearer =
	    flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", a.access);
	const char *refresh_of_a =
	    flow_text(&f, "HTTP_COOKIE=" ACCESS "=dead; " REFRESH "=%s",
		      a.refresh);
	struct flow_answer answer;

	/* An invalid Bearer token and a valid refresh cookie. */
	answer =
	    sign_out(JSON, "", "HTTP_AUTHORIZATION=Bearer dead",
		     flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", b.refresh));
	ck_assert_uint_eq(answer.status, 204);
	ck_assert(!has_set_cookie(&answer));
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 2);
	/* The same invalid token as the only cookie is cleared. */
	answer = sign_out(JSON, "", "HTTP_AUTHORIZATION=Bearer dead",
			  "HTTP_COOKIE=" ACCESS "=dead");
	ck_assert_str_eq(flow_cookie(&f, &answer, ACCESS), "");
	answer = sign_out(JSON, "", "HTTP_AUTHORIZATION=Bearer dead",
			  "HTTP_COOKIE=" ACCESS "=other");
	ck_assert(!has_set_cookie(&answer));
	/* A valid Bearer token with the refresh cookie of another user, and
	 * without a cookie. */
	answer =
	    sign_out(JSON, "", bearer,
		     flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", b.refresh));
	ck_assert_uint_eq(answer.status, 204);
	ck_assert(!has_set_cookie(&answer));
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 1);
	/* A valid Bearer token with the invalid access cookie of the same
	 * session. */
	a = sign_in("alice");
	bearer = flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", a.access);
	refresh_of_a =
	    flow_text(&f, "HTTP_COOKIE=" ACCESS "=dead; " REFRESH "=%s",
		      a.refresh);
	answer = sign_out(JSON, "", bearer, refresh_of_a);
	ck_assert_str_eq(flow_cookie(&f, &answer, ACCESS), "");
	ck_assert_str_eq(flow_cookie(&f, &answer, REFRESH), "");
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 1);
	a = sign_in("alice");
	answer =
	    sign_out(JSON, "",
		     flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", a.access),
		     "HTTP_COOKIE=" ACCESS "=dead");
	ck_assert_str_eq(flow_cookie(&f, &answer, ACCESS), "");
}
END_TEST

static const char *const switches[][2] = { { "session", "refresh" },
					   { "refresh", "session" },
					   { "session", "jwt" },
					   { "refresh", "jwt" } };

/* A user who signed in before the mode was changed signs out. Their old session
 * ends, too, also for the time when the mode is changed back. */
START_TEST(sessions_of_another_mode_end)
{
	const char *const *mode = switches[_i];
	bool by_session = strcmp(mode[0], "session") == 0;
	const char *left = by_session ? SESSION : REFRESH;
	struct flow_answer a;
	char token[512];

	switch_mode(mode[0]);
	a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);
	(void)snprintf(token, sizeof(token), "HTTP_COOKIE=%s=%s", left,
		       flow_cookie(&f, &a, left));
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 1);
	switch_mode(mode[1]);
	/* In mode jwt the store usually is a new one in the memory of the
	 * process. Here it is the same. */
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 1);
	/* A foreign page cannot sign the user out. */
	a = sign_out(FORM, "", token, "HTTP_SEC_FETCH_SITE=same-site");
	ck_assert_uint_eq(a.status, 403);
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 1);
	/* If there is a Bearer token, only that is signed out. */
	a = sign_out(JSON, "", token, "HTTP_AUTHORIZATION=Bearer dead");
	ck_assert_ptr_null(flow_cookie(&f, &a, left));
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 1);
	a = sign_out(JSON, "", token, NULL);
	ck_assert_uint_eq(a.status, 204);
	ck_assert_str_eq(flow_cookie(&f, &a, left), "");
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 0);
	switch_mode(mode[0]);
	if (by_session)
		ck_assert_uint_eq(flow_verify(&f, "/", token, NULL).status,
				  401);
}
END_TEST

START_TEST(cookies_of_other_modes_are_cleared)
{
	struct tokens t = sign_in("alice");
	struct flow_answer a =
	    sign_out(JSON, "",
		     flow_text(&f,
			       "HTTP_COOKIE=" REFRESH "=%s; " SESSION "=dead",
			       t.refresh),
		     NULL);

	ck_assert_str_eq(flow_cookie(&f, &a, SESSION), "");
	a = sign_out(JSON, "", NULL, NULL);
	ck_assert_ptr_null(flow_cookie(&f, &a, SESSION));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("sign_out");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, two_cookies_of_a_name_are_refused);
	tcase_add_test(t, only_own_pages_sign_out);
	tcase_add_test(t, bearer_token_clears_only_its_cookies);
	tcase_add_loop_test(t, sessions_of_another_mode_end, 0,
			    ARRAY_LEN(switches));
	tcase_add_test(t, cookies_of_other_modes_are_cleared);
	return run_case(t);
}
