/* SPDX-License-Identifier: MIT */
/* A sign-in of a user who must change their password: there is no session
 * before that. */
#include "tests/unit/auth/must_change_fixture.h"

#include "auth/hash_slots.h"

static void
wake(struct hash_place *place)
{
	(void)place;
}

START_TEST(a_form_leads_to_the_form)
{
	struct flow_answer a;

	open_flow();
	a = send_login("&rd=/some/page");
	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "Choose a new password"));
	ck_assert(flow_holds(a.body, "<bdi>alice</bdi>"));
	ck_assert(flow_holds(a.body, "action=\"/auth/login/password\""));
	ck_assert(flow_holds(a.body, "name=\"rd\" value=\"/some/page\""));
	ck_assert(str_eq(flow_header(&a, "Cache-Control"), STR("no-store")));
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 0);
	flow_free(&f);
}
END_TEST

START_TEST(the_new_password_signs_in)
{
	struct flow_answer a;
	const char *ticket;

	open_flow();
	ticket = ticket_of_form("&remember=1");
	a = flow_post(&f, POST_TO, FORM,
		      flow_text(&f, "%s&rd=/some/page",
				fields(ticket, NEW, NEW)),
		      pre);
	ck_assert_uint_eq(a.status, 303);
	ck_assert(str_eq(flow_header(&a, "Location"), STR("/some/page")));
	ck_assert_str_eq(flow_cookie(&f, &a, PRE), "");
	/* The box of the login page was remembered. */
	ck_assert(flow_holds(a.raw, "Max-Age=2592000"));
	ck_assert_uint_eq(seen(&a), 204);
	ck_assert(!flow_has_to_change(&f));
	ck_assert_uint_eq(sign_in_status(FLOW_PASSWORD), 401);
	ck_assert_uint_eq(sign_in_status(NEW), 200);
	flow_free(&f);
}
END_TEST

START_TEST(a_foreign_return_address_is_dropped)
{
	struct flow_answer a;

	open_flow();
	a = flow_post(&f, POST_TO, FORM,
		      flow_text(&f, "%s&rd=https://evil.example/",
				fields(ticket_of_form(""), NEW, NEW)),
		      pre);
	ck_assert_uint_eq(a.status, 303);
	ck_assert(!flow_holds(a.raw, "evil"));
	flow_free(&f);
}
END_TEST

START_TEST(a_program_gets_a_ticket)
{
	struct flow_answer a;
	const char *ticket;

	open_flow();
	ticket = ticket_of_program(NULL);
	a = program_sends(ticket, "short", NULL);
	ck_assert_uint_eq(a.status, 422);
	ck_assert(flow_holds(a.body, "password_refused"));
	/* It had no cookie, so the ticket counts alone. */
	a = program_sends(ticket, NEW, OTHER_PRE);
	ck_assert_uint_eq(a.status, 200);
	ck_assert(flow_holds(a.body, "\"name\":\"alice\""));
	ck_assert_uint_eq(seen(&a), 204);
	a = program_sends(ticket, NEW, NULL);
	ck_assert_uint_eq(a.status, 401);
	ck_assert(flow_holds(a.body, "invalid_ticket"));
	flow_free(&f);
}
END_TEST

/* Sessions that exist go on: also the one of the browser that gets a ticket. */
START_TEST(old_sessions_go_on)
{
	const char *old;

	open_flow();
	flow_must_change(&f, false);
	old = flow_login(&f, "alice");
	flow_must_change(&f, true);
	(void)ticket_of_program(old);
	ck_assert_uint_eq(flow_verify(&f, "/", old, NULL).status, 204);
	(void)program_sends(ticket_of_program(NULL), NEW, NULL);
	ck_assert_uint_eq(flow_verify(&f, "/", old, NULL).status, 401);
	flow_free(&f);
}
END_TEST

/* A user who proves again who they are. */
START_TEST(a_step_leads_to_the_form)
{
	struct flow_answer page, a;
	const char *old;

	open_flow();
	flow_must_change(&f, false);
	old = flow_login(&f, "alice");
	page = flow_get(&f, "/auth/login?step=1", old, NULL);
	ck_assert_uint_eq(page.status, 200);
	csrf = flow_csrf(&f, &page);
	pre = flow_text(&f, "%s; " PRE "=%s", old, flow_cookie(&f, &page, PRE));
	flow_must_change(&f, true);
	a = send_new(ticket_of_form("&step=1"), NEW);
	ck_assert_uint_eq(a.status, 303);
	ck_assert_uint_eq(seen(&a), 204);
	ck_assert_uint_eq(flow_sessions(&f, "alice").n, 1);
	flow_free(&f);
}
END_TEST

START_TEST(bodies_without_the_fields)
{
	static const char *const bodies[] = { "", "ticket=x", "new=" NEW,
					      "ticket=x&ticket=x&new=" NEW };

	open_flow();
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		ck_assert_uint_eq(
		    flow_post(&f, POST_TO, FORM, bodies[i], pre).status, 400);
	ck_assert_uint_eq(program_sends("x", NEW, NULL).status, 401);
	ck_assert_uint_eq(flow_get(&f, POST_TO, NULL, NULL).status, 405);
	flow_free(&f);
}
END_TEST

START_TEST(a_refused_password_keeps_the_ticket)
{
	struct flow_answer a;
	const char *ticket;

	open_flow();
	ticket = ticket_of_form("");
	a = send_new(ticket, "short");
	ck_assert_uint_eq(a.status, 422);
	ck_assert(flow_holds(a.body, "too short"));
	ck_assert_str_eq(ticket_in(&a, "name=\"ticket\" value=\""), ticket);
	a = send_new(ticket, "correct+horse+battery");
	ck_assert_uint_eq(a.status, 422);
	ck_assert(flow_holds(a.body, "the same as the current one"));
	a = flow_post(&f, POST_TO, FORM, fields(ticket, NEW, "x"), pre);
	ck_assert_uint_eq(a.status, 422);
	ck_assert(flow_holds(a.body, "differ"));
	ck_assert(flow_has_to_change(&f));
	ck_assert_uint_eq(program_sends(ticket, FLOW_PASSWORD, pre).status,
			  422);
	ck_assert_uint_eq(send_new(ticket, NEW).status, 303);
	flow_free(&f);
}
END_TEST

/* What happens to the user while they think of a password. */
START_TEST(the_user_is_checked_again)
{
	struct user *alice = &f.users_table.v[0];
	struct flow_answer a;
	struct str hash;
	const char *ticket;

	open_flow();
	hash = alice->hash;
	ticket = ticket_of_form("");
	alice->disabled = true;
	a = send_new(ticket, NEW);
	ck_assert(begins_again(&a));
	alice->disabled = false;
	alice->hash = STR("$another");
	a = send_new(ticket, NEW);
	ck_assert(begins_again(&a));
	alice->hash = hash;
	for (int i = 0; i < 5; i++)
		(void)sign_in_status("wrong");
	a = send_new(ticket, NEW);
	ck_assert_uint_eq(a.status, 429);
	ck_assert_ptr_nonnull(flow_header(&a, "Retry-After").p);
	ck_assert_uint_eq(program_sends(ticket, NEW, pre).status, 429);
	ck_assert(flow_has_to_change(&f));
	flow_free(&f);
}
END_TEST

/* The user source cannot set passwords any more. */
START_TEST(passwords_that_are_changed_elsewhere)
{
	struct flow_answer a;

	flow_init(&f, NULL);
	flow_must_change(&f, true);
	a = flow_get(&f, "/auth/login", NULL, NULL);
	csrf = flow_csrf(&f, &a);
	pre = flow_text(&f, "HTTP_COOKIE=" PRE "=%s", flow_cookie(&f, &a, PRE));
	a = send_login("");
	ck_assert_uint_eq(a.status, 403);
	ck_assert(flow_holds(a.body, "cannot be changed here"));
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);
	ck_assert_uint_eq(a.status, 403);
	ck_assert(flow_holds(a.body, "password_change_required"));
	ck_assert(!flow_holds(a.body, "ticket"));
	ck_assert_uint_eq(flow_sessions(&f, NULL).n, 0);
	flow_free(&f);
}
END_TEST

START_TEST(users_without_an_account)
{
	struct flow_answer a;

	open_flow();
	ck_assert_uint_eq(flow_sign_in(&f, "bob", FLOW_PASSWORD, NULL).status,
			  200);
	flow_no_factors(&f);
	ck_assert_uint_eq(sign_in_status(FLOW_PASSWORD), 200);
	a = program_sends("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NEW,
			  NULL);
	ck_assert_uint_eq(a.status, 401);
	flow_free(&f);
}
END_TEST

/* Other sign-ins take all slots. */
START_TEST(the_form_waits_for_a_slot)
{
	struct hash_place place, other[2] = { { .wake = NULL } };
	struct flow_answer a;
	const char *ticket;

	open_flow();
	ticket = ticket_of_form("");
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		hash_slots_add(f.shared.hash_slots, &other[i]);
	a = send_new(ticket, NEW);
	ck_assert_uint_eq(a.status, 503);
	ck_assert(flow_holds(a.body, "Too many people are signing in"));
	ck_assert_str_eq(ticket_in(&a, "name=\"ticket\" value=\""), ticket);
	place = (struct hash_place){ .wake = wake };
	f.place = &place;
	(void)send_new(ticket, NEW);
	ck_assert(f.queued);
	hash_slots_give(f.shared.hash_slots, &other[0]);
	a = send_new(ticket, NEW);
	ck_assert(!f.queued);
	ck_assert_uint_eq(a.status, 303);
	hash_slots_give(f.shared.hash_slots, &other[1]);
	flow_free(&f);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("must_change");

	tcase_add_test(t, a_form_leads_to_the_form);
	tcase_add_test(t, the_new_password_signs_in);
	tcase_add_test(t, a_foreign_return_address_is_dropped);
	tcase_add_test(t, a_program_gets_a_ticket);
	tcase_add_test(t, old_sessions_go_on);
	tcase_add_test(t, a_step_leads_to_the_form);
	tcase_add_test(t, bodies_without_the_fields);
	tcase_add_test(t, a_refused_password_keeps_the_ticket);
	tcase_add_test(t, the_user_is_checked_again);
	tcase_add_test(t, passwords_that_are_changed_elsewhere);
	tcase_add_test(t, users_without_an_account);
	tcase_add_test(t, the_form_waits_for_a_slot);
	return run_case(t);
}
