/* SPDX-License-Identifier: MIT */
/* A form that is posted after the access token expired (mode refresh): the
 * token is refreshed and the form is sent again. */
#include "tests/unit/modes/refresh_fixture.h"

#define MARK	 "__Secure-fcgiauth_repeat"
#define NAVIGATE "HTTP_SEC_FETCH_MODE=navigate"
#define OWN	 "HTTP_SEC_FETCH_SITE=same-origin"
#define ORIGIN	 "HTTP_ORIGIN=https://www.example.com"
#define THERE	 "/auth/repeat?rd=/save%3Fa%3D1%26b%3D%252F"
#define BACK	 "/save?a=1&b=%2F"

static struct flow_answer
ask(bool authorizer, const char *method, const char *uri,
    const char *const *more)
{
	const char *params[12] = { NULL };
	size_t n = 0;

	params[n++] = flow_text(&f, "REQUEST_METHOD=%s", method);
	params[n++] = flow_text(&f, "REQUEST_URI=%s", uri);
	params[n++] = "CONTENT_TYPE=multipart/form-data; boundary=x";
	for (size_t i = 0; more[i] != NULL; i++)
		params[n++] = more[i];
	return flow_ask(&f, authorizer, params, NULL);
}

#define MORE(...) ((const char *const[]){ __VA_ARGS__, NULL })

static bool
is_unsent(const struct flow_answer *a)
{
	return a->status == 401 &&
	       flow_holds(a->body, "Your form was not sent") &&
	       flow_header(a, "Location").p == NULL &&
	       flow_cookie(&f, a, ACCESS) == NULL &&
	       flow_cookie(&f, a, REFRESH) == NULL;
}

static bool
leads_to(const struct flow_answer *a, const char *where)
{
	return a->status == 307 &&
	       str_eq(flow_header(a, "Location"), str_from(where));
}

static const struct {
	const char *site, *origin, *cookies;
	bool repeat;
} challenges[] = {
	{ OWN, ORIGIN, NULL, true },
	{ OWN, "HTTP_ORIGIN=null", NULL, true },
	{ OWN, NULL, NULL, true },
	{ NULL, ORIGIN, NULL, true },
	{ OWN, ORIGIN, "HTTP_COOKIE=" ACCESS "=dead", true },
	{ OWN, ORIGIN, "HTTP_COOKIE=" ACCESS "=a; " ACCESS "=b", false },
	{ "HTTP_SEC_FETCH_SITE=cross-site", "HTTP_ORIGIN=https://evil.example",
	  NULL, false },
	{ "HTTP_SEC_FETCH_SITE=cross-site", "HTTP_ORIGIN=null", NULL, false },
	{ "HTTP_SEC_FETCH_SITE=same-site",
	  "HTTP_ORIGIN=https://evil.www.example.com", NULL, false },
	{ "HTTP_SEC_FETCH_SITE=none", NULL, NULL, false },
	{ NULL, "HTTP_ORIGIN=https://evil.example", NULL, false },
	{ NULL, NULL, NULL, false },
};

START_TEST(challenge_redirects_to_repeat)
{
	const char *more[6] = { NAVIGATE };
	size_t n = 1;
	struct flow_answer a;

	if (challenges[_i].site != NULL)
		more[n++] = challenges[_i].site;
	if (challenges[_i].origin != NULL)
		more[n++] = challenges[_i].origin;
	if (challenges[_i].cookies != NULL)
		more[n++] = challenges[_i].cookies;
	a = ask(true, "POST", BACK, more);
	ck_assert_msg(challenges[_i].repeat ?
			  leads_to(&a, "/auth/repeat?rd=%2Fsave%3Fa%3D1%26b%3D"
				       "%252F") :
			  is_unsent(&a),
		      "row %d: the status is %u", _i, a.status);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	more[n] = "AUTH_ACTION=challenge";
	a = ask(false, "POST", BACK, more);
	ck_assert_msg((a.status == 307) == challenges[_i].repeat, "row %d", _i);
	/* Only POST is repeated. */
	a = ask(false, "PUT", BACK, more);
	ck_assert_msg(is_unsent(&a), "row %d", _i);
	a = ask(false, "PATCH", BACK, more);
	ck_assert_msg(is_unsent(&a), "row %d", _i);
	a = ask(false, "DELETE", BACK, more);
	ck_assert_msg(is_unsent(&a), "row %d", _i);
}
END_TEST

/* A RESPONDER and an authorizer, as Apache and lighttpd use it, renew the
 * token. */
START_TEST(token_is_renewed_and_form_repeated)
{
	struct tokens t = sign_in("alice");
	struct flow_answer a =
	    ask(_i == 1, "POST", THERE,
		MORE(NAVIGATE, OWN, ORIGIN,
		     flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh)));
	const char *access = flow_cookie(&f, &a, ACCESS);
	const char *pass;

	ck_assert(leads_to(&a, BACK));
	ck_assert_ptr_nonnull(access);
	ck_assert_str_ne(flow_cookie(&f, &a, REFRESH), t.refresh);
	ck_assert_str_eq(flow_cookie(&f, &a, MARK), "1");
	ck_assert(str_eq(flow_header(&a, "Cache-Control"), STR("no-store")));
	pass = flow_text(&f, "HTTP_COOKIE=" ACCESS "=%s", access);
	ck_assert_uint_eq(flow_verify(&f, BACK, pass, NULL).status, 204);
}
END_TEST

/* Bytes that a return URL cannot have are escaped: browsers leave `\\` in a
 * query. */
START_TEST(address_is_escaped)
{
	struct tokens t = sign_in("alice");
	const char *cookie =
	    flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh);
	struct flow_answer a = ask(true, "POST", "/s\xc3\xa4?at=C:\\x",
				   MORE(NAVIGATE, OWN, ORIGIN));

	ck_assert(leads_to(&a,
			   "/auth/repeat?rd=%2Fs%25C3%25A4%3Fat%3DC%3A%255Cx"));
	a = ask(true, "POST",
		flow_text(&f, "%.*s", STR_ARG(flow_header(&a, "Location"))),
		MORE(NAVIGATE, OWN, ORIGIN, cookie));
	ck_assert(leads_to(&a, "/s%C3%A4?at=C:%5Cx"));
}
END_TEST

START_TEST(body_is_ignored)
{
	struct tokens t = sign_in("alice");
	const char *const params[] = {
		"REQUEST_METHOD=POST",
		"REQUEST_URI=" THERE,
		NAVIGATE,
		OWN,
		"CONTENT_TYPE=text/plain",
		flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh),
		NULL
	};
	struct flow_answer a = flow_ask(&f, false, params, "{\"anything\"");

	ck_assert(leads_to(&a, BACK));
}
END_TEST

static const struct {
	const char *method, *uri, *one, *two;
	unsigned status;
} abuses[] = {
	{ "PUT", THERE, OWN, NULL, 405 },
	{ "PATCH", THERE, OWN, NULL, 405 },
	{ "DELETE", THERE, OWN, NULL, 405 },
	{ "GET", THERE, OWN, NULL, 405 },
	{ "HEAD", THERE, OWN, NULL, 405 },
	{ "OPTIONS", THERE, OWN, NULL, 405 },
	{ "POST", THERE, NULL, NULL, 401 },
	{ "POST", THERE, "HTTP_SEC_FETCH_SITE=cross-site", NULL, 401 },
	{ "POST", THERE, "HTTP_SEC_FETCH_SITE=same-site", NULL, 401 },
	{ "POST", THERE, "HTTP_SEC_FETCH_SITE=none", NULL, 401 },
	{ "POST", THERE, "HTTP_ORIGIN=https://evil.example", NULL, 401 },
	{ "POST", THERE, "HTTP_ORIGIN=http://www.example.com", NULL, 401 },
	{ "POST", THERE, "HTTP_ORIGIN=null", NULL, 401 },
	{ "POST", "/auth/repeat", OWN, NULL, 401 },
	{ "POST", "/auth/repeat?rd=", OWN, NULL, 401 },
	{ "POST", "/auth/repeat?rd=save", OWN, NULL, 401 },
	{ "POST", "/auth/repeat?rd=//evil.example/", OWN, NULL, 401 },
	{ "POST", "/auth/repeat?rd=/%5Cevil.example/", OWN, NULL, 401 },
	{ "POST", "/auth/repeat?rd=https://evil.example/", OWN, NULL, 401 },
	{ "POST", "/auth/repeat?rd=https://www.example.com/x", OWN, NULL, 401 },
	{ "POST", "/auth/repeat?rd=/auth/logout", OWN, NULL, 401 },
	{ "POST", "/auth/repeat?rd=/auth/repeat%3Frd%3D/x", OWN, NULL, 401 },
	{ "POST", "/auth/repeat?rd=/%2561uth/login", OWN, NULL, 401 },
	{ "POST", "/auth/repeat?rd=/x/..%252fauth/login", OWN, NULL, 401 },
	{ "POST", "/auth/repeat?rd=/x/../auth/login", OWN, NULL, 401 },
	{ "POST", "/auth/repeat?rd=/auth", OWN, NULL, 401 },
	{ "POST", "/auth/repeat?rd=/auth%253bx/login", OWN, NULL, 401 },
	{ "POST", "/auth/repeat?rd=/%252561uth/login", OWN, NULL, 401 },
	{ "POST", "/auth/repeat?rd=/a&rd=/b", OWN, NULL, 400 },
	{ "POST", THERE "%0d%0aSet-Cookie:a", OWN, NULL, 401 },
};

START_TEST(repeat_page_cannot_be_abused)
{
	struct tokens t = sign_in("alice");
	const char *cookie =
	    flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh);

	for (int authorizer = 0; authorizer < 2; authorizer++) {
		struct flow_answer a =
		    ask(authorizer == 1, abuses[_i].method, abuses[_i].uri,
			MORE(NAVIGATE, cookie, abuses[_i].one));

		ck_assert_msg(a.status == abuses[_i].status,
			      "row %d: the status is %u", _i, a.status);
		ck_assert_msg(flow_header(&a, "Location").p == NULL, "row %d",
			      _i);
		ck_assert_msg(flow_cookie(&f, &a, REFRESH) == NULL, "row %d",
			      _i);
	}
	/* The refresh token was not used. */
	ck_assert_uint_eq(refresh(t.refresh).status, 200);
}
END_TEST

/* A path with several readings may be a target. */
START_TEST(target_may_have_several_readings)
{
	static const struct {
		const char *rd, *location;
	} rows[] = {
		{ "/api/%252F/x", "/api/%2F/x" },
		{ "/a%3Bv%3D1", "/a;v=1" },
		{ "/100%2525.txt%3Fa%3D1", "/100%25.txt?a=1" },
	};
	struct tokens t = sign_in("alice");
	struct flow_answer a =
	    ask(false, "POST", flow_text(&f, "/auth/repeat?rd=%s", rows[_i].rd),
		MORE(NAVIGATE, OWN,
		     flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh)));

	ck_assert_uint_eq(a.status, 307);
	ck_assert(str_eq(flow_header(&a, "Location"),
			 str_from(rows[_i].location)));
}
END_TEST

START_TEST(program_gets_json)
{
	struct tokens t = sign_in("alice");
	const char *cookie =
	    flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh);
	struct flow_answer a =
	    ask(false, "POST", THERE,
		MORE("HTTP_SEC_FETCH_MODE=cors", OWN, ORIGIN, cookie));

	ck_assert_uint_eq(a.status, 401);
	ck_assert(flow_holds(a.body, "\"unauthorized\""));
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	ck_assert_uint_eq(refresh(t.refresh).status, 200);
}
END_TEST

START_TEST(missing_refresh_token_gets_a_page)
{
	struct flow_answer a = ask(false, "POST", THERE, MORE(NAVIGATE, OWN));

	ck_assert(is_unsent(&a));
	a = ask(false, "POST", THERE,
		MORE(NAVIGATE, OWN, "HTTP_COOKIE=" REFRESH "=nonsense"));
	ck_assert(is_unsent(&a));
	a = ask(false, "POST", THERE,
		MORE(NAVIGATE, OWN,
		     "HTTP_COOKIE=" REFRESH "=a; " REFRESH "=b"));
	ck_assert(is_unsent(&a));
}
END_TEST

START_TEST(repeating_ends)
{
	struct tokens t = sign_in("alice");
	const char *access = flow_text(&f, ACCESS "=%s", t.access);
	const char *mark = "0";
	struct flow_answer a;

	/* The user is signed in, but the form comes back again and again. */
	for (int i = 1; i <= 3; i++) {
		a = ask(false, "POST", THERE,
			MORE(NAVIGATE, OWN,
			     flow_text(&f, "HTTP_COOKIE=%s; " MARK "=%s",
				       access, mark)));
		ck_assert(leads_to(&a, BACK));
		ck_assert_ptr_null(flow_cookie(&f, &a, REFRESH));
		mark = flow_cookie(&f, &a, MARK);
		ck_assert_str_eq(mark, flow_text(&f, "%d", i));
	}
	a = ask(false, "POST", THERE,
		MORE(NAVIGATE, OWN,
		     flow_text(&f, "HTTP_COOKIE=%s; " MARK "=%s", access,
			       mark)));
	ck_assert(is_unsent(&a));
	/* Reloading that page begins again. */
	ck_assert_str_eq(flow_cookie(&f, &a, MARK), "");
	a = ask(false, "POST", THERE,
		MORE(NAVIGATE, OWN,
		     flow_text(&f, "HTTP_COOKIE=%s; " MARK "=99", access)));
	ck_assert(leads_to(&a, BACK));
}
END_TEST

/* A browser that keeps its refresh cookie, but no new cookies. */
START_TEST(browser_without_cookies_gets_a_page)
{
	struct tokens t = sign_in("alice");
	const char *cookie =
	    flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh);
	struct flow_answer a =
	    ask(false, "POST", THERE, MORE(NAVIGATE, OWN, cookie));

	ck_assert(leads_to(&a, BACK));
	a = ask(false, "POST", THERE, MORE(NAVIGATE, OWN, cookie));
	ck_assert(leads_to(&a, "/auth/repeat?renewed=1&rd=%2Fsave%3Fa%3D1%26b"
			       "%3D%252F"));
	/* The second of two parallel forms gets here, too, with the cookies of
	 * the first. */
	a = ask(false, "POST", THERE "&renewed=1",
		MORE(NAVIGATE, OWN,
		     flow_text(&f, "HTTP_COOKIE=" ACCESS "=%s",
			       flow_cookie(&f, &a, ACCESS))));
	ck_assert(leads_to(&a, BACK));
	a = ask(false, "POST", THERE "&renewed=1", MORE(NAVIGATE, OWN, cookie));
	ck_assert(is_unsent(&a));
}
END_TEST

START_TEST(unknown_hosts_are_refused)
{
	use_mode("refresh", "[server]\nhosts = www.example.com\n");
	for (int authorizer = 0; authorizer < 2; authorizer++) {
		struct flow_answer a =
		    ask(authorizer == 1, "POST", THERE,
			MORE(NAVIGATE, OWN, "HTTP_HOST=evil.example",
			     "HTTP_ORIGIN=https://evil.example"));

		ck_assert_msg(a.status == 400 || a.status == 403,
			      "the status is %u", a.status);
		ck_assert_ptr_null(flow_header(&a, "Location").p);
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("repeat");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, challenge_redirects_to_repeat, 0,
			    ARRAY_LEN(challenges));
	tcase_add_loop_test(t, token_is_renewed_and_form_repeated, 0, 2);
	tcase_add_test(t, address_is_escaped);
	tcase_add_test(t, body_is_ignored);
	tcase_add_loop_test(t, repeat_page_cannot_be_abused, 0,
			    ARRAY_LEN(abuses));
	tcase_add_loop_test(t, target_may_have_several_readings, 0, 3);
	tcase_add_test(t, program_gets_json);
	tcase_add_test(t, missing_refresh_token_gets_a_page);
	tcase_add_test(t, repeating_ends);
	tcase_add_test(t, browser_without_cookies_gets_a_page);
	tcase_add_test(t, unknown_hosts_are_refused);
	return run_case(t);
}
