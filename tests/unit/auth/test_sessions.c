/* SPDX-License-Identifier: MIT */
/* The list of a user's sessions, and how the user ends them. */
#include "tests/unit/modes/refresh_fixture.h"

#include "auth/fresh.h"
#include "base/enc.h"

static void
setup_sessions(void)
{
	setup();
	use_mode("session", "");
}

static struct flow_answer
send_as(const char *method, const char *uri, const char *cookie,
	const char *extra)
{
	const char *const params[] = { flow_text(&f, "REQUEST_METHOD=%s",
						 method),
				       flow_text(&f, "REQUEST_URI=%s", uri),
				       cookie != NULL ? cookie : extra,
				       cookie != NULL ? extra : NULL, NULL };

	return flow_ask(&f, false, params, NULL);
}

static unsigned
status_with(const char *cookie)
{
	return flow_verify(&f, "/", cookie, NULL).status;
}

/* Returns the id of the newest session of a user. */
static const char *
newest(const char *user)
{
	const struct session_list list = flow_sessions(&f, user);
	char id[HEX_LEN(SESSION_ID_BYTES)];

	ck_assert_uint_gt(list.n, 0);
	hex_encode(list.v[0].id.b, sizeof(list.v[0].id.b), id);
	return flow_text(&f, "%.*s", (int)sizeof(id), id);
}

static const char *
one_of(const char *id)
{
	return flow_text(&f, "/auth/sessions/%s", id);
}

static const char *
csrf_of(const char *cookie)
{
	const struct flow_answer a = flow_get(&f, "/auth/logout", cookie, NULL);

	return flow_csrf(&f, &a);
}

START_TEST(own_sessions_are_listed)
{
	const char *first = flow_login(&f, "alice"), *id = newest("alice");
	const char *hidden = newest("alice");
	struct flow_answer a;

	fake_env_advance(&f.fake, 5);
	(void)flow_login(&f, "alice");
	(void)flow_login(&f, "bob");
	hidden = newest("bob");
	a = flow_get(&f, "/auth/sessions", first, NULL);
	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, flow_text(&f, "\"id\":\"%s\"", id)));
	ck_assert(!flow_holds(a.body, hidden));
	ck_assert(flow_holds(a.body, "\"current\":true"));
	ck_assert(flow_holds(a.body, "\"current\":false"));
	ck_assert(flow_holds(a.body, "\"more\":false"));
	a = flow_get(&f, "/auth/sessions", NULL, NULL);
	ck_assert_uint_eq(a.status, 401);
	ck_assert(str_eq(flow_header(&a, "WWW-Authenticate"), STR("Bearer")));
}
END_TEST

START_TEST(many_sessions_are_listed_in_pages)
{
	const char *cookie = flow_login(&f, "alice"), *first = newest("alice");
	const char *last = NULL;
	struct flow_answer a;

	for (int i = 0; i < 70; i++) {
		fake_env_advance_ms(&f.fake, 1);
		(void)flow_login(&f, "alice");
		if (i == 6)
			last = newest("alice");
	}
	a = flow_get(&f, "/auth/sessions", cookie, NULL);
	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "\"more\":true"));
	ck_assert(!flow_holds(a.body, first));
	a = flow_get(&f, flow_text(&f, "/auth/sessions?before=%s", last),
		     cookie, NULL);
	ck_assert(flow_holds(a.body, "\"more\":false"));
	ck_assert(flow_holds(a.body, first));
	ck_assert(!flow_holds(a.body, last));
	a = flow_get(&f, "/auth/sessions?before=x", cookie, NULL);
	ck_assert_uint_eq(a.status, 400);
}
END_TEST

START_TEST(one_session_is_ended)
{
	const char *alice = flow_login(&f, "alice"), *id = newest("alice");
	const char *other = flow_login(&f, "alice"), *bob;
	struct flow_answer a;

	bob = flow_login(&f, "bob");
	/* Neither another user nor a visitor can end it. */
	ck_assert_uint_eq(send_as("DELETE", one_of(id), bob, NULL).status, 404);
	ck_assert_uint_eq(send_as("DELETE", one_of(id), NULL, NULL).status,
			  401);
	ck_assert_uint_eq(status_with(alice), 204);
	ck_assert_uint_eq(send_as("DELETE", one_of(id), other, NULL).status,
			  204);
	ck_assert_uint_eq(status_with(alice), 401);
	ck_assert_uint_eq(status_with(other), 204);
	ck_assert_uint_eq(send_as("DELETE", one_of(id), other, NULL).status,
			  404);
	/* The own one: its cookie is cleared. */
	id = newest("alice");
	a = send_as("DELETE", one_of(id), other, NULL);
	ck_assert_uint_eq(a.status, 204);
	ck_assert_str_eq(flow_cookie(&f, &a, SESSION), "");
	ck_assert_uint_eq(status_with(bob), 204);
}
END_TEST

START_TEST(odd_ids_end_nothing)
{
	static const char *const ids[] = {
		"x",
		"end",
		"00000000000000000000000000000000",
		"0123456789abcdef0123456789abcde",
		"0123456789ABCDEF0123456789ABCDEF",
		"0123456789abcdef0123456789abcdef0",
	};
	const char *alice = flow_login(&f, "alice");

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		const struct flow_answer a =
		    send_as("DELETE", one_of(ids[i]), alice, NULL);

		ck_assert_msg(a.status == 404 || a.status == 405, "%s: %u",
			      ids[i], a.status);
	}
	ck_assert_uint_eq(status_with(alice), 204);
}
END_TEST

START_TEST(other_sessions_are_ended)
{
	const char *first = flow_login(&f, "alice");
	const char *second = flow_login(&f, "alice");
	const char *bob = flow_login(&f, "bob");
	const struct flow_answer a =
	    send_as("DELETE", "/auth/sessions", first, NULL);

	ck_assert_uint_eq(a.status, 204);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	ck_assert_uint_eq(status_with(first), 204);
	ck_assert_uint_eq(status_with(second), 401);
	ck_assert_uint_eq(status_with(bob), 204);
}
END_TEST

START_TEST(all_sessions_need_a_fresh_proof)
{
	static const char all[] = "/auth/sessions?all=1";
	const char *first = flow_login(&f, "alice");
	struct flow_answer a;

	fake_env_advance_ms(&f.fake, FRESH_SECONDS * 1000 + 1);
	a = send_as("DELETE", all, first, NULL);
	ck_assert_uint_eq(a.status, 401);
	ck_assert(flow_holds(a.body, "insufficient_user_authentication"));
	ck_assert(str_eq(flow_header(&a, "WWW-Authenticate"),
			 STR("Bearer error=\"insufficient_user_authentication\""
			     ", max_age=\"600\"")));
	a = flow_post(&f, "/auth/sessions/end", FORM,
		      flow_text(&f, "all=1&csrf=%s", csrf_of(first)), first);
	ck_assert_uint_eq(a.status, 303);
	ck_assert(str_eq(flow_header(&a, "Location"),
			 STR("/auth/login?step=1&rd=%2Fauth%2Faccount")));
	ck_assert_uint_eq(status_with(first), 204);

	f.fake.wall_ms -= 1; /* the proof is as old as it may be */
	ck_assert_uint_eq(
	    send_as("DELETE", "/auth/sessions?all=2", first, NULL).status, 400);
	ck_assert_uint_eq(
	    send_as("DELETE", "/auth/sessions?all=1&all=1", first, NULL).status,
	    400);
	ck_assert_uint_eq(status_with(first), 204);
	a = send_as("DELETE", all, first, NULL);
	ck_assert_uint_eq(a.status, 204);
	ck_assert_str_eq(flow_cookie(&f, &a, SESSION), "");
	ck_assert_uint_eq(status_with(first), 401);
}
END_TEST

START_TEST(forms_need_their_token)
{
	const char *first = flow_login(&f, "alice"), *id = newest("alice");
	const char *second = flow_login(&f, "alice");
	const char *bob = flow_login(&f, "bob");
	const char *uri = flow_text(&f, "/auth/sessions/%s/end", id);
	const char *csrf;
	struct flow_answer a;

	a = flow_post(&f, uri, FORM, "", second);
	ck_assert_uint_eq(a.status, 403);
	a = flow_post(&f, uri, FORM, flow_text(&f, "csrf=%s", csrf_of(bob)),
		      second);
	ck_assert_uint_eq(a.status, 403);
	a = flow_post(&f, "/auth/sessions/end", FORM, "", second);
	ck_assert_uint_eq(a.status, 403);
	csrf = csrf_of(second);
	a = flow_post(&f, uri, FORM,
		      flow_text(&f, "csrf=%s&csrf=%s", csrf, csrf), second);
	ck_assert_uint_eq(a.status, 400);
	a = send_as("DELETE", one_of(id), second,
		    "HTTP_ORIGIN=https://evil.example");
	ck_assert_uint_eq(a.status, 403);
	ck_assert_uint_eq(status_with(first), 204);

	a = flow_post(&f, uri, FORM, flow_text(&f, "csrf=%s", csrf), second);
	ck_assert_uint_eq(a.status, 303);
	ck_assert(str_eq(flow_header(&a, "Location"), STR("/auth/account")));
	ck_assert_uint_eq(status_with(first), 401);
	/* A second press of the button does no harm. */
	a = flow_post(&f, uri, FORM, flow_text(&f, "csrf=%s", csrf), second);
	ck_assert_uint_eq(a.status, 303);
	a = flow_post(&f, "/auth/sessions/end", FORM,
		      flow_text(&f, "all=1&csrf=%s", csrf), second);
	ck_assert_uint_eq(a.status, 303);
	ck_assert(str_eq(flow_header(&a, "Location"), STR("/auth/logout")));
	ck_assert_str_eq(flow_cookie(&f, &a, SESSION), "");
	ck_assert_uint_eq(status_with(second), 401);
	ck_assert_uint_eq(status_with(bob), 204);
}
END_TEST

START_TEST(nothing_is_ended_without_the_store)
{
	const char *first = flow_login(&f, "alice"), *id = newest("alice");
	const char *second = flow_login(&f, "alice");

	for (unsigned n = 1; n <= 2; n++) {
		struct flow_answer a;

		store_faulty_fail(&f.faulty, n, false);
		a = send_as("DELETE", one_of(id), second, NULL);
		store_faulty_fail(&f.faulty, 0, false);
		ck_assert_uint_eq(a.status, 503);
		ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
		fake_env_advance(&f.fake, 60);
		ck_assert_uint_eq(status_with(first), 204);
	}
}
END_TEST

START_TEST(step_asks_only_for_the_password)
{
	const char *old = flow_login(&f, "alice"), *pre, *id = newest("alice");
	struct flow_answer a =
	    flow_get(&f, "/auth/login?step=1&rd=/x", old, NULL);
	const char *csrf = flow_csrf(&f, &a), *cookies;

	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "value=\"alice\""));
	ck_assert(flow_holds(a.body, "readonly"));
	pre = flow_cookie(&f, &a, LOGIN);
	ck_assert_ptr_nonnull(pre);
	cookies = flow_text(&f, "%s; " LOGIN "=%s", old, pre);
	a = flow_post(&f, "/auth/login", FORM,
		      flow_text(&f,
				"step=1&username=bob&password=" FLOW_PASSWORD
				"&csrf=%s",
				csrf),
		      cookies);
	ck_assert_uint_eq(a.status, 403);
	a = flow_post(&f, "/auth/login", FORM,
		      flow_text(&f,
				"step=1&username=alice&password=wrong&csrf=%s",
				csrf),
		      cookies);
	ck_assert_uint_eq(a.status, 401);
	ck_assert(flow_holds(a.body, "value=\"alice\""));
	ck_assert_uint_eq(status_with(old), 204);
	fake_env_advance_ms(&f.fake, FRESH_SECONDS * 1000 + 1);
	a = flow_post(&f, "/auth/login", FORM,
		      flow_text(&f,
				"step=1&username=alice&rd=/x&password="
				"correct+horse+battery&csrf=%s",
				csrf),
		      cookies);
	ck_assert_uint_eq(a.status, 303);
	ck_assert(str_eq(flow_header(&a, "Location"), STR("/x")));
	cookies = flow_cookie(&f, &a, SESSION);
	ck_assert_ptr_nonnull(cookies);
	ck_assert_uint_eq(status_with(old), 401);
	ck_assert_str_ne(id, newest("alice"));
	a = send_as("DELETE", "/auth/sessions?all=1",
		    flow_text(&f, "HTTP_COOKIE=" SESSION "=%s", cookies), NULL);
	ck_assert_uint_eq(a.status, 204);
}
END_TEST

START_TEST(tokens_of_mode_refresh_end_too)
{
	struct flow_answer a;
	const char *first, *second, *id;

	use_mode("refresh", "revocation = store\n");
	a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);
	first = flow_text(&f, "HTTP_COOKIE=" ACCESS "=%s",
			  flow_cookie(&f, &a, ACCESS));
	id = newest("alice");
	a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);
	second = flow_text(&f, "HTTP_COOKIE=" ACCESS "=%s",
			   flow_cookie(&f, &a, ACCESS));
	ck_assert_uint_eq(status_with(first), 204);
	ck_assert_uint_eq(send_as("DELETE", one_of(id), second, NULL).status,
			  204);
	ck_assert_uint_eq(status_with(first), 401);
	ck_assert_uint_eq(status_with(second), 204);
	/* The proof is that of the session. */
	fake_env_advance(&f.fake, 300);
	ck_assert_uint_eq(
	    send_as("DELETE", "/auth/sessions?all=1", second, NULL).status,
	    204);
	ck_assert_uint_eq(status_with(second), 401);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("sessions");

	tcase_add_checked_fixture(t, setup_sessions, teardown);
	tcase_add_test(t, own_sessions_are_listed);
	tcase_add_test(t, many_sessions_are_listed_in_pages);
	tcase_add_test(t, one_session_is_ended);
	tcase_add_test(t, odd_ids_end_nothing);
	tcase_add_test(t, other_sessions_are_ended);
	tcase_add_test(t, all_sessions_need_a_fresh_proof);
	tcase_add_test(t, forms_need_their_token);
	tcase_add_test(t, nothing_is_ended_without_the_store);
	tcase_add_test(t, step_asks_only_for_the_password);
	tcase_add_test(t, tokens_of_mode_refresh_end_too);
	return run_case(t);
}
