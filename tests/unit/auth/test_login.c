/* SPDX-License-Identifier: MIT */
/* Signing in, by form and by JSON. */
#include "tests/unit/auth/flow_fixture.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A browser gets the page and posts its form. */
static struct flow_answer
form_login(const char *query, const char *fields)
{
	struct flow_answer page =
	    flow_get(&f, flow_text(&f, "/auth/login%s", query), NULL, NULL);
	const char *csrf = flow_csrf(&f, &page);
	const char *pre = flow_cookie(&f, &page, PRE);

	ck_assert_ptr_nonnull(pre);
	return flow_post(&f, "/auth/login", FORM,
			 flow_text(&f, "csrf=%s&%s", csrf, fields),
			 flow_text(&f, "HTTP_COOKIE=" PRE "=%s", pre));
}

START_TEST(login_page_has_safe_headers)
{
	struct flow_answer a = flow_get(&f, "/auth/login", NULL, NULL);
	struct str csp = flow_header(&a, "Content-Security-Policy");

	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(csp, "default-src 'none'"));
	ck_assert(flow_holds(csp, "frame-ancestors 'none'"));
	ck_assert(flow_holds(csp, "form-action 'self'"));
	ck_assert(!flow_holds(csp, "unsafe"));
	ck_assert(str_eq(flow_header(&a, "Referrer-Policy"),
			 STR("same-origin")));
	ck_assert(str_eq(flow_header(&a, "X-Content-Type-Options"),
			 STR("nosniff")));
	ck_assert(str_eq(flow_header(&a, "Cache-Control"), STR("no-store")));
	ck_assert(flow_holds(a.body, "name=\"remember\""));
	ck_assert(flow_holds(csp, "style-src 'self'; script-src 'self';"));
	ck_assert(!flow_holds(a.body, "<script>"));
	ck_assert(!flow_holds(a.body, "<style"));
	ck_assert(!flow_holds(a.body, "{{"));
}
END_TEST

START_TEST(form_redirects_to_the_target)
{
	struct flow_answer a =
	    form_login("?rd=/x", "username=alice&password=correct+horse+battery"
				 "&rd=/a%3Fb%3D1%26c%3D%2526");
	struct str set;

	ck_assert_uint_eq(a.status, 303);
	ck_assert(str_eq(flow_header(&a, "Location"), STR("/a?b=1&c=%26")));
	ck_assert_str_eq(flow_cookie(&f, &a, PRE), "");
	ck_assert_uint_eq(strlen(flow_cookie(&f, &a, COOKIE)), 64);
	set = flow_header(&a, "Set-Cookie");
	ck_assert(flow_holds(set, "; HttpOnly"));
	ck_assert(flow_holds(set, "; Secure"));
	ck_assert(flow_holds(set, "; SameSite=Lax"));
	ck_assert(flow_holds(set, "; Path=/"));
	ck_assert(!flow_holds(set, "Max-Age"));
	ck_assert(!flow_holds(set, "Domain"));
}
END_TEST

START_TEST(unsafe_targets_are_dropped)
{
	static const char *const targets[] = {
		"//evil.example",
		"https://evil.example/",
		"/%5Cevil.example",
		"javascript:alert(1)",
		"http://www.example.com@evil.example/",
		"https://www.example.com.evil.example/",
		"%0d%0aSet-Cookie:a",
	};

	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		struct flow_answer a = form_login(
		    flow_text(&f, "?rd=%s", targets[i]),
		    flow_text(&f,
			      "username=alice&password=correct+horse+battery"
			      "&rd=%s",
			      targets[i]));

		ck_assert_msg(a.status == 303, "row %zu: the status is %u", i,
			      a.status);
		ck_assert_msg(str_eq(flow_header(&a, "Location"),
				     STR("/auth/account")),
			      "row %zu", i);
	}
}
END_TEST

START_TEST(page_escapes_its_values)
{
	struct flow_answer a =
	    flow_get(&f, "/auth/login?rd=/%22%3E%3Cscript%3E", NULL, NULL);

	ck_assert(!flow_holds(a.body, "<script>"));
	a = form_login("", "username=%22%3E%3Cscript%3E&password=x");
	ck_assert_uint_eq(a.status, 401);
	ck_assert(!flow_holds(a.body, "<script>"));
}
END_TEST

START_TEST(form_needs_cookie_and_token)
{
	struct flow_answer page = flow_get(&f, "/auth/login", NULL, NULL);
	const char *csrf = flow_csrf(&f, &page);
	const char *pre = flow_cookie(&f, &page, PRE);
	const char *body =
	    "username=alice&password=correct+horse+battery&csrf=";
	const char *cookie = flow_text(&f, "HTTP_COOKIE=" PRE "=%s", pre);
	struct flow_answer a =
	    flow_post(&f, "/auth/login", FORM,
		      flow_text(&f, "%s%s", body, csrf), NULL);

	/* The request fails without the cookie, without the token, and with the
	 * token of another cookie. */
	ck_assert_uint_eq(a.status, 403);
	ck_assert_ptr_null(flow_cookie(&f, &a, COOKIE));
	a = flow_post(&f, "/auth/login", FORM, body, cookie);
	ck_assert_uint_eq(a.status, 403);
	page = flow_get(&f, "/auth/login", NULL, NULL);
	a = flow_post(&f, "/auth/login", FORM,
		      flow_text(&f, "%s%s", body, flow_csrf(&f, &page)),
		      cookie);
	ck_assert_uint_eq(a.status, 403);
	/* The request succeeds with the cookie and its token. */
	a = flow_post(&f, "/auth/login", FORM,
		      flow_text(&f, "%s%s", body, csrf), cookie);
	ck_assert_uint_eq(a.status, 303);
}
END_TEST

START_TEST(login_is_refused_from_other_origins)
{
	static const struct {
		const char *origin, *more;
		unsigned status;
	} rows[] = {
		{ "https://www.example.com", NULL, 200 },
		{ "https://www.example.com", "SERVER_PORT=443", 200 },
		{ "https://www.example.com:8443", "SERVER_PORT=8443", 200 },
		{ "https://www.example.com:8443", "SERVER_PORT=443", 403 },
		{ "https://www.example.com.", "SERVER_PORT=443", 200 },
		{ "https://evil.example", "HTTP_SEC_FETCH_SITE=same-origin",
		  403 },
		{ "http://www.example.com", NULL, 403 },
		{ "https://evil.example", NULL, 403 },
		{ "https://www.example.com.evil.example", NULL, 403 },
		{ "null", NULL, 403 },
		{ "", NULL, 403 },
		{ "https://partner.example", NULL, 200 },
	};
	static const char ini[] = "[store]\ndriver = memory\n"
				  "[cors]\norigins = https://partner.example\n";

	flow_free(&f);
	flow_init(&f, ini);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const params[] = {
			"REQUEST_METHOD=POST",
			"REQUEST_URI=/auth/login",
			"CONTENT_TYPE=" JSON,
			flow_text(&f, "HTTP_ORIGIN=%s", rows[i].origin),
			rows[i].more,
			NULL
		};
		struct flow_answer a = flow_ask(
		    &f, false, params,
		    "{\"username\":\"alice\",\"password\":\"" FLOW_PASSWORD
		    "\"}");

		ck_assert_msg(a.status == rows[i].status,
			      "row %zu: the status is %u", i, a.status);
	}
}
END_TEST

START_TEST(json_sign_in_is_answered)
{
	struct flow_answer a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);

	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "\"user\":{\"name\":\"alice\""));
	ck_assert(flow_holds(a.body, "\"expires_in\":1800"));
	ck_assert(!flow_holds(a.body, "access_token"));
	ck_assert_ptr_nonnull(flow_cookie(&f, &a, COOKIE));
	a = flow_sign_in(&f, "alice", "wrong", NULL);
	ck_assert_uint_eq(a.status, 401);
	ck_assert(flow_holds(a.body, "\"error\":\"invalid_credentials\""));
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
}
END_TEST

START_TEST(tokens_are_delivered_as_configured)
{
	static const struct {
		const char *deliver;
		bool body, cookie;
	} rows[] = { { "cookie", false, true },
		     { "body", true, false },
		     { "both", true, true } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *ini = flow_text(&f,
					    "[store]\ndriver = memory\n[auth]\n"
					    "deliver = %s\n",
					    rows[i].deliver);
		char copy[256];
		struct flow_answer a;

		(void)strncat(memset(copy, 0, sizeof(copy)), ini,
			      sizeof(copy) - 1);
		flow_free(&f);
		flow_init(&f, copy);
		a = flow_sign_in(&f, "bob", FLOW_PASSWORD, NULL);
		ck_assert_uint_eq(a.status, 200);
		ck_assert_int_eq(flow_holds(a.body, "\"access_token\":\""),
				 rows[i].body);
		ck_assert_int_eq(flow_holds(a.body,
					    "\"token_type\":\"Bearer\""),
				 rows[i].body);
		ck_assert_int_eq(flow_cookie(&f, &a, COOKIE) != NULL,
				 rows[i].cookie);
		a = form_login("", "username=bob&password=correct+horse+"
				   "battery");
		ck_assert_ptr_nonnull(flow_cookie(&f, &a, COOKIE));
	}
}
END_TEST

START_TEST(bad_bodies_are_refused)
{
	static const struct {
		const char *type, *body;
		unsigned status;
	} rows[] = {
		{ JSON, "", 400 },
		{ JSON, "[]", 400 },
		{ JSON, "{}", 400 },
		{ JSON, "{\"username\":\"alice\"}", 400 },
		{ JSON, "{\"username\":1,\"password\":\"x\"}", 400 },
		{ JSON,
		  "{\"username\":\"a\",\"username\":\"b\",\"password\":\"x\"}",
		  400 },
		{ JSON, "{\"username\":\"a\\u0000\",\"password\":\"x\"}", 400 },
		{ JSON, "{\"username\":\"\",\"password\":\"\"}", 401 },
		{ FORM, "username=a&username=b&password=x", 400 },
		{ FORM, "username=%zz&password=x", 400 },
		{ "text/plain", "username=a&password=x", 415 },
		{ "multipart/form-data; boundary=x", "x", 415 },
		{ "", "{\"username\":\"alice\"}", 415 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow_answer a =
		    flow_post(&f, "/auth/login", rows[i].type, rows[i].body,
			      NULL);

		ck_assert_msg(a.status == rows[i].status,
			      "row %zu: the status is %u", i, a.status);
		ck_assert_msg(flow_cookie(&f, &a, COOKIE) == NULL, "row %zu",
			      i);
	}
}
END_TEST

static bool has_failed; /* whether an allocation has failed */

static void *
fail_once(size_t n)
{
	bool again = has_failed;

	has_failed = true;
	return again ? malloc(n) : NULL;
}

START_TEST(body_without_memory_gets_503)
{
	struct flow_answer a;

	json_set_alloc_funcs(fail_once, free);
	a = flow_sign_in(&f, "alice", "x", NULL);
	json_set_alloc_funcs(malloc, free);
	ck_assert(has_failed);
	ck_assert_uint_eq(a.status, 503);
	ck_assert_ptr_nonnull(flow_header(&a, "Retry-After").p);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
}
END_TEST

START_TEST(failures_look_alike)
{
	static const struct {
		const char *user, *password;
	} rows[] = {
		{ "nobody", "wrong" },
		{ "carol", FLOW_PASSWORD },
		{ "a b", "wrong" },
	};
	struct flow_answer a = flow_sign_in(&f, "alice", "wrong", NULL);
	const char *first = flow_text(&f, "%.*s", STR_ARG(a.raw));

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		a = flow_sign_in(&f, rows[i].user, rows[i].password, NULL);
		ck_assert_msg(str_eq(a.raw, str_from(first)), "row %zu: %.*s",
			      i, STR_ARG(a.raw));
	}
}
END_TEST

/* A sign-in without a usable hash verifies the hash of another user, so that it
 * takes as long. The password of that hash is still refused. */
START_TEST(unknown_user_costs_a_typical_hash)
{
	const struct str bcrypt = STR("$2y$04$bKPXUKC.urpLvy5rYp00feWks/Zq643b"
				      "iN6RHo01D203Lc3h5CJ1S");
	static const char *const others[] = { "bob", "nobody" };

	ck_assert_uint_eq(users_typical_hash(f.conns.users).n, 0);
	/* the hash of the same password for alice */
	f.users_table.v[0].hash = bcrypt;
	f.users_table.v[1].hash = STR("{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=");
	(void)flow_login(&f, "alice");
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct flow_answer a =
		    flow_sign_in(&f, others[i], FLOW_PASSWORD, NULL);

		ck_assert_msg(a.status == 401, "%s: the status is %u",
			      others[i], a.status);
		ck_assert(str_eq(users_typical_hash(f.conns.users), bcrypt));
	}
}
END_TEST

START_TEST(guessing_causes_a_ban)
{
	struct flow_answer a;

	for (int i = 0; i < 5; i++)
		ck_assert_uint_eq(
		    flow_sign_in(&f, "alice", "wrong", NULL).status, 401);
	a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);
	ck_assert_uint_eq(a.status, 429);
	ck_assert(flow_holds(a.body, "too_many_attempts"));
	ck_assert(str_eq(flow_header(&a, "Retry-After"), STR("300")));
	ck_assert(flow_holds(a.body, "Please try again in 5 minutes."));
	fake_env_advance(&f.fake, 300);
	(void)flow_login(&f, "alice");
}
END_TEST

START_TEST(sign_in_replaces_the_session)
{
	const char *old = flow_login(&f, "alice");
	struct flow_answer a = flow_sign_in(&f, "bob", FLOW_PASSWORD, old);

	ck_assert_uint_eq(a.status, 200);
	ck_assert_uint_eq(flow_verify(&f, "/", old, NULL).status, 401);
	/* A session id that the client chose is never accepted. */
	a = flow_sign_in(&f, "bob", FLOW_PASSWORD,
			 "HTTP_COOKIE=" COOKIE
			 "=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	ck_assert_uint_eq(a.status, 200);
	ck_assert_str_ne(flow_cookie(&f, &a, COOKIE),
			 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}
END_TEST

START_TEST(signed_in_user_is_redirected)
{
	const char *cookie = flow_login(&f, "alice");
	struct flow_answer a =
	    flow_get(&f, "/auth/login?rd=/back%3Fx", cookie, NULL);

	ck_assert_uint_eq(a.status, 303);
	ck_assert(str_eq(flow_header(&a, "Location"), STR("/back?x")));
}
END_TEST

START_TEST(remembered_session_lasts_longer)
{
	struct flow_answer a =
	    form_login("", "username=alice&password=correct+horse+battery&"
			   "remember=1");
	const char *cookie = flow_text(&f, "HTTP_COOKIE=" COOKIE "=%s",
				       flow_cookie(&f, &a, COOKIE));
	bool found = false;

	for (size_t i = 0; i < a.nheaders; i++) {
		found =
		    found || flow_holds(a.header[i].value, "; Max-Age=2592000");
	}
	ck_assert(found);
	fake_env_advance(&f.fake, 2592000 - 1);
	ck_assert_uint_eq(flow_verify(&f, "/", cookie, NULL).status, 204);
	fake_env_advance(&f.fake, 1);
	ck_assert_uint_eq(flow_verify(&f, "/", cookie, NULL).status, 401);
}
END_TEST

START_TEST(remembering_can_be_disabled)
{
	static const char ini[] =
	    "[store]\ndriver = memory\n[session]\nremember = 0\n";
	struct flow_answer a;

	flow_free(&f);
	flow_init(&f, ini);
	a = flow_get(&f, "/auth/login", NULL, NULL);
	ck_assert(!flow_holds(a.body, "remember"));
	a = form_login("", "username=alice&password=correct+horse+battery&"
			   "remember=1");
	ck_assert_uint_eq(a.status, 303);
	ck_assert(!flow_holds(flow_header(&a, "Set-Cookie"), "Max-Age"));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("login");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, login_page_has_safe_headers);
	tcase_add_test(t, form_redirects_to_the_target);
	tcase_add_test(t, unsafe_targets_are_dropped);
	tcase_add_test(t, page_escapes_its_values);
	tcase_add_test(t, form_needs_cookie_and_token);
	tcase_add_test(t, login_is_refused_from_other_origins);
	tcase_add_test(t, json_sign_in_is_answered);
	tcase_add_test(t, tokens_are_delivered_as_configured);
	tcase_add_test(t, bad_bodies_are_refused);
	tcase_add_test(t, body_without_memory_gets_503);
	tcase_add_test(t, failures_look_alike);
	tcase_add_test(t, unknown_user_costs_a_typical_hash);
	tcase_add_test(t, guessing_causes_a_ban);
	tcase_add_test(t, sign_in_replaces_the_session);
	tcase_add_test(t, signed_in_user_is_redirected);
	tcase_add_test(t, remembered_session_lasts_longer);
	tcase_add_test(t, remembering_can_be_disabled);
	return run_case(t);
}
