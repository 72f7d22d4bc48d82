/* SPDX-License-Identifier: MIT */
/* Signing out, also concurrently with a sign-in. */
#include "tests/unit/auth/flow_fixture.h"

START_TEST(logout_ends_the_session)
{
	const char *cookie = flow_login(&f, "alice");
	struct flow_answer a = flow_get(&f, "/auth/logout", cookie, NULL);
	const char *csrf = flow_csrf(&f, &a);

	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "<bdi>alice</bdi>"));
	/* A form without a token has no effect. */
	a = flow_post(&f, "/auth/logout", FORM, "", cookie);
	ck_assert_uint_eq(a.status, 403);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	ck_assert_uint_eq(flow_verify(&f, "/", cookie, NULL).status, 204);
	a = flow_post(&f, "/auth/logout", FORM, flow_text(&f, "csrf=%s", csrf),
		      cookie);
	ck_assert_uint_eq(a.status, 303);
	ck_assert_str_eq(flow_cookie(&f, &a, COOKIE), "");
	ck_assert_uint_eq(flow_verify(&f, "/", cookie, NULL).status, 401);
	/* A second sign-out, and one without a session, succeed. */
	a = flow_post(&f, "/auth/logout", FORM, flow_text(&f, "csrf=%s", csrf),
		      cookie);
	ck_assert_uint_eq(a.status, 303);
	a = flow_post(&f, "/auth/logout", JSON, "", NULL);
	ck_assert_uint_eq(a.status, 204);
	a = flow_get(&f, "/auth/logout", NULL, NULL);
	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "You are signed out"));
}
END_TEST

START_TEST(bearer_token_signs_out)
{
	const char *cookie = flow_login(&f, "alice");
	const char *const params[] = {
		"REQUEST_METHOD=POST", "REQUEST_URI=/auth/logout",
		flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s",
			  cookie + sizeof("HTTP_COOKIE=" COOKIE)),
		NULL
	};

	ck_assert_uint_eq(flow_ask(&f, false, params, NULL).status, 204);
	ck_assert_uint_eq(flow_verify(&f, "/", cookie, NULL).status, 401);
}
END_TEST

/* The cookie is cleared only if the Bearer token is that of its session. */
START_TEST(bearer_token_clears_only_its_cookie)
{
	const char *cookie = flow_login(&f, "alice");
	const char *other = flow_login(&f, "alice");
	const size_t skip = sizeof("HTTP_COOKIE=" COOKIE);
	const struct {
		const char *token;
		bool cleared;
		unsigned after;
	} rows[] = {
		{ "rubbish", false, 204 },
		{ other + skip, false, 204 },
		{ cookie + skip, true, 401 },
		{ cookie + skip, true, 401 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const params[] = {
			"REQUEST_METHOD=POST", "REQUEST_URI=/auth/logout",
			flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s",
				  rows[i].token),
			cookie, NULL
		};
		struct flow_answer a = flow_ask(&f, false, params, NULL);

		ck_assert_msg(a.status == 204, "row %zu: the status is %u", i,
			      a.status);
		ck_assert_msg((flow_cookie(&f, &a, COOKIE) != NULL) ==
				  rows[i].cleared,
			      "row %zu", i);
		ck_assert_msg(flow_verify(&f, "/", cookie, NULL).status ==
				  rows[i].after,
			      "row %zu", i);
	}
}
END_TEST

static void
disable_alice(struct users_fake_table *t, unsigned nth)
{
	t->v[0].disabled = nth > 1;
}

static void
change_password(struct users_fake_table *t, unsigned nth)
{
	if (nth > 1)
		t->v[0].hash = STR("another");
}

static void
change_roles(struct users_fake_table *t, unsigned nth)
{
	if (nth > 1)
		t->v[0].who.roles = nth == 2 ? STR("dev") : STR("ops");
}

static void
keep_changing_roles(struct users_fake_table *t, unsigned nth)
{
	if (nth > 1)
		t->v[0].who.roles = nth % 2 == 0 ? STR("dev") : STR("ops");
}

static void
fail_second(struct users_fake_table *t, unsigned nth)
{
	t->fail_find = nth > 1 ? nth : 0;
}

START_TEST(user_that_changes_meanwhile_is_refused)
{
	static const struct {
		void (*happens)(struct users_fake_table *t, unsigned nth);
		unsigned status;
	} rows[] = { { disable_alice, 401 },
		     { change_password, 401 },
		     { fail_second, 503 },
		     { keep_changing_roles, 503 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow_answer a;

		flow_free(&f);
		flow_init(&f, NULL);
		f.users_table.on_find = rows[i].happens;
		a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);
		ck_assert_msg(a.status == rows[i].status,
			      "row %zu: the status is %u", i, a.status);
		ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
		ck_assert_msg(flow_sessions(&f, NULL).n == 0,
			      "row %zu leaves a session", i);
	}
}
END_TEST

START_TEST(roles_that_change_meanwhile_are_read)
{
	const char *cookie;
	struct flow_answer a;

	f.users_table.on_find = change_roles;
	cookie = flow_login(&f, "alice");
	a = flow_verify(&f, "/", cookie, NULL);
	ck_assert(str_eq(flow_header(&a, "Remote-Groups"), STR("ops")));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("logout");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, logout_ends_the_session);
	tcase_add_test(t, bearer_token_signs_out);
	tcase_add_test(t, bearer_token_clears_only_its_cookie);
	tcase_add_test(t, user_that_changes_meanwhile_is_refused);
	tcase_add_test(t, roles_that_change_meanwhile_are_read);
	return run_case(t);
}
