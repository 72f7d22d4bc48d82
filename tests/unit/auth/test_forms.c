/* SPDX-License-Identifier: MIT */
/* The answer to a form that a person posts is a page, and the form is not
 * lost. */
#include "tests/unit/auth/flow_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

#define NAVIGATE "HTTP_SEC_FETCH_MODE=navigate"
#define SCRIPT	 "HTTP_SEC_FETCH_MODE=cors"
#define HTML	 "HTTP_ACCEPT=text/html,*/*;q=0.8"

static bool
is_page(const struct flow_answer *a)
{
	return str_eq(flow_header(a, "Content-Type"),
		      STR("text/html; charset=utf-8")) &&
	       flow_holds(a->body, "</html>");
}

static bool
is_json(const struct flow_answer *a)
{
	return str_eq(flow_header(a, "Content-Type"),
		      STR("application/json; charset=utf-8"));
}

/* Posts a form with a parameter that tells a person from a program. */
static struct flow_answer
post_as(const char *fetch_mode, const char *uri, const char *type,
	const char *more, const char *body)
{
	const char *const params[] = { "REQUEST_METHOD=POST",
				       flow_text(&f, "REQUEST_URI=%s", uri),
				       flow_text(&f, "CONTENT_TYPE=%s", type),
				       fetch_mode,
				       more,
				       NULL };

	return flow_ask(&f, false, params, body);
}

static const struct {
	const char *uri, *type, *more, *body;
	unsigned status;
} refusals[] = {
	{ "/auth/login", FORM, NULL, "username=a", 400 },
	{ "/auth/login", FORM, NULL, "username=a&username=b", 400 },
	{ "/auth/login", FORM, "HTTP_ORIGIN=https://evil.example", "", 403 },
	{ "/auth/login", FORM, NULL, "username=a&password=b", 403 },
	{ "/auth/login", "text/plain", NULL, "a", 415 },
	{ "/auth/me", FORM, NULL, "", 405 },
	{ "/auth/nothing", FORM, NULL, "", 404 },
	{ "/auth/login", FORM, "HTTP_HOST=a b", "", 400 },
	{ "/auth/login", FORM, "SERVER_PORT=x", "", 400 },
	{ "/auth/logout", FORM, "HTTP_ORIGIN=null", "", 403 },
};

START_TEST(refusals_are_pages)
{
	struct flow_answer a =
	    post_as(NAVIGATE, refusals[_i].uri, refusals[_i].type,
		    refusals[_i].more, refusals[_i].body);

	ck_assert_msg(a.status == refusals[_i].status,
		      "row %d: the status is %u", _i, a.status);
	ck_assert_msg(is_page(&a), "row %d: %.*s", _i, (int)a.body.n, a.body.p);
	/* The same from an old browser. */
	a = post_as(HTML, refusals[_i].uri, refusals[_i].type,
		    refusals[_i].more, refusals[_i].body);
	ck_assert_msg(is_page(&a), "row %d", _i);
}
END_TEST

START_TEST(programs_get_json)
{
	/* Answers about the form itself are pages for programs, too. */
	bool form = refusals[_i].status == 403 && refusals[_i].more == NULL;
	struct flow_answer a =
	    post_as(SCRIPT, refusals[_i].uri, refusals[_i].type,
		    refusals[_i].more, refusals[_i].body);

	ck_assert_msg(a.status == refusals[_i].status,
		      "row %d: the status is %u", _i, a.status);
	ck_assert_msg(is_json(&a) == !form, "row %d: %.*s", _i, (int)a.body.n,
		      a.body.p);
}
END_TEST

START_TEST(too_large_form_gets_a_page)
{
	struct message m = { .body_too_large = true };
	struct param params[] = {
		{ STR("REQUEST_METHOD"), STR("POST") },
		{ STR("REQUEST_URI"), STR("/auth/login") },
		{ STR("HTTP_HOST"), STR("www.example.com") },
		{ STR("REMOTE_ADDR"), STR("192.0.2.1") },
		{ STR("CONTENT_TYPE"), STR(FORM) },
		{ STR("HTTP_SEC_FETCH_MODE"), STR("navigate") },
	};
	struct arena *a = arena_new(256 * 1024);
	struct buf out;

	m.params = params;
	m.nparams = ARRAY_LEN(params);
	buf_init(&out, a, 64 * 1024);
	(void)service_answer(f.service, &f.conns, a, &m, &out);
	ck_assert(flow_holds(buf_str(&out), "Status: 413"));
	ck_assert(flow_holds(buf_str(&out), "</html>"));
	arena_free(a);
}
END_TEST

/* The challenge as nginx requests it, or as the denial of an authorizer. */
static struct flow_answer
challenge(bool authorizer, const char *method, const char *one, const char *two)
{
	const char *const params[] = {
		flow_text(&f, "REQUEST_METHOD=%s", method),
		"REQUEST_URI=/save?a=1",
		authorizer ? "SERVER_PORT=443" : "AUTH_ACTION=challenge",
		one,
		one != NULL ? two : NULL,
		NULL
	};

	return flow_ask(&f, authorizer, params, NULL);
}

START_TEST(form_of_a_visitor_gets_a_page)
{
	bool authorizer = _i == 1;
	struct flow_answer a = challenge(authorizer, "POST", NAVIGATE, NULL);

	ck_assert_uint_eq(a.status, 401);
	ck_assert(is_page(&a));
	ck_assert(flow_holds(a.body, "Your form was not sent"));
	ck_assert(flow_holds(a.body, "href=\"/auth/login?rd=%2F\" "
				     "target=\"_blank\" rel=\"noopener\""));
	ck_assert(!flow_holds(a.body, "another website"));
	ck_assert_ptr_null(flow_header(&a, "Location").p);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	ck_assert_ptr_null(flow_header(&a, "WWW-Authenticate").p);
	a = challenge(authorizer, "POST", NAVIGATE,
		      "HTTP_SEC_FETCH_SITE=cross-site");
	ck_assert(flow_holds(a.body, "another website"));
	a = challenge(authorizer, "POST", SCRIPT, HTML);
	ck_assert_uint_eq(a.status, 401);
	ck_assert(is_json(&a));
	/* A request without a form is redirected to the login page. */
	a = challenge(authorizer, "HEAD", NAVIGATE, NULL);
	ck_assert_uint_eq(a.status, 302);
	a = challenge(authorizer, "GET", HTML, NULL);
	ck_assert_uint_eq(a.status, 302);
}
END_TEST

START_TEST(form_without_permission_gets_a_page)
{
	const char *bob = flow_login(&f, "bob");
	const char *const params[] = {
		"REQUEST_METHOD=POST",	   NAVIGATE, "AUTH_ACTION=challenge",
		"AUTH_REQUIRE=role:admin", bob,	     NULL
	};
	struct flow_answer a = flow_ask(&f, false, params, NULL);

	ck_assert_uint_eq(a.status, 403);
	ck_assert(is_page(&a));
	ck_assert(flow_holds(a.body, "bob"));
}
END_TEST

/* Mode session has no refresh token to renew with. */
START_TEST(mode_session_repeats_no_form)
{
	const char *const params[] = { "REQUEST_METHOD=POST",
				       "REQUEST_URI=/auth/repeat?rd=/x",
				       "HTTP_SEC_FETCH_SITE=same-origin",
				       NAVIGATE,
				       flow_login(&f, "alice"),
				       NULL };
	struct flow_answer a = flow_ask(&f, false, params, NULL);

	ck_assert_uint_eq(a.status, 401);
	ck_assert(is_page(&a));
	a = challenge(false, "POST", NAVIGATE,
		      "HTTP_SEC_FETCH_SITE=same-origin");
	ck_assert_uint_eq(a.status, 401);
	ck_assert(flow_holds(a.body, "Your form was not sent"));
}
END_TEST

/* The form is posted to the address of the page, so that the browser keeps the
 * fragment. */
START_TEST(fragment_is_kept)
{
	struct flow_answer a = flow_get(&f, "/auth/login?rd=/x", NULL, NULL);

	ck_assert(flow_holds(a.body, "<form method=\"post\">"));
	ck_assert(!flow_holds(a.body, "action="));
}
END_TEST

/* Writes `before` and a path of n bytes. */
static const char *
with_path(char out[9000], const char *before, size_t n)
{
	int k = snprintf(out, 9000, "%s/%0*d", before, (int)n - 1, 0);

	ck_assert_int_eq(k, (int)(strlen(before) + n));
	return out;
}

static struct flow_answer
challenge_at(const char *uri)
{
	const char *const params[] = { uri, "AUTH_ACTION=challenge",
				       "HTTP_SEC_FETCH_MODE=navigate", NULL };

	return flow_ask(&f, false, params, NULL);
}

START_TEST(length_of_return_urls_is_bounded)
{
	static const size_t fits = 8000 - sizeof("/auth/login?rd=%2F") + 2;
	char text[9000];
	struct flow_answer a =
	    challenge_at(with_path(text, "REQUEST_URI=", fits));
	struct flow_answer page;
	const char *csrf, *pre;

	ck_assert_uint_eq(a.status, 302);
	ck_assert_uint_eq(flow_header(&a, "Location").n, 8000);
	a = challenge_at(with_path(text, "REQUEST_URI=", fits + 1));
	ck_assert_uint_eq(a.status, 401);
	ck_assert(flow_holds(a.body, "too long"));
	ck_assert(flow_holds(a.body, "href=\"/auth/login?rd=%2F\""));
	ck_assert_ptr_null(flow_header(&a, "Location").p);
	/* The link leads to the login page. */
	page = flow_get(&f, "/auth/login", NULL, NULL);
	csrf = flow_csrf(&f, &page);
	pre = flow_cookie(&f, &page, PRE);
	a = flow_post(&f, "/auth/login", FORM,
		      with_path(text,
				flow_text(&f,
					  "username=alice&csrf=%s"
					  "&password=correct+horse+battery&rd=",
					  csrf),
				fits),
		      flow_text(&f, "HTTP_COOKIE=" PRE "=%s", pre));
	ck_assert_uint_eq(a.status, 303);
	ck_assert_uint_eq(flow_header(&a, "Location").n, fits);
}
END_TEST

static const struct {
	const char *who, *user, *site, *origin;
	bool goes_on;
} stale[] = {
	{ "alice", "alice", "same-origin", "https://www.example.com", true },
	{ "alice", "alice", "same-origin", "null", false },
	{ "alice", "alice", NULL, "https://www.example.com", true },
	/* The form names another user than the session. */
	{ "alice", "bob", "same-origin", "https://www.example.com", false },
	{ NULL, "alice", "same-origin", "https://www.example.com", false },
	/* The site of the form is unknown or another one. */
	{ "alice", "alice", NULL, NULL, false },
	{ "alice", "alice", "cross-site", NULL, false },
};

START_TEST(stale_form_of_the_same_user_goes_on)
{
	const char *const params[] = {
		"REQUEST_METHOD=POST",
		"REQUEST_URI=/auth/login?rd=/x",
		"CONTENT_TYPE=" FORM,
		stale[_i].who == NULL ? "SERVER_PORT=443" :
					flow_login(&f, stale[_i].who),
		stale[_i].site == NULL ?
		    "HTTP_USER_AGENT=x" :
		    flow_text(&f, "HTTP_SEC_FETCH_SITE=%s", stale[_i].site),
		stale[_i].origin == NULL ?
		    "HTTP_ACCEPT=text/html" :
		    flow_text(&f, "HTTP_ORIGIN=%s", stale[_i].origin),
		NULL
	};
	struct flow_answer a =
	    flow_ask(&f, false, params,
		     flow_text(&f, "username=%s&password=x&csrf=over&rd=/x",
			       stale[_i].user));

	ck_assert_msg(a.status == (stale[_i].goes_on ? 303 : 403),
		      "row %d: the status is %u", _i, a.status);
	ck_assert_msg(!stale[_i].goes_on ||
			  str_eq(flow_header(&a, "Location"), STR("/x")),
		      "row %d", _i);
	ck_assert_ptr_null(flow_cookie(&f, &a, COOKIE));
}
END_TEST

/* The keyboards of phones add a blank behind a word. Passwords keep their
 * blanks. */
START_TEST(blanks_around_a_name_are_removed)
{
	static const struct {
		const char *name, *password;
		unsigned status;
	} rows[] = {
		{ "alice+", "correct+horse+battery", 303 },
		{ "+%09alice", "correct+horse+battery", 303 },
		{ "al+ice", "correct+horse+battery", 401 },
		{ "+", "correct+horse+battery", 401 },
		{ "alice", "correct+horse+battery+", 401 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow_answer a = flow_get(&f, "/auth/login", NULL, NULL);
		const char *cookie = flow_text(&f, "HTTP_COOKIE=" PRE "=%s",
					       flow_cookie(&f, &a, PRE));

		a = flow_post(&f, "/auth/login", FORM,
			      flow_text(&f, "csrf=%s&username=%s&password=%s",
					flow_csrf(&f, &a), rows[i].name,
					rows[i].password),
			      cookie);
		ck_assert_msg(a.status == rows[i].status,
			      "row %zu: the status is %u", i, a.status);
	}
}
END_TEST

/* A browser hashes the text between the tags (CSP 3, section 2.3.1). */
int
main(void)
{
	TCase *t = new_case("forms");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, refusals_are_pages, 0, ARRAY_LEN(refusals));
	tcase_add_loop_test(t, programs_get_json, 0, ARRAY_LEN(refusals));
	tcase_add_test(t, too_large_form_gets_a_page);
	tcase_add_loop_test(t, form_of_a_visitor_gets_a_page, 0, 2);
	tcase_add_test(t, form_without_permission_gets_a_page);
	tcase_add_test(t, mode_session_repeats_no_form);
	tcase_add_test(t, fragment_is_kept);
	tcase_add_test(t, blanks_around_a_name_are_removed);
	tcase_add_test(t, length_of_return_urls_is_bounded);
	tcase_add_loop_test(t, stale_form_of_the_same_user_goes_on, 0,
			    ARRAY_LEN(stale));
	return run_case(t);
}
