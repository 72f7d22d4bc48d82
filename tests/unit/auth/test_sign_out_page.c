/* SPDX-License-Identifier: MIT */
/* The page and the form for signing out, and the state after they fail. */
#include "tests/unit/modes/refresh_fixture.h"

static bool
has_set_cookie(const struct flow_answer *a)
{
	return flow_header(a, "Set-Cookie").p != NULL;
}

/* The page has a form if there is something to sign out of. */
START_TEST(page_has_a_form_if_signed_in)
{
	struct tokens t = sign_in("alice"), gone = sign_in("alice");
	const char *const rows[][3] = {
		/* cookies or Bearer token; not NULL: from a person; part of the
		 * page */
		{ "HTTP_X_NOTHING=", NULL, "You are signed out" },
		{ "HTTP_X_NOTHING=", "", "You are signed out" },
		{ "HTTP_COOKIE=" ACCESS "=dead", NULL, "You are signed out" },
		{ "HTTP_COOKIE=" ACCESS "=dead", "", "You are signed out" },
		{ flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh), NULL,
		  "name=\"csrf\"" },
		{ flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", gone.refresh), "",
		  "name=\"csrf\"" },
		{ flow_text(&f, "HTTP_COOKIE=" ACCESS "=%s", t.access), "",
		  "<bdi>alice</bdi>" },
		{ flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", t.access), NULL,
		  "<bdi>alice</bdi>" },
	};

	ck_assert_uint_eq(flow_post(&f, "/auth/logout", JSON,
				    flow_text(&f, "{\"refresh_token\":\"%s\"}",
					      gone.refresh),
				    NULL)
			      .status,
			  204);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow_answer a =
		    flow_get(&f, "/auth/logout", rows[i][0],
			     rows[i][1] != NULL ?
				 "HTTP_SEC_FETCH_MODE=navigate" :
				 NULL);

		ck_assert_msg(a.status == 200, "row %zu: the status is %u", i,
			      a.status);
		ck_assert_msg(flow_holds(a.body, rows[i][2]), "row %zu: %.*s",
			      i, STR_ARG(a.body));
		ck_assert_msg(flow_holds(a.body, "name=\"csrf\"") == (i > 3),
			      "row %zu", i);
		ck_assert(!has_set_cookie(&a));
	}
}
END_TEST

/* For a person whose access token is over, the page renews it first. */
START_TEST(page_renews_the_access_token)
{
	struct tokens t = sign_in("alice");
	struct flow_answer a =
	    flow_get(&f, "/auth/logout?x=1",
		     flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh),
		     "HTTP_SEC_FETCH_MODE=navigate");

	ck_assert_uint_eq(a.status, 303);
	ck_assert(str_eq(flow_header(&a, "Location"), STR("/auth/logout?x=1")));
	ck_assert_ptr_nonnull(flow_cookie(&f, &a, ACCESS));
	ck_assert_ptr_nonnull(flow_cookie(&f, &a, REFRESH));
}
END_TEST

/* A posted refresh token is signed out, and no cookie. */
START_TEST(posted_refresh_token_is_signed_out)
{
	struct tokens a = sign_in("alice"), b = sign_in("bob");
	struct flow_answer answer =
	    flow_post(&f, "/auth/logout", FORM,
		      flow_text(&f, "refresh_token=%s", a.refresh),
		      flow_text(&f, "HTTP_COOKIE=" ACCESS "=%s; " REFRESH "=%s",
				b.access, b.refresh));

	ck_assert_uint_eq(answer.status, 303);
	ck_assert(!has_set_cookie(&answer));
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 1);
	ck_assert_uint_eq(refresh(b.refresh).status, 200);
	ck_assert_uint_eq(refresh(a.refresh).status, 400);
}
END_TEST

START_TEST(answer_fits_the_client)
{
	static const struct {
		const char *type, *accept;
		bool person;
	} rows[] = {
		{ FORM, "text/html", true },
		{ FORM, "application/json", false },
		{ JSON, "text/html", false },
		{ "", "text/html", false },
	};

	use_mode("refresh", "[server]\npath = /sso\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const params[] = {
			"REQUEST_METHOD=POST",
			"REQUEST_URI=/sso/logout",
			flow_text(&f, "CONTENT_TYPE=%s", rows[i].type),
			flow_text(&f, "HTTP_ACCEPT=%s", rows[i].accept),
			"HTTP_COOKIE=" ACCESS "=dead",
			NULL
		};
		struct flow_answer a = flow_ask(&f, false, params, NULL);

		ck_assert_msg(a.status == (rows[i].person ? 303 : 204),
			      "row %zu: the status is %u", i, a.status);
		ck_assert_msg(str_eq(flow_header(&a, "Location"),
				     str_from(rows[i].person ? "/sso/logout" :
							       NULL)),
			      "row %zu", i);
		ck_assert_str_eq(flow_cookie(&f, &a, ACCESS), "");
		ck_assert_str_eq(flow_cookie(&f, &a, REFRESH), "");
	}
}
END_TEST

/* The form ends the sessions of both cookies. */
START_TEST(form_ends_both_sessions)
{
	struct tokens a = sign_in("alice"), b = sign_in("bob");
	const char *both =
	    flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s; " REFRESH "=%s",
		      a.refresh, b.refresh);
	struct flow_answer answer = flow_get(&f, "/auth/logout", both, NULL);
	const char *csrf = flow_csrf(&f, &answer);
	const char *pre = flow_cookie(&f, &answer, LOGIN);

	answer =
	    flow_post(&f, "/auth/logout", FORM, flow_text(&f, "csrf=%s", csrf),
		      flow_text(&f, "%s; " LOGIN "=%s", both, pre));
	ck_assert_uint_eq(answer.status, 303);
	ck_assert_str_eq(flow_cookie(&f, &answer, REFRESH), "");
	ck_assert_str_eq(flow_cookie(&f, &answer, ACCESS), "");
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 0);
}
END_TEST

/* Without random numbers there is no token of a form, and so no page. */
START_TEST(page_needs_random_numbers)
{
	static const char *const modes[] = { "session", "refresh" };
	const char *const access = _i == 0 ? SESSION : ACCESS;
	const char *cookies[2];
	struct flow_answer a;

	use_mode(modes[_i], "");
	a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);
	cookies[0] = flow_text(&f, "HTTP_COOKIE=%s=%s", access,
			       flow_cookie(&f, &a, access));
	cookies[1] = flow_text(&f, "HTTP_COOKIE=%s=a; %s=b", access, access);
	f.fake.no_entropy = true;
	for (size_t i = 0; i < ARRAY_LEN(cookies); i++) {
		a = flow_get(&f, "/auth/logout", cookies[i], NULL);
		ck_assert_msg(a.status == 503, "row %zu: the status is %u", i,
			      a.status);
		ck_assert(!has_set_cookie(&a));
		ck_assert(!flow_holds(a.body, "csrf"));
	}
	a = flow_post(&f, "/auth/logout", FORM, "csrf=x", cookies[0]);
	ck_assert_uint_eq(a.status, 503);
	ck_assert(!has_set_cookie(&a));
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 1);
}
END_TEST

/* Signs out while the n-th call to the store fails: the answer is 503, and no
 * cookie is cleared. */
static bool
form_fails(const char *body, const char *cookies, unsigned n)
{
	struct flow_answer a;

	store_faulty_fail(&f.faulty, n, false);
	a = flow_post(&f, "/auth/logout", FORM, body, cookies);
	if (atomic_load(&f.faulty.failed) == 0) {
		store_faulty_fail(&f.faulty, 0, false);
		ck_assert_uint_eq(a.status, 303);
		ck_assert(has_set_cookie(&a));
		return false;
	}
	ck_assert_msg(a.status == 503, "call %u: the status is %u", n,
		      a.status);
	ck_assert_msg(!has_set_cookie(&a), "call %u clears a cookie", n);
	store_faulty_fail(&f.faulty, 0, false);
	fake_env_advance(&f.fake, 2);
	return true;
}

START_TEST(sign_out_needs_the_store)
{
	const bool twice = _i > 0;
	const char *cookies, *body;
	struct flow_answer a;
	unsigned n = 1;

	use_mode("session", "");
	cookies = flow_login(&f, "alice");
	if (twice)
		cookies =
		    flow_text(&f, "%s; %s", cookies,
			      flow_login(&f, "bob") + strlen("HTTP_COOKIE="));
	a = flow_get(&f, "/auth/logout", cookies, NULL);
	body = flow_text(&f, "csrf=%s", flow_csrf(&f, &a));
	if (twice)
		cookies = flow_text(&f, "%s; " LOGIN "=%s", cookies,
				    flow_cookie(&f, &a, LOGIN));
	while (form_fails(body, cookies, n))
		n++;
	ck_assert_uint_gt(n, 2);
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 0);
}
END_TEST

/* The log has one line for a session that ended, and none for one that was
 * over. */
START_TEST(ended_session_is_audited)
{
	const char *first;
	struct tokens t = sign_in("alice");

	flow_log(&f, LOG_INFO);
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(
		    flow_post(&f, "/auth/logout", JSON, "",
			      flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s",
					t.refresh))
			.status,
		    204);
	first = strstr(flow_logged(&f), " logout ");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_nonnull(strstr(first, "user=alice session="));
	ck_assert_ptr_nonnull(strstr(first, "address=192.0.2.7"));
	ck_assert_ptr_null(strstr(first + 1, " logout "));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("sign_out_page");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, page_has_a_form_if_signed_in);
	tcase_add_test(t, page_renews_the_access_token);
	tcase_add_test(t, posted_refresh_token_is_signed_out);
	tcase_add_test(t, answer_fits_the_client);
	tcase_add_test(t, form_ends_both_sessions);
	tcase_add_loop_test(t, page_needs_random_numbers, 0, 2);
	tcase_add_loop_test(t, sign_out_needs_the_store, 0, 2);
	tcase_add_test(t, ended_session_is_audited);
	return run_case(t);
}
