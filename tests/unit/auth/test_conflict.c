/* SPDX-License-Identifier: MIT */
/* Two cookies with the same name and different values. */
#include "tests/unit/auth/flow_fixture.h"

#include <string.h>

#define NAVIGATE "HTTP_SEC_FETCH_MODE=navigate"

/* Without the prefix __Host- any subdomain can set the cookies. */
static void
begin(void)
{
	flow_init(&f, "[cookie]\nsecure = no\n[store]\ndriver = memory\n");
}

/* "fcgiauth=TOKEN" of a new session. */
static const char *
session_of(const char *user)
{
	struct flow_answer a = flow_sign_in(&f, user, FLOW_PASSWORD, NULL);

	return flow_text(&f, "fcgiauth=%s", flow_cookie(&f, &a, "fcgiauth"));
}

static bool
lives(const char *session)
{
	const char *cookie = flow_text(&f, "HTTP_COOKIE=%s", session);

	return flow_verify(&f, "/", cookie, NULL).status == 204;
}

static bool
clears(const struct flow_answer *a, const char *text)
{
	for (size_t i = 0; i < a->nheaders; i++) {
		if (str_eq(a->header[i].name, STR("Set-Cookie")) &&
		    str_eq(a->header[i].value, str_from(text)))
			return true;
	}
	return false;
}

static bool
clears_all(const struct flow_answer *a)
{
	static const char *const lines[] = {
		"fcgiauth=; Path=/; HttpOnly; Max-Age=0",
		"fcgiauth=; Path=/auth; HttpOnly; Max-Age=0",
		"fcgiauth=; Path=/; HttpOnly; Max-Age=0; "
		"Domain=www.example.com",
		"fcgiauth=; Path=/; HttpOnly; Max-Age=0; Domain=example.com",
		"fcgiauth=; Path=/auth; HttpOnly; Max-Age=0; "
		"Domain=example.com",
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		if (!clears(a, lines[i]))
			return false;
	}
	return !clears(a, "fcgiauth=; Path=/; HttpOnly; Max-Age=0; "
			  "Domain=com");
}

START_TEST(login_page_removes_both_cookies)
{
	const char *both = flow_text(&f, "HTTP_COOKIE=%s; fcgiauth=other",
				     session_of("alice"));
	struct flow_answer a =
	    flow_get(&f, "/auth/login?rd=/x", NAVIGATE, both);
	const char *csrf = flow_csrf(&f, &a);
	const char *pre = flow_cookie(&f, &a, "fcgiauth_login");

	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "two different sign-in cookies"));
	ck_assert(clears_all(&a));
	ck_assert_str_ne(pre, "");
	/* Signing in works even if the other cookie could not be removed. */
	a = flow_post(&f, "/auth/login", FORM,
		      flow_text(&f,
				"username=alice&rd=/x&csrf=%s"
				"&password=correct+horse+battery",
				csrf),
		      flow_text(&f, "%s; fcgiauth_login=%s", both, pre));
	ck_assert_uint_eq(a.status, 303);
	ck_assert(lives(flow_text(&f, "fcgiauth=%s",
				  flow_cookie(&f, &a, "fcgiauth"))));
	/* One cookie is no conflict, and no cookie is none. */
	a = flow_get(&f, "/auth/login", NAVIGATE, "HTTP_COOKIE=fcgiauth=other");
	ck_assert(!flow_holds(a.body, "two different"));
	ck_assert(!clears(&a, "fcgiauth=; Path=/; HttpOnly; Max-Age=0"));
}
END_TEST

START_TEST(conflict_does_not_redirect_in_a_loop)
{
	const char *alice = session_of("alice");
	const char *const params[] = { "AUTH_ACTION=challenge", NAVIGATE,
				       "REQUEST_URI=/x",
				       "HTTP_COOKIE=fcgiauth=a; fcgiauth=b",
				       NULL };
	struct flow_answer a = flow_ask(&f, false, params, NULL);

	ck_assert_uint_eq(a.status, 302);
	ck_assert(str_eq(flow_header(&a, "Location"),
			 STR("/auth/login?rd=%2Fx&conflict=1")));
	/* On the login page only one of the cookies is sent, and it is
	 * valid. */
	a = flow_get(&f, "/auth/login?rd=%2Fx&conflict=1", NAVIGATE,
		     flow_text(&f, "HTTP_COOKIE=%s", alice));
	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "two different sign-in cookies"));
	ck_assert(lives(alice));
}
END_TEST

START_TEST(signing_out_ends_both_sessions)
{
	const char *alice = session_of("alice"), *bob = session_of("bob");
	const char *both = flow_text(&f, "HTTP_COOKIE=%s; %s", alice, bob);
	struct flow_answer a = flow_get(&f, "/auth/logout", NAVIGATE, both);
	const char *csrf = flow_csrf(&f, &a);
	const char *pre = flow_cookie(&f, &a, "fcgiauth_login");

	ck_assert_uint_eq(a.status, 200);
	ck_assert(!clears_all(&a));
	/* A program and a form without token end neither session. */
	a = flow_post(&f, "/auth/logout", JSON, "", both);
	ck_assert_uint_eq(a.status, 401);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	a = flow_post(&f, "/auth/logout", FORM, "csrf=no", both);
	ck_assert_uint_eq(a.status, 401);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	a = flow_post(&f, "/auth/logout", FORM, flow_text(&f, "csrf=%s", csrf),
		      both);
	ck_assert_uint_eq(a.status, 401);
	ck_assert(lives(alice) && lives(bob));

	a = flow_post(&f, "/auth/logout", FORM, flow_text(&f, "csrf=%s", csrf),
		      flow_text(&f, "%s; fcgiauth_login=%s", both, pre));
	ck_assert_uint_eq(a.status, 303);
	ck_assert(clears_all(&a));
	ck_assert(!lives(alice) && !lives(bob));
}
END_TEST

/* The value that a browser keeps: the one that is set last. */
static const char *
kept(const struct flow_answer *a, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < a->nheaders; i++) {
		struct flow_answer one = { .nheaders = 1 };
		const char *set;

		one.header[0] = a->header[i];
		set = flow_cookie(&f, &one, name);
		if (set != NULL)
			value = set;
	}
	return value;
}

/* Two cookies of the login form do not prevent a sign-out, even if there are
 * two session cookies as well. */
START_TEST(login_cookies_do_not_prevent_signing_out)
{
	const char *alice = session_of("alice");
	const char *cookies =
	    flow_text(&f, "HTTP_COOKIE=%s; fcgiauth_login=a; fcgiauth_login=b",
		      alice);
	struct flow_answer a = flow_get(&f, "/auth/logout", NAVIGATE, cookies);

	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "<bdi>alice</bdi>"));
	a = flow_post(&f, "/auth/logout", FORM,
		      flow_text(&f, "csrf=%s", flow_csrf(&f, &a)), cookies);
	ck_assert_uint_eq(a.status, 303);
	ck_assert(!lives(alice));

	alice = session_of("alice");
	cookies = flow_text(&f, "HTTP_COOKIE=%s; fcgiauth=other", alice);
	a = flow_get(&f, "/auth/logout", NAVIGATE,
		     flow_text(&f, "%s; fcgiauth_login=a; fcgiauth_login=b",
			       cookies));
	/* The other cookies are removed, so that the new one is the only
	 * one. */
	ck_assert(clears(&a, "fcgiauth_login=; Path=/; HttpOnly; Max-Age=0; "
			     "Domain=example.com"));
	ck_assert(!clears_all(&a));
	a = flow_post(&f, "/auth/logout", FORM,
		      flow_text(&f, "csrf=%s", flow_csrf(&f, &a)),
		      flow_text(&f, "%s; fcgiauth_login=%s", cookies,
				kept(&a, "fcgiauth_login")));
	ck_assert_uint_eq(a.status, 303);
	ck_assert(!lives(alice));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("conflict");

	tcase_add_checked_fixture(t, begin, teardown);
	tcase_add_test(t, login_page_removes_both_cookies);
	tcase_add_test(t, conflict_does_not_redirect_in_a_loop);
	tcase_add_test(t, signing_out_ends_both_sessions);
	tcase_add_test(t, login_cookies_do_not_prevent_signing_out);
	return run_case(t);
}
