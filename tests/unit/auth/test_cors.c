/* SPDX-License-Identifier: MIT */
/* Which origins may read answers by scripts. */
#include "tests/unit/auth/flow_fixture.h"

#include <string.h>

#define APP "https://app.example.com"

static const char ini[] = "[store]\ndriver = memory\n"
			  "[cookie]\nsame_site = none\n"
			  "[cors]\norigins = " APP " http://localhost:3000\n"
			  "[limits]\nlogin_attempts = 2\n";

static void
begin(void)
{
	flow_init(&f, ini);
}

/* Sends a request with an Origin or, if it is NULL, without. */
static struct flow_answer
ask(const char *method, const char *uri, const char *origin, const char *more)
{
	const char *const params[] = {
		flow_text(&f, "REQUEST_METHOD=%s", method),
		flow_text(&f, "REQUEST_URI=%s", uri),
		"HTTP_ACCEPT=" JSON,
		more != NULL ? more : "HTTP_X_NOTHING=",
		origin != NULL ? flow_text(&f, "HTTP_ORIGIN=%s", origin) : NULL,
		NULL
	};

	return flow_ask(&f, false, params, NULL);
}

static void
expect_header(const struct flow_answer *a, const char *name, const char *value,
	      const char *what)
{
	struct str got = flow_header(a, name);

	ck_assert_msg((got.p == NULL) == (value == NULL) &&
			  str_eq(got, str_from(value)),
		      "%s: the header %s is \"%.*s\"", what, name,
		      STR_ARG(got));
}

static void
expect_none(const struct flow_answer *a, const char *what)
{
	for (size_t i = 0; i < a->nheaders; i++) {
		ck_assert_msg(!str_starts(a->header[i].name,
					  STR("Access-Control-")),
			      "%s: the answer has the header %.*s", what,
			      STR_ARG(a->header[i].name));
	}
}

static void
expect_allowed(const struct flow_answer *a, const char *origin,
	       const char *what)
{
	expect_header(a, "Access-Control-Allow-Origin", origin, what);
	expect_header(a, "Access-Control-Allow-Credentials", "true", what);
	expect_header(a, "Vary", "Origin", what);
}

static const char *const unlisted[] = {
	"https://evil.example",
	"https://app.example.com.evil.example",
	"https://evilapp.example.com",
	"http://app.example.com",
	"https://app.example.com:443",
	"https://app.example.com/",
	"https://app.example.co",
	"https://APP.example.com",
	"https://x.app.example.com",
	"https://www.example.com",
	"http://localhost",
	"http://localhost:30000",
	"null",
	"*",
	"",
	APP " http://localhost:3000",
};

START_TEST(listed_origins_may_read)
{
	struct flow_answer a = ask("GET", "/auth/health", APP, NULL);

	ck_assert_uint_eq(a.status, 200);
	expect_allowed(&a, APP, "listed");
	a = ask("GET", "/auth/health", "http://localhost:3000", NULL);
	expect_allowed(&a, "http://localhost:3000", "the other listed origin");
	for (size_t i = 0; i < ARRAY_LEN(unlisted); i++) {
		a = ask("GET", "/auth/health", unlisted[i], NULL);
		ck_assert_uint_eq(a.status, 200);
		expect_none(&a, unlisted[i]);
		expect_header(&a, "Vary", "Origin", unlisted[i]);
	}
	a = ask("GET", "/auth/health", NULL, NULL);
	expect_none(&a, "no origin");
	expect_header(&a, "Vary", "Origin", "no origin");
}
END_TEST

START_TEST(no_origin_may_read_without_a_list)
{
	struct flow_answer a;

	flow_free(&f);
	flow_init(&f, NULL);
	a = ask("GET", "/auth/health", APP, NULL);
	expect_none(&a, "no list");
	expect_header(&a, "Vary", NULL, "no list");
	a = ask("OPTIONS", "/auth/login", APP,
		"HTTP_ACCESS_CONTROL_REQUEST_METHOD=POST");
	ck_assert_uint_eq(a.status, 405);
	expect_none(&a, "no list, preflight");
}
END_TEST

START_TEST(preflight_is_answered)
{
	static const struct {
		const char *uri, *methods;
	} rows[] = {
		{ "/auth/login", "GET, HEAD, POST" },
		{ "/auth/me", "GET, HEAD" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow_answer a =
		    ask("OPTIONS", rows[i].uri, APP,
			"HTTP_ACCESS_CONTROL_REQUEST_METHOD=POST");

		ck_assert_msg(a.status == 204, "row %zu: the status is %u", i,
			      a.status);
		ck_assert_uint_eq(a.body.n, 0);
		expect_allowed(&a, APP, rows[i].uri);
		expect_header(&a, "Access-Control-Allow-Methods",
			      rows[i].methods, rows[i].uri);
		expect_header(&a, "Access-Control-Allow-Headers",
			      "Authorization, Content-Type, Accept",
			      rows[i].uri);
		expect_header(&a, "Access-Control-Max-Age", "600", rows[i].uri);
		expect_header(&a, "Set-Cookie", NULL, rows[i].uri);
	}
}
END_TEST

START_TEST(bad_preflight_is_refused)
{
	static const char method[] = "HTTP_ACCESS_CONTROL_REQUEST_METHOD=POST";
	struct flow_answer a;

	for (size_t i = 0; i < ARRAY_LEN(unlisted); i++) {
		a = ask("OPTIONS", "/auth/login", unlisted[i], method);
		ck_assert_msg(a.status == 405, "row %zu: the status is %u", i,
			      a.status);
		expect_none(&a, unlisted[i]);
	}
	a = ask("OPTIONS", "/auth/login", NULL, method);
	ck_assert_uint_eq(a.status, 405);
	expect_none(&a, "no origin");
	/* OPTIONS without a requested method is an unsupported method. */
	a = ask("OPTIONS", "/auth/login", APP, NULL);
	ck_assert_uint_eq(a.status, 405);
	expect_allowed(&a, APP, "no question");
	a = ask("DELETE", "/auth/me", APP, method);
	ck_assert_uint_eq(a.status, 405);
	a = ask("OPTIONS", "/auth/none", APP, method);
	ck_assert_uint_eq(a.status, 404);
	expect_allowed(&a, APP, "no such path");
}
END_TEST

START_TEST(checks_have_no_cors_headers)
{
	static const char *const actions[] = { "AUTH_ACTION=verify",
					       "AUTH_ACTION=challenge",
					       "AUTH_ACTION=nonsense" };

	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		struct flow_answer a = ask("GET", "/auth/me", APP, actions[i]);

		ck_assert_uint_ge(a.status, 400);
		expect_none(&a, actions[i]);
		expect_header(&a, "Vary", NULL, actions[i]);
	}
}
END_TEST

/* A script must be able to read errors. */
START_TEST(scripts_can_read_errors)
{
	static const char wrong[] =
	    "{\"username\":\"alice\",\"password\":\"wrong\"}";
	const char *const login[] = { "REQUEST_METHOD=POST",
				      "REQUEST_URI=/auth/login",
				      "CONTENT_TYPE=" JSON, "HTTP_ORIGIN=" APP,
				      NULL };
	struct flow_answer a = ask("GET", "/auth/me", APP, NULL);

	ck_assert_uint_eq(a.status, 401);
	expect_allowed(&a, APP, "401");
	a = ask("GET", "/auth/none", APP, NULL);
	ck_assert_uint_eq(a.status, 404);
	expect_allowed(&a, APP, "404");
	a = ask("GET", "/auth/../x", APP, NULL);
	ck_assert_uint_eq(a.status, 400);
	expect_header(&a, "Vary", "Origin", "400");
	for (unsigned i = 0; i < 2; i++) {
		a = flow_ask(&f, false, login, wrong);
		ck_assert_uint_eq(a.status, 401);
		expect_allowed(&a, APP, "wrong password");
	}
	a = flow_ask(&f, false, login, wrong);
	ck_assert_uint_eq(a.status, 429);
	expect_allowed(&a, APP, "429");
	expect_header(&a, "Access-Control-Expose-Headers", "Retry-After",
		      "429");
}
END_TEST

START_TEST(scripts_can_read_503)
{
	const char *cookie = flow_login(&f, "alice");
	struct flow_answer a;

	store_faulty_fail(&f.faulty, 1, true);
	a = ask("GET", "/auth/me", APP, cookie);
	ck_assert_uint_eq(a.status, 503);
	expect_allowed(&a, APP, "503");
	expect_header(&a, "Access-Control-Expose-Headers", "Retry-After",
		      "503");
}
END_TEST

/* A sign-in from a listed origin on another site is accepted. */
START_TEST(listed_origin_may_sign_in)
{
	static const char right[] = "{\"username\":\"alice\",\"password\":"
				    "\"" FLOW_PASSWORD "\"}";
	const char *params[] = { "REQUEST_METHOD=POST",
				 "REQUEST_URI=/auth/login",
				 "CONTENT_TYPE=" JSON, "HTTP_ORIGIN=" APP,
				 NULL };
	struct flow_answer a = flow_ask(&f, false, params, right);

	ck_assert_uint_eq(a.status, 200);
	expect_allowed(&a, APP, "login");
	ck_assert(flow_holds(flow_header(&a, "Set-Cookie"), "SameSite=None"));
	params[3] = "HTTP_ORIGIN=https://evil.example";
	a = flow_ask(&f, false, params, right);
	ck_assert_uint_eq(a.status, 403);
	expect_none(&a, "a sign-in from an unlisted origin");
}
END_TEST

int
main(void)
{
	TCase *t = new_case("cors");

	tcase_add_checked_fixture(t, begin, teardown);
	tcase_add_test(t, listed_origins_may_read);
	tcase_add_test(t, no_origin_may_read_without_a_list);
	tcase_add_test(t, preflight_is_answered);
	tcase_add_test(t, bad_preflight_is_refused);
	tcase_add_test(t, checks_have_no_cors_headers);
	tcase_add_test(t, scripts_can_read_errors);
	tcase_add_test(t, scripts_can_read_503);
	tcase_add_test(t, listed_origin_may_sign_in);
	return run_case(t);
}
