/* SPDX-License-Identifier: MIT */
/* The page for a forgotten password: nobody learns from it whether there is a
 * user. */
#include "tests/unit/auth/reset_fixture.h"

#include <string.h>

/* A user, one without an address, one who is disabled, nobody, and texts that
 * cannot be names. */
static const char *const typed[] = {
	"alice", "bob", "carol",	 "nobody",
	"a b",	 "",	"x@example.com", "a%0d%0aBcc:%20x@example.com",
};

static const char *
get_form(const char **cookie)
{
	struct flow_answer page = flow_get(&f, "/auth/reset", NULL, NULL);

	ck_assert_uint_eq(page.status, 200);
	*cookie = flow_text(&f, "HTTP_COOKIE=" PRE "=%s",
			    flow_cookie(&f, &page, PRE));
	return flow_csrf(&f, &page);
}

static struct flow_answer
post_form(const char *csrf, const char *cookie, const char *name)
{
	return flow_post(&f, "/auth/reset", FORM,
			 flow_text(&f, "csrf=%s&username=%s", csrf, name),
			 cookie);
}

static const char *
kept(const struct flow_answer *a)
{
	return flow_text(&f, "%.*s", STR_ARG(a->raw));
}

START_TEST(all_answers_are_equal)
{
	const char *cookie, *csrf = get_form(&cookie), *first;
	struct flow_answer a = post_form(csrf, cookie, typed[0]);

	ck_assert_uint_eq(a.status, 303);
	ck_assert(str_eq(flow_header(&a, "Location"),
			 STR("/auth/reset?sent=1")));
	first = kept(&a);
	for (size_t i = 1; i < ARRAY_LEN(typed); i++) {
		a = post_form(csrf, cookie, typed[i]);
		ck_assert_str_eq(kept(&a), first);
	}
}
END_TEST

/* Also for a user who was sent too many mails. */
START_TEST(the_limit_of_a_user_is_not_shown)
{
	const char *cookie, *csrf = get_form(&cookie), *first;
	struct flow_answer a = post_form(csrf, cookie, "nobody");

	first = kept(&a);
	handle_next();
	for (int i = 0; i < RESET_ACCOUNT_MAX + 2; i++) {
		struct mail sent;

		a = post_form(csrf, cookie, "alice");
		ck_assert_str_eq(kept(&a), first);
		handle_next();
		if (claim(&sent))
			drop(&sent);
	}
	ck_assert(flow_holds(str_from(flow_logged(&f)), "why=limited "));
}
END_TEST

/* The answer costs as many operations for everybody, and nobody is looked
 * up. */
START_TEST(all_answers_cost_the_same)
{
	/* The first request also reads secrets from the store. */
	ck_assert_uint_eq(ask_from("192.0.2.7", "alice").status, 202);
	for (size_t i = 0; i < ARRAY_LEN(typed); i++) {
		store_faulty_fail(&f.faulty, 0, false);
		factors_faulty_fail(&f.factors_faulty, 0, false);
		atomic_store(&f.users_table.finds, 0);
		ck_assert_uint_eq(ask_from("192.0.2.7", typed[i]).status, 202);
		ck_assert_uint_eq(atomic_load(&f.faulty.calls), 1);
		ck_assert_uint_eq(atomic_load(&f.factors_faulty.calls), 1);
		ck_assert_uint_eq(atomic_load(&f.users_table.finds), 0);
	}
}
END_TEST

START_TEST(a_failure_is_answered_alike)
{
	struct mail mail;

	for (size_t i = 0; i < 4; i++) {
		store_faulty_fail(&f.faulty, 1, false);
		ck_assert_uint_eq(ask_from("192.0.2.7", typed[i]).status, 503);
		/* After a while the store is asked again. */
		fake_env_advance(&f.fake, 60);
		factors_faulty_fail(&f.factors_faulty, 1, false);
		ck_assert_uint_eq(ask_from("192.0.2.7", typed[i]).status, 503);
		fake_env_advance(&f.fake, 60);
		ck_assert(!claim(&mail));
	}
	/* The user source is not needed yet. */
	f.users_table.down = true;
	ck_assert_uint_eq(ask_from("192.0.2.7", "alice").status, 202);
}
END_TEST

/* Without memory nobody is told that a mail is on its way if it is not. */
START_TEST(memory_may_run_out)
{
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		struct flow_answer a;
		struct mail mail;

		f.fail_after = n;
		a = ask_from("192.0.2.7", "alice");
		failed = f.arena_failed;
		if (claim(&mail))
			drop(&mail);
		else
			ck_assert_uint_ne(a.status, 202);
		ck_assert(failed || a.status == 202);
		fake_env_advance(&f.fake, 3601);
	}
}
END_TEST

START_TEST(the_form_needs_its_token)
{
	const char *cookie, *csrf = get_form(&cookie);
	struct flow_answer a = post_form("x", cookie, "alice");
	struct mail mail;

	ck_assert_uint_eq(a.status, 403);
	ck_assert(flow_holds(a.body, "role=\"alert\""));
	ck_assert_uint_eq(post_form(csrf, NULL, "alice").status, 403);
	ck_assert_uint_eq(flow_post(&f, "/auth/reset", FORM,
				    flow_text(&f, "csrf=%s", csrf), cookie)
			      .status,
			  400);
	ck_assert(!claim(&mail));
}
END_TEST

START_TEST(an_address_has_a_limit)
{
	struct flow_answer a;

	for (int i = 0; i < RESET_ADDRESS_MAX; i++)
		ck_assert_uint_eq(ask_from("192.0.2.7", "nobody").status, 202);
	a = ask_from("192.0.2.7", "alice");
	ck_assert_uint_eq(a.status, 429);
	ck_assert(str_eq(flow_header(&a, "Retry-After"), STR("3600")));
	ck_assert(flow_holds(str_from(flow_logged(&f)),
			     "reset_asked why=limited_address "));
	ck_assert_uint_eq(ask_from("192.0.2.8", "alice").status, 202);
	fake_env_advance(&f.fake, 3601);
	ck_assert_uint_eq(ask_from("192.0.2.7", "alice").status, 202);
}
END_TEST

/* An IPv6 /64 is one address, and a /48 may ask ten times as often. */
START_TEST(a_network_has_a_limit)
{
	for (int i = 0; i < RESET_ADDRESS_MAX * RESET_WIDER; i++)
		ck_assert_uint_eq(ask_from(flow_text(&f, "2001:db8:1:%x::%x",
						     i / RESET_ADDRESS_MAX, i),
					   "nobody")
				      .status,
				  202);
	ck_assert_uint_eq(ask_from("2001:db8:1:1::1", "nobody").status, 429);
	ck_assert_uint_eq(ask_from("2001:db8:1:ff::1", "nobody").status, 429);
	ck_assert_uint_eq(ask_from("2001:db8:2::1", "nobody").status, 202);
}
END_TEST

/* The counters are no bans: they neither stop a sign-in nor are listed. */
START_TEST(the_limit_is_no_ban)
{
	struct ban_list bans;
	struct err err;

	for (int i = 0; i < RESET_ADDRESS_MAX + 3; i++)
		(void)ask_from("192.0.2.7", "alice");
	ck_assert_int_eq(store_bans(f.conns.store, flow_call(&f, now_ms()),
				    24 * RESET_WINDOW_MS, 10, &bans, &err),
			 0);
	ck_assert_uint_eq(bans.n, 0);
	ck_assert_uint_eq(flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL).status,
			  200);
}
END_TEST

START_TEST(the_pages_lead_to_each_other)
{
	struct flow_answer a =
	    flow_get(&f, "/auth/login?rd=%2Fwiki%3Fa%3D1", NULL, NULL);

	ck_assert(flow_holds(a.body, "\"/auth/reset?rd=%2Fwiki%3Fa%3D1\""));
	a = flow_get(&f, "/auth/reset?rd=%2Fwiki%3Fa%3D1", NULL, NULL);
	ck_assert(flow_holds(a.body, "\"/auth/login?rd=%2Fwiki%3Fa%3D1\""));
	ck_assert(flow_holds(a.body, "name=\"rd\" value=\"/wiki?a=1\""));
	a = flow_get(&f, "/auth/reset?sent=1&rd=%2F%2Fevil", NULL, NULL);
	ck_assert(flow_holds(a.body, "30 minutes"));
	ck_assert(flow_holds(a.body, "\"/auth/login\""));
	ck_assert(!flow_holds(a.body, "<form"));
}
END_TEST

static const char *const others[] = { "link", "no" };

START_TEST(without_mail_there_is_no_page)
{
	flow_free(&f);
	flow_init(&f, strcmp(others[_i], "no") == 0 ?
			  "[store]\ndriver = memory\n[account]\nreset = no\n" :
			  NULL);
	ck_assert_uint_eq(flow_get(&f, "/auth/reset", NULL, NULL).status, 404);
	ck_assert_uint_eq(ask_from("192.0.2.7", "alice").status, 404);
	ck_assert(!flow_holds(flow_get(&f, "/auth/login", NULL, NULL).body,
			      "/auth/reset"));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("reset request");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, all_answers_are_equal);
	tcase_add_test(t, the_limit_of_a_user_is_not_shown);
	tcase_add_test(t, all_answers_cost_the_same);
	tcase_add_test(t, a_failure_is_answered_alike);
	tcase_add_test(t, memory_may_run_out);
	tcase_add_test(t, the_form_needs_its_token);
	tcase_add_test(t, an_address_has_a_limit);
	tcase_add_test(t, a_network_has_a_limit);
	tcase_add_test(t, the_limit_is_no_ban);
	tcase_add_test(t, the_pages_lead_to_each_other);
	tcase_add_loop_test(t, without_mail_there_is_no_page, 0,
			    ARRAY_LEN(others));
	return run_case(t);
}
