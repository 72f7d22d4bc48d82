/* SPDX-License-Identifier: MIT */
/* The check, the challenge, and the checks that apply to every request. */
#include "tests/unit/auth/flow_fixture.h"

#include "auth/require.h"

#define NAVIGATE "HTTP_SEC_FETCH_MODE=navigate"

START_TEST(no_credential_is_401)
{
	struct flow_answer a = flow_verify(&f, "/", NULL, NULL);

	ck_assert_uint_eq(a.status, 401);
	ck_assert_ptr_null(flow_header(&a, "WWW-Authenticate").p);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	ck_assert_uint_eq(a.body.n, 0);
}
END_TEST

START_TEST(session_passes_with_identity)
{
	const char *cookie = flow_login(&f, "alice");
	struct flow_answer a = flow_verify(&f, "/x?y=1", cookie, NULL);

	ck_assert_uint_eq(a.status, 204);
	ck_assert(str_eq(flow_header(&a, "Remote-User"), STR("alice")));
	ck_assert(str_eq(flow_header(&a, "Remote-Groups"), STR("admin,dev")));
	ck_assert(str_eq(flow_header(&a, "Remote-Email"),
			 STR("alice@example.com")));
	ck_assert(str_eq(flow_header(&a, "Remote-Name"),
			 STR("Some %C3%9Cser")));
	ck_assert(str_eq(flow_header(&a, "Cache-Control"), STR("no-store")));
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	ck_assert_uint_eq(a.body.n, 0);
}
END_TEST

START_TEST(names_may_be_utf8)
{
	struct flow_answer a;

	flow_free(&f);
	flow_init(&f, "[store]\ndriver = memory\n"
		      "[headers]\nencoding = utf-8\n");
	a = flow_verify(&f, "/", flow_login(&f, "alice"), NULL);

	ck_assert(str_eq(flow_header(&a, "Remote-Name"), STR("Some \xc3\x9c"
							     "ser")));
}
END_TEST

START_TEST(authorizer_gets_variables)
{
	const char *const params[] = { flow_login(&f, "alice"), NULL };
	struct flow_answer a = flow_ask(&f, true, params, NULL);

	ck_assert_uint_eq(a.status, 200);
	ck_assert(str_eq(flow_header(&a, "Variable-REMOTE_USER"),
			 STR("alice")));
	ck_assert(str_eq(flow_header(&a, "Variable-AUTH_USER"), STR("alice")));
	ck_assert(str_eq(flow_header(&a, "Variable-AUTH_GROUPS"),
			 STR("admin,dev")));
	ck_assert_ptr_null(flow_header(&a, "Remote-User").p);
	/* Apache sends all other headers to the client. */
	for (size_t i = 0; i < a.nheaders; i++) {
		ck_assert(str_eq(a.header[i].name, STR("Status")) ||
			  str_starts(a.header[i].name, STR("Variable-")));
	}
	ck_assert_ptr_null(flow_header(&a, "Variable-AUTH_SECRET").p);
}
END_TEST

START_TEST(authorizer_clears_the_secret)
{
	const char *const params[] = { flow_login(&f, "alice"),
				       "AUTH_SECRET=anything", NULL };
	struct flow_answer a = flow_ask(&f, true, params, NULL);

	ck_assert_uint_eq(a.status, 200);
	ck_assert_ptr_nonnull(flow_header(&a, "Variable-AUTH_SECRET").p);
	ck_assert(str_eq(flow_header(&a, "Variable-AUTH_SECRET"), STR("")));
}
END_TEST

START_TEST(authorizer_denial_is_the_challenge)
{
	const char *const browser[] = { NAVIGATE, "REQUEST_URI=/a?b=c&d",
					NULL };
	const char *const script[] = { "HTTP_ACCEPT=application/json", NULL };
	struct flow_answer a = flow_ask(&f, true, browser, NULL);

	ck_assert_uint_eq(a.status, 302);
	ck_assert(str_eq(flow_header(&a, "Location"),
			 STR("/auth/login?rd=%2Fa%3Fb%3Dc%26d")));
	a = flow_ask(&f, true, script, NULL);
	ck_assert_uint_eq(a.status, 401);
	ck_assert(str_eq(flow_header(&a, "WWW-Authenticate"), STR("Bearer")));
}
END_TEST

START_TEST(bearer_token_has_precedence)
{
	const char *alice = flow_login(&f, "alice");
	const char *bob = flow_login(&f, "bob");
	const char *bearer = flow_text(&f, "HTTP_AUTHORIZATION=bEaReR  %s",
				       bob + sizeof("HTTP_COOKIE=__Host-"
						    "fcgiauth"));
	struct flow_answer a = flow_verify(&f, "/", bearer, alice);

	ck_assert_uint_eq(a.status, 204);
	ck_assert(str_eq(flow_header(&a, "Remote-User"), STR("bob")));
	/* Another authentication scheme is ignored. A cookie does not replace
	 * an invalid Bearer token. */
	a = flow_verify(&f, "/", "HTTP_AUTHORIZATION=Basic YTpi", alice);
	ck_assert_uint_eq(a.status, 204);
	a = flow_verify(&f, "/", "HTTP_AUTHORIZATION=Bearer nonsense", alice);
	ck_assert_uint_eq(a.status, 401);
	a = flow_verify(&f, "/", "HTTP_AUTHORIZATION=Bearer", alice);
	ck_assert_uint_eq(a.status, 401);
}
END_TEST

START_TEST(contradictory_credentials_are_refused)
{
	const char *alice = flow_login(&f, "alice");
	const char *bob = flow_login(&f, "bob");
	const char *token = bob + sizeof("HTTP_COOKIE=__Host-fcgiauth");
	const char *const two[] = {
		"AUTH_ACTION=verify",
		flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", token),
		flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", token), NULL
	};
	struct flow_answer a = flow_verify(&f, "/", alice, bob);

	ck_assert_uint_eq(a.status, 401);
	a = flow_verify(&f, "/",
			flow_text(&f, "%s; __Host-fcgiauth=%s", alice, token),
			NULL);
	ck_assert_uint_eq(a.status, 401);
	a = flow_verify(&f, "/", alice, alice);
	ck_assert_uint_eq(a.status, 204);
	a = flow_ask(&f, false, two, NULL);
	ck_assert_uint_eq(a.status, 401);
}
END_TEST

START_TEST(forged_tokens_are_401)
{
	static const char *const values[] = {
		"",
		"x",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"' OR 1=1 --",
		"../../../etc/passwd",
		"\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
	};
	const char *good = flow_login(&f, "alice");

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct flow_answer a =
		    flow_verify(&f, "/",
				flow_text(&f, "HTTP_COOKIE=__Host-fcgiauth=%s",
					  values[i]),
				NULL);

		ck_assert_msg(a.status == 401, "row %zu: the status is %u", i,
			      a.status);
	}
	/* Cookies with another name, or with the name in another case, are
	 * ignored. */
	ck_assert_uint_eq(
	    flow_verify(&f, "/",
			flow_text(&f, "HTTP_COOKIE=__HoSt-fcgiauth=%s",
				  good + sizeof("HTTP_COOKIE=__Host-fcgiauth")),
			NULL)
		.status,
	    401);
}
END_TEST

START_TEST(malformed_request_is_403)
{
	static const char *const rows[][2] = {
		{ "REQUEST_URI=/%zz", NULL },
		{ "REQUEST_URI=", NULL },
		{ "REQUEST_URI=http://evil/", NULL },
		{ "REQUEST_URI=/a/%", NULL },
		{ "REQUEST_URI=/\xff", NULL },
		{ "REQUEST_URI=/%2e%2e/a", NULL },
		{ "REQUEST_URI=/a%00", NULL },
		{ "HTTP_HOST=", NULL },
		{ "HTTP_HOST=a b", NULL },
		{ "REMOTE_ADDR=a", NULL },
		{ "REMOTE_ADDR=", NULL },
		{ "REQUEST_METHOD=", NULL },
		{ "HTTPS=maybe", NULL },
		{ "REQUEST_URI=/", "REQUEST_URI=/" },
		{ "HTTP_HOST=a", "HTTP_HOST=b" },
		{ "REMOTE_ADDR=192.0.2.1", "REMOTE_ADDR=192.0.2.1" },
		{ "AUTH_ACTION=verify", NULL },
		{ "AUTH_ACTION=allow", NULL },
	};
	const char *cookie = flow_login(&f, "alice");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const params[] = { i + 1 < ARRAY_LEN(rows) ?
						   "AUTH_ACTION=verify" :
						   rows[i][0],
					       cookie, rows[i][0], rows[i][1],
					       NULL };
		struct flow_answer a = flow_ask(&f, false, params, NULL);

		ck_assert_msg(a.status == 403, "row %zu: the status is %u", i,
			      a.status);
		ck_assert_msg(flow_header(&a, "Remote-User").p == NULL,
			      "row %zu", i);
	}
}
END_TEST

START_TEST(client_headers_are_ignored)
{
	const char *cookie = flow_login(&f, "bob");
	const char *const params[] = { "AUTH_ACTION=verify",
				       "AUTH_REQUIRE=role:admin",
				       "HTTP_X_FORWARDED_URI=/public",
				       "HTTP_X_ORIGINAL_URI=/public",
				       "HTTP_X_FORWARDED_FOR=127.0.0.1",
				       "HTTP_X_FORWARDED_USER=alice",
				       "HTTP_REMOTE_USER=alice",
				       "REMOTE_USER=alice",
				       "HTTP_AUTH_REQUIRE=user",
				       "HTTP_AUTH_ACTION=public",
				       cookie,
				       NULL };
	struct flow_answer a = flow_ask(&f, false, params, NULL);

	ck_assert_uint_eq(a.status, 403);
	ck_assert_uint_eq(
	    flow_verify(&f, "/", NULL, "HTTP_USER_AGENT=ok").status, 401);
}
END_TEST

START_TEST(requirements_of_a_location_are_checked)
{
	static const struct {
		const char *words;
		bool alice, bob;
	} rows[] = {
		{ "role:admin", true, false },
		{ "role:adm", false, false },
		{ "role:admin,dev", false, false },
		{ "user:bob", false, true },
		{ "user:bob role:dev", true, true },
		{ "user", true, true },
		{ "public", true, true },
		{ "deny", false, false },
		{ "deny user", false, false },
		{ "role:", false, false },
		{ "nonsense", false, false },
		{ "user nonsense", false, false },
		{ "   ", false, false },
	};
	const char *alice = flow_login(&f, "alice");
	const char *bob = flow_login(&f, "bob");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *words =
		    flow_text(&f, "AUTH_REQUIRE=%s", rows[i].words);

		ck_assert_msg(flow_verify(&f, "/", alice, words).status ==
				  (rows[i].alice ? 204 : 403),
			      "row %zu", i);
		ck_assert_msg(flow_verify(&f, "/", bob, words).status ==
				  (rows[i].bob ? 204 : 403),
			      "row %zu", i);
		/* A requirement admits no visitor without a credential. */
		ck_assert_msg(flow_verify(&f, "/", NULL, words).status == 401,
			      "row %zu", i);
	}
}
END_TEST

static struct flow_answer
challenge(const char *uri, const char *one, const char *two, const char *three)
{
	const char *const params[] = { "AUTH_ACTION=challenge",
				       flow_text(&f, "REQUEST_URI=%s", uri),
				       one,
				       one ? two : NULL,
				       two ? three : NULL,
				       NULL };

	return flow_ask(&f, false, params, NULL);
}

START_TEST(challenge_fits_the_client)
{
	struct flow_answer a =
	    challenge("/a b?x=1&y=%26#f", "HTTP_ACCEPT=text/html", NULL, NULL);

	ck_assert_uint_eq(a.status, 403); /* a raw space is no URI */
	a = challenge("/a?x=1&y=%26", "HTTP_ACCEPT=text/html", NULL, NULL);
	ck_assert_uint_eq(a.status, 302);
	ck_assert(str_eq(flow_header(&a, "Location"),
			 STR("/auth/login?rd=%2Fa%3Fx%3D1%26y%3D%2526")));
	a = challenge("/", "HTTP_ACCEPT=text/html",
		      "HTTP_X_REQUESTED_WITH=XMLHttpRequest", NULL);
	ck_assert_uint_eq(a.status, 401);
	a = challenge("/", "HTTP_ACCEPT=text/html", "HTTP_SEC_FETCH_MODE=cors",
		      NULL);
	ck_assert_uint_eq(a.status, 401);
	ck_assert(str_eq(flow_header(&a, "WWW-Authenticate"), STR("Bearer")));
	ck_assert(flow_holds(a.body, "\"error\""));
	a = challenge("/", NAVIGATE, "REQUEST_METHOD=POST", NULL);
	ck_assert_uint_eq(a.status, 401);
	ck_assert(flow_holds(a.body, "</html>"));
}
END_TEST

START_TEST(forbidden_user_gets_a_page)
{
	const char *bob = flow_login(&f, "bob");
	struct flow_answer a =
	    challenge("/", NAVIGATE, bob, "AUTH_REQUIRE=role:admin");

	ck_assert_uint_eq(a.status, 403);
	ck_assert(flow_holds(a.body, "<bdi>bob</bdi>"));
	ck_assert(flow_holds(a.body, "href=\"/auth/logout\""));
	ck_assert_ptr_null(flow_header(&a, "Location").p);
	/* An allowed request that is challenged gets 403, because a redirect
	 * would lead back here. */
	a = challenge("/", NAVIGATE, bob, NULL);
	ck_assert_uint_eq(a.status, 403);
}
END_TEST

START_TEST(login_url_makes_the_return_url_absolute)
{
	static const char ini[] =
	    "[server]\nlogin_url = https://sso.example.com/auth/login\n"
	    "[cookie]\ndomain = example.com\n[store]\ndriver = memory\n"
	    "[redirect]\nallow = .example.com\n";
	struct flow_answer a;

	flow_free(&f);
	flow_init(&f, ini);
	a = challenge("/p?q=1", NAVIGATE, NULL, NULL);
	ck_assert_uint_eq(a.status, 302);
	ck_assert(str_eq(flow_header(&a, "Location"),
			 STR("https://sso.example.com/auth/login?rd="
			     "https%3A%2F%2Fwww.example.com%2Fp%3Fq%3D1")));
}
END_TEST

START_TEST(unknown_endpoints_are_404)
{
	struct flow_answer a = flow_get(&f, "/auth/verify", NULL, NULL);

	ck_assert_uint_eq(a.status, 404);
	ck_assert_uint_eq(flow_get(&f, "/authlogin", NULL, NULL).status, 404);
	ck_assert_uint_eq(flow_get(&f, "/auth", NULL, NULL).status, 404);
	ck_assert_uint_eq(flow_get(&f, "/auth/Login", NULL, NULL).status, 404);
	a = flow_post(&f, "/auth/me", "application/json", "{}", NULL);
	ck_assert_uint_eq(a.status, 405);
	ck_assert(str_eq(flow_header(&a, "Allow"), STR("GET, HEAD")));
	a = flow_get(&f, "/auth/login", "REQUEST_METHOD=DELETE", NULL);
	ck_assert_uint_eq(a.status, 405);
	ck_assert(str_eq(flow_header(&a, "Allow"), STR("GET, HEAD, POST")));
	/* The path of a check does not select an endpoint. */
	a = flow_verify(&f, "/auth/health", NULL, NULL);
	ck_assert_uint_eq(a.status, 401);
}
END_TEST

START_TEST(me_and_status_are_answered)
{
	const char *cookie = flow_login(&f, "alice");
	struct flow_answer a = flow_get(&f, "/auth/me", cookie, NULL);

	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "\"name\":\"alice\""));
	ck_assert(flow_holds(a.body, "\"roles\":[\"admin\",\"dev\"]"));
	ck_assert(flow_holds(a.body, "\"expires_in\":1800"));
	ck_assert(!flow_holds(a.body, cookie + 28));
	a = flow_get(&f, "/auth/me", NULL, NULL);
	ck_assert_uint_eq(a.status, 401);
	ck_assert_uint_eq(flow_get(&f, "/auth/health", NULL, NULL).status, 200);
	ck_assert_uint_eq(flow_get(&f, "/auth/ready", NULL, NULL).status, 200);
	f.users_table.down = true;
	fake_env_advance(&f.fake, 1);
	a = flow_get(&f, "/auth/ready", NULL, NULL);
	ck_assert_uint_eq(a.status, 503);
	ck_assert(flow_holds(a.body, "\"down\":[\"users\"]"));
	a = flow_get(&f, "/auth/health", "REQUEST_METHOD=HEAD", NULL);
	ck_assert_uint_eq(a.status, 200);
	ck_assert_uint_eq(a.body.n, 0);
}
END_TEST

START_TEST(idle_and_absolute_timeout_end_the_session)
{
	const char *cookie = flow_login(&f, "alice");

	/* The service itself writes such a late use. A session that is over
	 * stays over, and another one stays valid. */
	for (int64_t t = 0; t + 1799 < 12 * 3600; t += 1799) {
		fake_env_advance(&f.fake, 1799);
		ck_assert_uint_eq(flow_verify(&f, "/", cookie, NULL).status,
				  204);
	}
	fake_env_advance(&f.fake, 1799);
	ck_assert_uint_eq(flow_verify(&f, "/", cookie, NULL).status, 401);
	/* The janitor would write an earlier use, but this test has none. */
	cookie = flow_login(&f, "alice");
	fake_env_advance(&f.fake, 600);
	ck_assert_uint_eq(flow_verify(&f, "/", cookie, NULL).status, 204);
	fake_env_advance(&f.fake, 1200);
	ck_assert_uint_eq(flow_verify(&f, "/", cookie, NULL).status, 401);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("verify");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, no_credential_is_401);
	tcase_add_test(t, session_passes_with_identity);
	tcase_add_test(t, names_may_be_utf8);
	tcase_add_test(t, authorizer_gets_variables);
	tcase_add_test(t, authorizer_clears_the_secret);
	tcase_add_test(t, authorizer_denial_is_the_challenge);
	tcase_add_test(t, bearer_token_has_precedence);
	tcase_add_test(t, contradictory_credentials_are_refused);
	tcase_add_test(t, forged_tokens_are_401);
	tcase_add_test(t, malformed_request_is_403);
	tcase_add_test(t, client_headers_are_ignored);
	tcase_add_test(t, requirements_of_a_location_are_checked);
	tcase_add_test(t, challenge_fits_the_client);
	tcase_add_test(t, forbidden_user_gets_a_page);
	tcase_add_test(t, login_url_makes_the_return_url_absolute);
	tcase_add_test(t, unknown_endpoints_are_404);
	tcase_add_test(t, me_and_status_are_answered);
	tcase_add_test(t, idle_and_absolute_timeout_end_the_session);
	return run_case(t);
}
