/* SPDX-License-Identifier: MIT */
/* Mode refresh from the point of view of browsers and programs: refreshing,
 * signing in and out. */
#include "tests/unit/modes/refresh_fixture.h"

START_TEST(sign_out_ends_the_refresh_token)
{
	struct tokens t = sign_in("alice");
	struct flow_answer a =
	    flow_post(&f, "/auth/logout", JSON, "",
		      flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh));

	ck_assert_uint_eq(a.status, 204);
	ck_assert_str_eq(flow_cookie(&f, &a, ACCESS), "");
	ck_assert_str_eq(flow_cookie(&f, &a, REFRESH), "");
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
	/* A program signs out with the access token only. */
	t = sign_in("alice");
	a = flow_post(&f, "/auth/logout", JSON, "",
		      flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", t.access));
	ck_assert_uint_eq(a.status, 204);
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
}
END_TEST

static struct flow_answer
log_out(const char *body, const char *one, const char *two)
{
	const char *const params[] = {
		"REQUEST_METHOD=POST",	  "REQUEST_URI=/auth/logout",
		"CONTENT_TYPE=" JSON,	  one,
		one != NULL ? two : NULL, NULL
	};

	return flow_ask(&f, false, params, body);
}

START_TEST(expired_access_token_signs_out)
{
	struct tokens t = sign_in("alice");

	/* The expired access token still names its session. */
	fake_env_advance(&f.fake, 3600);
	ck_assert_uint_eq(
	    log_out("", flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", t.access),
		    NULL)
		.status,
	    204);
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
	t = sign_in("alice");
	ck_assert_uint_eq(log_out(flow_text(&f, "{\"refresh_token\":\"%s\"}",
					    t.refresh),
				  NULL, NULL)
			      .status,
			  204);
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
}
END_TEST

START_TEST(sign_out_spares_other_sessions)
{
	struct tokens a = sign_in("alice"), b = sign_in("bob");
	const char *cookies =
	    flow_text(&f, "HTTP_COOKIE=" ACCESS "=dead; " REFRESH "=%s",
		      b.refresh);
	struct flow_answer answer =
	    log_out("", flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", a.access),
		    cookies);

	ck_assert_uint_eq(answer.status, 204);
	ck_assert_ptr_null(flow_header(&answer, "Set-Cookie").p);
	answer = log_out("", "HTTP_AUTHORIZATION=Bearer rubbish", cookies);
	ck_assert_ptr_null(flow_header(&answer, "Set-Cookie").p);
	/* A token in the body is used instead of the cookies. */
	answer = log_out("{\"refresh_token\":\"rubbish\"}", cookies, NULL);
	ck_assert_ptr_null(flow_header(&answer, "Set-Cookie").p);
	ck_assert_uint_eq(refresh(b.refresh).status, 200);
	ck_assert_uint_eq(refresh(a.refresh).status, 400);
}
END_TEST

static struct flow_answer
navigate(const char *uri, const char *cookies)
{
	const char *const params[] = { flow_text(&f, "REQUEST_URI=%s", uri),
				       "HTTP_SEC_FETCH_MODE=navigate",
				       flow_text(&f, "HTTP_COOKIE=%s", cookies),
				       NULL };

	return flow_ask(&f, false, params, NULL);
}

START_TEST(browser_renews_by_itself)
{
	struct tokens t = sign_in("alice");
	const char *cookies = flow_text(&f, REFRESH "=%s", t.refresh);
	struct flow_answer a = navigate("/auth/login?rd=/a%3Fb%3D1", cookies);

	ck_assert_uint_eq(a.status, 303);
	ck_assert(str_eq(flow_header(&a, "Location"), STR("/a?b=1")));
	ck_assert_ptr_nonnull(flow_cookie(&f, &a, ACCESS));
	ck_assert_str_ne(flow_cookie(&f, &a, REFRESH), t.refresh);
	/* The same request again, from a second tab or from a browser that
	 * keeps no cookies. */
	a = navigate("/auth/login?rd=/a%3Fb%3D1", cookies);
	ck_assert_uint_eq(a.status, 303);
	ck_assert(str_eq(flow_header(&a, "Location"),
			 STR("/auth/login?renewed=1&rd=%2Fa%3Fb%3D1")));
	a = navigate("/auth/login?renewed=1&rd=/a%3Fb%3D1", cookies);
	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "does not keep our cookies"));
}
END_TEST

START_TEST(renewal_cannot_loop)
{
	struct tokens t = sign_in("alice");
	struct flow_answer a =
	    navigate("/auth/login?rd=/a",
		     flow_text(&f, REFRESH "=%s", t.refresh));

	/* The browser keeps the refresh cookie and the mark, but no access
	 * cookie. */
	a = navigate("/auth/login?rd=/a",
		     flow_text(&f, REFRESH "=%s; " LOGIN "=%s",
			       flow_cookie(&f, &a, REFRESH),
			       flow_cookie(&f, &a, LOGIN)));
	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "does not keep our cookies"));
	/* An invalid refresh token leads to the form. */
	a = navigate("/auth/login?rd=/a", REFRESH "=nonsense");
	ck_assert_uint_eq(a.status, 200);
	ck_assert(!flow_holds(a.body, "does not keep"));
	ck_assert_ptr_null(flow_cookie(&f, &a, REFRESH));
}
END_TEST

/* A foreign page that opens a page of the service does not use up the refresh
 * token. */
START_TEST(foreign_pages_rotate_no_token)
{
	static const char *const sites[] = { "cross-site", "same-site" };
	static const char *const uris[] = { "/auth/login?rd=/a%3Fb%3D1",
					    "/auth/login", "/auth/logout" };
	const char *site = sites[_i / 3], *uri = uris[_i % 3];
	struct tokens t = sign_in("alice");
	const char *params[] = {
		flow_text(&f, "REQUEST_URI=%s", uri),
		"HTTP_SEC_FETCH_MODE=navigate",
		flow_text(&f, "HTTP_SEC_FETCH_SITE=%s", site),
		flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh), NULL
	};
	struct flow_answer a = flow_ask(&f, false, params, NULL);
	const char *own = flow_text(&f, "%s%cown=1", uri,
				    strchr(uri, '?') != NULL ? '&' : '?');

	ck_assert_uint_eq(a.status, 200);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	ck_assert(str_eq(flow_header(&a, "Refresh"),
			 str_from(flow_text(&f, "0; url=%s", own))));
	ck_assert(str_eq(flow_header(&a, "Cross-Origin-Opener-Policy"),
			 STR("same-origin")));
	/* A foreign page that sets own=1 itself does not rotate the token. */
	params[0] = flow_text(&f, "REQUEST_URI=%s", own);
	a = flow_ask(&f, false, params, NULL);
	ck_assert_uint_eq(a.status, 200);
	ck_assert_ptr_null(flow_header(&a, "Refresh").p);
	ck_assert_ptr_null(flow_cookie(&f, &a, REFRESH));
	/* A request of the service's own page does. */
	params[2] = "HTTP_SEC_FETCH_SITE=same-origin";
	a = flow_ask(&f, false, params, NULL);
	ck_assert_uint_eq(a.status, 303);
	ck_assert_str_ne(flow_cookie(&f, &a, REFRESH), t.refresh);
}
END_TEST

START_TEST(tokens_come_back_as_cookies)
{
	struct tokens t = sign_in("alice");
	struct flow_answer a =
	    flow_post(&f, "/auth/refresh", "", "",
		      flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh));

	ck_assert_uint_eq(a.status, 200);
	ck_assert_ptr_nonnull(flow_cookie(&f, &a, ACCESS));
	ck_assert_ptr_nonnull(flow_cookie(&f, &a, REFRESH));
	ck_assert_ptr_null(member(&a, "refresh_token"));
	ck_assert_ptr_null(member(&a, "access_token"));
}
END_TEST

START_TEST(bad_requests_have_an_error_code)
{
	static const struct {
		const char *type, *body, *code;
	} rows[] = {
		{ FORM, "grant_type=password&refresh_token=x",
		  "unsupported_grant_type" },
		{ FORM, "refresh_token=x", "invalid_request" },
		{ FORM, "grant_type=refresh_token", "invalid_request" },
		{ FORM, "grant_type=refresh_token&refresh_token=x",
		  "invalid_grant" },
		{ FORM,
		  "grant_type=refresh_token&refresh_token=x&refresh_token=x",
		  "invalid_request" },
		{ JSON,
		  "{\"grant_type\":\"refresh_token\",\"refresh_token\":\"x\"}",
		  "invalid_grant" },
		{ JSON, "[]", "invalid_request" },
		{ FORM, "", "invalid_grant" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow_answer a =
		    flow_post(&f, "/auth/refresh", rows[i].type, rows[i].body,
			      NULL);

		ck_assert_msg(a.status == 400, "row %zu: the status is %u", i,
			      a.status);
		ck_assert_msg(strcmp(member(&a, "error"), rows[i].code) == 0,
			      "row %zu: the error is %s", i,
			      member(&a, "error"));
	}
}
END_TEST

/* A refresh token, valid or not, does not give a user name, and the page must
 * show nothing that the browser sent. */
START_TEST(sign_out_page_names_nobody)
{
	struct tokens t = sign_in("alice");
	const char *dead = refresh(t.refresh).refresh;
	const struct {
		const char *cookie;
		bool navigation;
	} rows[] = {
		{ flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", dead), false },
		{ flow_text(&f, "HTTP_COOKIE=" ACCESS "=dead; " REFRESH "=%s",
			    dead),
		  false },
		{ flow_text(&f, "HTTP_COOKIE=" REFRESH "=dead%s", dead), true },
		{ flow_text(&f, "HTTP_COOKIE=" ACCESS "=%s", dead), true },
		{ flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", dead), true },
		{ "HTTP_X_NOTHING=", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow_answer a =
		    flow_get(&f, "/auth/logout", rows[i].cookie,
			     rows[i].navigation ?
				 "HTTP_SEC_FETCH_MODE=navigate" :
				 NULL);

		ck_assert_msg(a.status == 200, "row %zu: the status is %u", i,
			      a.status);
		ck_assert_msg(!flow_holds(a.body, "signed in as"), "row %zu",
			      i);
		ck_assert_msg(!flow_holds(a.raw, dead), "row %zu", i);
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("renewal");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, sign_out_ends_the_refresh_token);
	tcase_add_test(t, expired_access_token_signs_out);
	tcase_add_test(t, sign_out_spares_other_sessions);
	tcase_add_test(t, sign_out_page_names_nobody);
	tcase_add_test(t, browser_renews_by_itself);
	tcase_add_test(t, renewal_cannot_loop);
	tcase_add_loop_test(t, foreign_pages_rotate_no_token, 0, 6);
	tcase_add_test(t, tokens_come_back_as_cookies);
	tcase_add_test(t, bad_requests_have_an_error_code);
	return run_case(t);
}
