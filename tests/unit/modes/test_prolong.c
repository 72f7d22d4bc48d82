/* SPDX-License-Identifier: MIT */
/* The sessions, tokens and lifetimes after a sign-in and a refresh. */
#include "tests/unit/modes/refresh_fixture.h"
#include "tests/support/call.h"

#include "strategy/store.h"

static struct flow_answer
login_with(const char *cookie)
{
	return flow_sign_in(&f, "alice", FLOW_PASSWORD, cookie);
}

/* A browser that signs in again has one session, whichever credential it
 * presented. */
START_TEST(sign_in_ends_the_session_before)
{
	struct tokens t = sign_in("bob"), next;
	struct flow_answer a;

	a = login_with(flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s", t.refresh));
	next = tokens_of(&a);
	ck_assert_uint_eq(next.status, 200);
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 1);
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
	a = login_with(flow_text(&f, "HTTP_COOKIE=" ACCESS "=%s", next.access));
	ck_assert_uint_eq(a.status, 200);
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 1);
	ck_assert_uint_eq(refresh(next.refresh).status, 400);
}
END_TEST

START_TEST(disabled_user_gets_no_successor)
{
	struct tokens t = sign_in("alice"), again;

	ck_assert_uint_eq(refresh(t.refresh).status, 200);
	f.users_table.v[0].disabled = true;
	again = refresh(t.refresh);
	ck_assert_uint_eq(again.status, 400);
	ck_assert_ptr_null(again.access);
	ck_assert_ptr_null(again.refresh);
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 0);
}
END_TEST

/* Another program has changed the user. With revocation = store a check takes
 * the identity from the session. */
START_TEST(session_gets_the_roles_of_the_refresh)
{
	struct flow_answer a;
	struct tokens t;

	use_mode("refresh",
		 _i == 0 ? "revocation = none\n" : "revocation = store\n");
	t = sign_in("alice");
	f.users_table.v[0].who.roles = STR("guest");
	t = refresh(t.refresh);
	ck_assert_uint_eq(t.status, 200);
	a = flow_verify(&f, "/",
			flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", t.access),
			NULL);
	ck_assert_uint_eq(a.status, 204);
	ck_assert(str_eq(flow_header(&a, "Remote-Groups"), STR("guest")));
	ck_assert(str_eq(flow_sessions(&f, NULL).v[0].who.roles, STR("guest")));
}
END_TEST

static int64_t
expires_in(const struct flow_answer *a)
{
	static const char before[] = "\"expires_in\":";
	struct str rest = a->body;
	int64_t n = 0;

	while (rest.n > 0 && !str_starts(rest, STR("\"expires_in\":")))
		rest = str_skip(rest, 1);
	rest = str_skip(rest, sizeof(before) - 1);
	for (; rest.n > 0 && rest.p[0] >= '0' && rest.p[0] <= '9';
	     rest = str_skip(rest, 1))
		n = n * 10 + (rest.p[0] - '0');
	return n;
}

static struct flow_answer
prolong(const char *credential)
{
	struct flow_answer a =
	    flow_post(&f, "/auth/refresh", "", "", credential);

	ck_assert_uint_eq(a.status, 200);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	return a;
}

START_TEST(session_is_prolonged_by_cookie)
{
	const char *cookie;
	struct flow_answer a;

	use_mode("session", "[session]\nidle_timeout = 30m\n"
			    "absolute_timeout = 2h\n");
	cookie = flow_login(&f, "alice");
	for (int64_t minute = 0; minute < 120; minute += 20) {
		int64_t left = (120 - minute) * 60;

		a = prolong(cookie);
		ck_assert_int_eq(expires_in(&a), left < 1800 ? left : 1800);
		ck_assert(member(&a, "access_token") == NULL);
		fake_env_advance(&f.fake, 20 * 60);
	}
	ck_assert_uint_eq(flow_post(&f, "/auth/refresh", "", "", cookie).status,
			  401);
}
END_TEST

START_TEST(remembered_session_is_prolonged)
{
	const int64_t day = 86400;
	const char *cookie;
	struct flow_answer a;

	use_mode("session", "[session]\nremember = 30d\n");
	a = flow_post(&f, "/auth/login", JSON,
		      "{\"username\":\"alice\",\"password\":\"" FLOW_PASSWORD
		      "\",\"remember\":true}",
		      NULL);
	cookie = flow_text(&f, "HTTP_COOKIE=" SESSION "=%s",
			   flow_cookie(&f, &a, SESSION));
	a = prolong(cookie);
	ck_assert_int_eq(expires_in(&a), 30 * day);
	fake_env_advance(&f.fake, 29 * day);
	a = prolong(cookie);
	ck_assert_int_eq(expires_in(&a), day);
}
END_TEST

START_TEST(session_is_prolonged_by_bearer_token)
{
	struct flow_answer a;
	const char *token;

	use_mode("session", "");
	a = login_with(NULL);
	token = member(&a, "access_token");
	ck_assert_ptr_nonnull(token);
	a = prolong(flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", token));
	ck_assert_str_eq(member(&a, "access_token"), token);
	ck_assert_str_eq(member(&a, "token_type"), "Bearer");
	ck_assert_ptr_null(member(&a, "refresh_token"));
}
END_TEST

START_TEST(too_large_token_leaves_no_session)
{
	static char many[1025], issuer[257], more[1024];
	struct flow_answer a;

	memset(issuer, 'i', sizeof(issuer) - 1);
	(void)snprintf(more, sizeof(more), "issuer = %s\naudience = %s\n",
		       issuer, issuer);
	use_mode("refresh", more);
	for (size_t i = 0; i + 2 < sizeof(many); i += 2)
		memcpy(many + i, "r,", 2);
	many[sizeof(many) - 2] = 'r';
	f.users_table.v[0].who.roles = str_from(many);
	memset(issuer, '"', sizeof(issuer) - 1);
	f.users_table.v[0].who.full_name = str_from(issuer);
	a = login_with(NULL);
	ck_assert_uint_eq(a.status, 500);
	ck_assert_str_eq(member(&a, "error"), "token_too_large");
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 0);
}
END_TEST

/* Replaces the session by an earlier generation of it, as a store that is
 * restored from a backup does. */
static void
set_store_back(void)
{
	struct session s = flow_sessions(&f, NULL).v[0];
	struct err err;
	bool ended;

	s.generation = 0;
	memset(s.token.b, 7, sizeof(s.token.b));
	ck_assert_int_eq(store_revoke(f.conns.store, CALL_AT(NULL, 0), &s.id,
				      &ended, &err),
			 0);
	ck_assert_int_eq(store_create(f.conns.store,
				      CALL_AT(NULL, s.created_ms), &s, 0, NULL,
				      &err),
			 0);
}

START_TEST(token_ahead_of_the_store_is_refused)
{
	struct tokens t = sign_in("alice");
	const char *text;

	t = refresh(refresh(t.refresh).refresh);
	set_store_back();
	flow_log(&f, LOG_INFO);
	ck_assert_uint_eq(refresh(t.refresh).status, 400);
	text = flow_logged(&f);
	ck_assert_ptr_nonnull(strstr(text, "refresh_future"));
	ck_assert_ptr_nonnull(strstr(text, "user=alice"));
	/* The session does not end. */
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 1);
}
END_TEST

/* If the store fails during a sign-out, the answer is 503 and the cookies
 * stay. */
START_TEST(sign_out_needs_the_store)
{
	unsigned step;

	for (step = 1; step < 50; step++) {
		struct flow_answer a;
		struct tokens t;

		use_mode("refresh", "");
		t = sign_in("alice");
		store_faulty_fail(&f.faulty, step, step % 2 == 0);
		a = flow_post(&f, "/auth/logout", JSON, "",
			      flow_text(&f,
					"HTTP_COOKIE=" ACCESS "=%s; " REFRESH
					"=%s; " SESSION "=dead",
					t.access, t.refresh));
		if (atomic_load(&f.faulty.failed) == 0) {
			ck_assert_uint_eq(a.status, 204);
			break;
		}
		ck_assert_msg(a.status == 503,
			      "call %u fails: the status is %u", step,
			      a.status);
		ck_assert_msg(flow_header(&a, "Retry-After").p != NULL,
			      "call %u fails: wrong headers", step);
		ck_assert_msg(flow_header(&a, "Set-Cookie").p == NULL,
			      "call %u fails: wrong headers", step);
	}
	ck_assert_msg(step > 3 && step < 50, "signing out makes %u calls",
		      step);
}
END_TEST

/* A name that no user has gets the same answer as a wrong password, counts, and
 * is not shown. */
START_TEST(unknown_names_are_counted_and_not_shown)
{
	static char ten_k[10241];
	static const char *const names[] = {
		"a b", "%00", "\xc3\xa4", "", "<script>secret", ten_k
	};
	unsigned banned = 0;

	memset(ten_k, 'x', sizeof(ten_k) - 1);
	for (size_t i = 0; i < 60 && banned == 0; i++) {
		const char *name = names[i % ARRAY_LEN(names)];
		struct flow_answer page =
		    flow_get(&f, "/auth/login", NULL, NULL);
		const char *csrf = flow_csrf(&f, &page);
		const char *pre = flow_text(&f, "HTTP_COOKIE=" LOGIN "=%s",
					    flow_cookie(&f, &page, LOGIN));
		char body[11000];
		struct flow_answer a;

		(void)snprintf(body, sizeof(body),
			       "csrf=%s&password=x&username=%s", csrf, name);
		a = flow_post(&f, "/auth/login", FORM, body, pre);
		banned = a.status == 429;
		if (strcmp(name, "%00") == 0)
			ck_assert_uint_eq(a.status, 400);
		else
			ck_assert_msg(a.status == 401 || banned,
				      "row %zu: the status is %u", i, a.status);
		ck_assert(!flow_holds(a.body, "secret"));
		ck_assert(!flow_holds(a.body, "xxxxxxxx"));
		ck_assert(!flow_holds(a.body, "a b\""));
	}
	ck_assert_msg(banned, "unknown names do not cause a ban");
}
END_TEST

START_TEST(names_in_rules_are_case_sensitive)
{
	const char *cookie;

	use_mode("session", "[rule a]\npath = /a\nrequire = user:Alice\n"
			    "[rule b]\nrequire = user:alice\n");
	cookie = flow_login(&f, "alice");
	ck_assert_uint_eq(flow_verify(&f, "/a", cookie, NULL).status, 403);
	ck_assert_uint_eq(flow_verify(&f, "/b", cookie, NULL).status, 204);
}
END_TEST

/* Does the answer set a cookie of this name with this Max-Age? */
static bool
lasts(const struct flow_answer *a, const char *name, int64_t seconds)
{
	const char *begin = flow_text(&f, "%s=", name);
	const char *life = flow_text(&f, "; Max-Age=%lld", (long long)seconds);

	for (size_t i = 0; i < a->nheaders; i++) {
		struct str line = a->header[i].value;

		if (str_eq(a->header[i].name, STR("Set-Cookie")) &&
		    str_starts(line, str_from(begin)))
			return flow_holds(line, life) &&
			       !flow_holds(line, flow_text(&f, "%s0", life));
	}
	return false;
}

/* A cookie lives as long as the token in it, and the last refresh cookie only
 * as long as the session. */
START_TEST(cookies_last_as_their_tokens)
{
	const int64_t day = 86400;
	struct flow_answer a = login_with(NULL);
	const char *cookie = flow_cookie(&f, &a, REFRESH);

	ck_assert(lasts(&a, ACCESS, 600));
	ck_assert(lasts(&a, REFRESH, 14 * day));
	for (int64_t at = 10 * day; at < 90 * day; at += 10 * day) {
		int64_t left = 90 * day - at;

		fake_env_advance(&f.fake, 10 * day);
		a = flow_post(&f, "/auth/refresh", "", "",
			      flow_text(&f, "HTTP_COOKIE=" REFRESH "=%s",
					cookie));
		ck_assert_uint_eq(a.status, 200);
		ck_assert_int_eq(expires_in(&a), 600);
		ck_assert(lasts(&a, ACCESS, 600));
		ck_assert_msg(lasts(&a, REFRESH,
				    left < 14 * day ? left : 14 * day),
			      "wrong Max-Age %lld days before the end",
			      (long long)(left / day));
		cookie = flow_cookie(&f, &a, REFRESH);
	}
}
END_TEST

/* A failure of the user source within the grace period changes nothing. */
START_TEST(failed_user_source_keeps_the_successor)
{
	struct tokens t = sign_in("alice"), first = refresh(t.refresh), again;

	f.users_table.down = true;
	ck_assert_uint_eq(refresh(t.refresh).status, 503);
	f.users_table.down = false;
	fake_env_advance(&f.fake, 2);
	again = refresh(t.refresh);
	ck_assert_uint_eq(again.status, 200);
	ck_assert_str_eq(again.refresh, first.refresh);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("prolong");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, sign_in_ends_the_session_before);
	tcase_add_test(t, disabled_user_gets_no_successor);
	tcase_add_loop_test(t, session_gets_the_roles_of_the_refresh, 0, 2);
	tcase_add_test(t, failed_user_source_keeps_the_successor);
	tcase_add_test(t, cookies_last_as_their_tokens);
	tcase_add_test(t, session_is_prolonged_by_cookie);
	tcase_add_test(t, remembered_session_is_prolonged);
	tcase_add_test(t, session_is_prolonged_by_bearer_token);
	tcase_add_test(t, too_large_token_leaves_no_session);
	tcase_add_test(t, token_ahead_of_the_store_is_refused);
	tcase_add_test(t, sign_out_needs_the_store);
	tcase_add_test(t, unknown_names_are_counted_and_not_shown);
	tcase_add_test(t, names_in_rules_are_case_sensitive);
	return run_case(t);
}
