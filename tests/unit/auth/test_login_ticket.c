/* SPDX-License-Identifier: MIT */
/* Tickets of sign-ins that are not complete: good for nothing else, once, in
 * one browser; and what happens when a store fails. */
#include "tests/unit/auth/must_change_fixture.h"

static const struct {
	const char *uri, *method;
	unsigned status;
} uses[] = {
	{ "/auth/me", "GET", 401 },	  { "/auth/account", "GET", 401 },
	{ "/auth/sessions", "GET", 401 }, { "/auth/sessions", "DELETE", 401 },
	{ "/auth/refresh", "POST", 401 },
};

START_TEST(a_ticket_is_no_credential)
{
	const char *ticket, *brought[2];

	open_flow();
	ticket = ticket_of_form("");
	brought[0] = flow_text(&f, "HTTP_AUTHORIZATION=Bearer %s", ticket);
	brought[1] = flow_text(&f, "HTTP_COOKIE=" COOKIE "=%s; " PRE "=%s",
			       ticket, ticket);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(flow_verify(&f, "/", brought[i], NULL).status,
				  401);
		for (size_t k = 0; k < ARRAY_LEN(uses); k++) {
			const char *const params[] = {
				flow_text(&f, "REQUEST_METHOD=%s",
					  uses[k].method),
				flow_text(&f, "REQUEST_URI=%s", uses[k].uri),
				brought[i], NULL
			};
			const unsigned status =
			    flow_ask(&f, false, params, NULL).status;

			ck_assert_msg(status == uses[k].status,
				      "%s %s: the status is %u", uses[k].method,
				      uses[k].uri, status);
		}
	}
	ck_assert_uint_eq(flow_get(&f, flow_text(&f, "/auth/link/%s", ticket),
				   NULL, NULL)
			      .status,
			  404);
	ck_assert_uint_eq(send_new(ticket, NEW).status, 303);
	flow_free(&f);
}
END_TEST

START_TEST(a_ticket_belongs_to_a_browser)
{
	struct flow_answer a;
	const char *ticket, *mine, *my_csrf;

	open_flow();
	ticket = ticket_of_form("");
	mine = pre;
	my_csrf = csrf;
	/* The login page of another browser, with a right token. */
	a = flow_get(&f, "/auth/login", NULL, NULL);
	csrf = flow_csrf(&f, &a);
	pre = flow_text(&f, "HTTP_COOKIE=" PRE "=%s", flow_cookie(&f, &a, PRE));
	a = send_new(ticket, NEW);
	ck_assert(begins_again(&a));
	ck_assert_uint_eq(program_sends(ticket, NEW, pre).status, 401);
	ck_assert_uint_eq(program_sends(ticket, NEW, NULL).status, 401);
	ck_assert_uint_eq(program_sends(ticket, NEW, OTHER_PRE).status, 401);
	a = flow_get(&f, AGAIN, "HTTP_SEC_FETCH_SITE=same-origin", NULL);
	ck_assert(flow_holds(a.body, "Please sign in again."));
	pre = mine;
	csrf = my_csrf;
	ck_assert_uint_eq(send_new(ticket, NEW).status, 303);
	flow_free(&f);
}
END_TEST

START_TEST(a_ticket_works_once)
{
	struct flow_answer a;
	const char *ticket, *second;

	open_flow();
	ticket = ticket_of_form("");
	second = ticket_of_form("");
	ck_assert_uint_eq(seen((a = send_new(ticket, NEW), &a)), 204);
	a = send_new(ticket, NEW " 2");
	ck_assert(begins_again(&a));
	/* It has voided the others, too. */
	a = send_new(second, NEW " 2");
	ck_assert(begins_again(&a));
	ck_assert_uint_eq(sign_in_status(NEW), 200);
	flow_free(&f);
}
END_TEST

static void
void_tickets(struct users_fake_table *t, unsigned nth)
{
	struct err err;

	(void)t;
	(void)nth;
	ck_assert_int_eq(factors_one_time_void(f.conns.factors,
					       flow_call(&f, 1000 * FAKE_NOW),
					       STR("alice"), ONE_TIME_TICKET,
					       NULL, &err),
			 0);
}

/* Another request uses the ticket up after this one has found it. */
START_TEST(of_two_requests_one_wins)
{
	struct flow_answer a;
	const char *ticket;

	open_flow();
	ticket = ticket_of_form("");
	f.users_table.on_find = void_tickets;
	a = send_new(ticket, NEW);
	ck_assert(begins_again(&a));
	f.users_table.on_find = NULL;
	ck_assert(flow_has_to_change(&f));
	ck_assert_uint_eq(sign_in_status(FLOW_PASSWORD), 403);
	flow_free(&f);
}
END_TEST

START_TEST(a_ticket_expires)
{
	struct flow_answer a;
	const char *ticket;

	open_flow();
	ticket = ticket_of_form("");
	fake_env_advance(&f.fake, 299);
	ck_assert_uint_eq(send_new(ticket, "short").status, 422);
	fake_env_advance(&f.fake, 1);
	a = send_new(ticket, NEW);
	ck_assert(begins_again(&a));
	ck_assert(flow_has_to_change(&f));
	flow_free(&f);
}
END_TEST

START_TEST(other_sites_are_refused)
{
	const char *ticket, *right;
	const char *params[] = { "REQUEST_METHOD=POST",
				 "REQUEST_URI=" POST_TO,
				 "CONTENT_TYPE=" FORM,
				 FOREIGN,
				 NULL,
				 NULL };

	open_flow();
	ticket = ticket_of_form("");
	right = csrf;
	params[4] = pre;
	ck_assert_uint_eq(
	    flow_ask(&f, false, params, fields(ticket, NEW, NEW)).status, 403);
	csrf = "x";
	ck_assert_uint_eq(send_new(ticket, NEW).status, 403);
	csrf = right;
	ck_assert(flow_has_to_change(&f));
	ck_assert_uint_eq(send_new(ticket, NEW).status, 303);
	flow_free(&f);
}
END_TEST

/* Each call of the factor store fails once. */
START_TEST(no_session_without_the_factor_store)
{
	unsigned status = 503;

	for (unsigned fail = 1; status == 503; fail++) {
		struct flow_answer a;
		const char *old;

		open_flow();
		flow_must_change(&f, false);
		old = flow_login(&f, "alice");
		flow_must_change(&f, true);
		factors_faulty_fail(&f.factors_faulty, fail, _i == 1);
		a = flow_sign_in(&f, "alice", FLOW_PASSWORD, old);
		status = a.status;
		ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
		ck_assert_uint_eq(flow_verify(&f, "/", old, NULL).status, 204);
		ck_assert_uint_eq(flow_sessions(&f, "alice").n, 1);
		ck_assert(fail > 1 || status == 503);
		flow_free(&f);
	}
	ck_assert_uint_eq(status, 403);
}
END_TEST

static void
fail_nth(int which, unsigned fail)
{
	switch (which) {
	case 0:
		store_faulty_fail(&f.faulty, fail, false);
		break;
	case 1:
		factors_faulty_fail(&f.factors_faulty, fail, false);
		break;
	default:
		f.users_table.fail_find =
		    fail > 0 ? atomic_load(&f.users_table.finds) + fail : 0;
		break;
	}
}

/* Each call of a store, of the factor store or to find the user fails once. */
START_TEST(nothing_or_the_whole_change)
{
	bool done = false;

	for (unsigned fail = 1; !done; fail++) {
		const char *ticket;
		struct flow_answer a;

		open_flow();
		ticket = ticket_of_form("");
		fail_nth(_i, fail);
		a = send_new(ticket, NEW);
		done = a.status == 303;
		ck_assert(done || a.status == 503 || a.status == 200);
		ck_assert(done == (flow_cookie(&f, &a, COOKIE) != NULL));
		fail_nth(_i, 0);
		fake_env_advance(&f.fake, 60); /* for the breaker */
		/* Without an answer the password may be set: that is whole, and
		 * only the session is missing. */
		if (sign_in_status(FLOW_PASSWORD) == 403) {
			ck_assert(!done && flow_has_to_change(&f));
			ck_assert_uint_eq(flow_sessions(&f, NULL).n, 0);
		} else {
			/* The user may be asked once more. */
			ck_assert(a.status != 200 || flow_has_to_change(&f));
			ck_assert_uint_eq(sign_in_status(FLOW_PASSWORD), 401);
			ck_assert_uint_eq(sign_in_status(NEW),
					  flow_has_to_change(&f) ? 403 : 200);
		}
		flow_free(&f);
		ck_assert(fail > 1 || !done);
	}
}
END_TEST

/* A store that was away leaves the ticket valid. */
START_TEST(the_ticket_is_put_back)
{
	const char *ticket;

	open_flow();
	ticket = ticket_of_form("");
	for (unsigned fail = 1;; fail++) {
		struct flow_answer a;

		store_faulty_fail(&f.faulty, fail, false);
		a = send_new(ticket, NEW);
		store_faulty_fail(&f.faulty, 0, false);
		fake_env_advance_ms(&f.fake, 2000);
		if (!flow_has_to_change(&f))
			break;
		ck_assert_uint_eq(a.status, 503);
		ck_assert_uint_eq(send_new(ticket, "short").status, 422);
	}
	flow_free(&f);
}
END_TEST

/* Each allocation fails once: of the sign-in, and of the new password. */
START_TEST(failed_allocation_is_safe)
{
	struct flow_answer a;
	unsigned step = 0;

	do {
		const char *ticket;

		open_flow();
		ticket = ticket_of_form("");
		f.fail_after = ++step;
		a = _i == 0 ? send_login("") : send_new(ticket, NEW);
		if (f.arena_failed) {
			ck_assert_msg(a.status == 0 || a.status >= 500,
				      "step %u: the status is %u", step,
				      a.status);
			ck_assert_ptr_null(flow_cookie(&f, &a, COOKIE));
		}
		flow_free(&f);
	} while (f.arena_failed);
	ck_assert_uint_gt(step, 10);
	ck_assert_uint_eq(a.status, _i == 0 ? 200 : 303);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("ticket");

	tcase_add_test(t, a_ticket_is_no_credential);
	tcase_add_test(t, a_ticket_belongs_to_a_browser);
	tcase_add_test(t, a_ticket_works_once);
	tcase_add_test(t, of_two_requests_one_wins);
	tcase_add_test(t, a_ticket_expires);
	tcase_add_test(t, other_sites_are_refused);
	tcase_add_loop_test(t, no_session_without_the_factor_store, 0, 2);
	tcase_add_loop_test(t, nothing_or_the_whole_change, 0, 3);
	tcase_add_test(t, the_ticket_is_put_back);
	tcase_add_loop_test(t, failed_allocation_is_safe, 0, 2);
	return run_case(t);
}
