/* SPDX-License-Identifier: MIT */
/* A new password: what follows from it, and what is left of it if a part of it
 * fails. */
#include "tests/unit/auth/flow_fixture.h"

#include "auth/new_password.h"

#include <string.h>

#define NEW "a quite different phrase"

static struct flow_exchange x;

static void
open_flow(void)
{
	flow_init(&f, NULL);
	flow_rehash(&f);
}

static struct user *
alice(void)
{
	return &f.users_table.v[0];
}

/* Sets the password of alice; the session of `keep` goes on. */
static int
give(const char *password, const struct session_id *keep,
     struct new_password_result *out)
{
	static const char *const params[] = { NULL };
	struct user_answer is;
	struct err err;
	struct new_password n = { .user = &is.user,
				  .password = str_from(password),
				  .keep = keep };

	flow_exchange(&f, params, &x);
	ck_assert_int_eq(users_find(x.e.call.users, &x.e.call, STR("alice"),
				    &is, &err),
			 0);
	return new_password_give(&x.e, &n, out, &err);
}

static unsigned
seen(const char *cookie)
{
	return flow_verify(&f, "/", cookie, NULL).status;
}

START_TEST(all_sessions_of_the_user_end)
{
	struct new_password_result r;
	const char *old, *other;

	open_flow();
	old = flow_login(&f, "alice");
	other = flow_login(&f, "bob");
	flow_must_change(&f, true);
	ck_assert_int_eq(give(NEW, NULL, &r), 0);
	ck_assert_int_eq(r.answer, NEW_PASSWORD_DONE);
	ck_assert_uint_eq(seen(old), 401);
	ck_assert_uint_eq(seen(other), 204);
	ck_assert(!flow_has_to_change(&f));
	ck_assert_uint_eq(flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL).status,
			  401);
	ck_assert_uint_eq(flow_sign_in(&f, "alice", NEW, NULL).status, 200);
	flow_free(&f);
}
END_TEST

START_TEST(one_session_goes_on)
{
	struct new_password_result r;
	const char *old, *kept;
	struct session_id id;

	open_flow();
	kept = flow_login(&f, "alice");
	id = flow_sessions(&f, "alice").v[0].id;
	old = flow_login(&f, "alice");
	ck_assert_int_eq(give(NEW, &id, &r), 0);
	ck_assert_int_eq(r.answer, NEW_PASSWORD_DONE);
	ck_assert_uint_eq(seen(old), 401);
	/* Also when the user is looked up again. */
	fake_env_advance(&f.fake, 60);
	ck_assert_uint_eq(seen(kept), 204);
	flow_free(&f);
}
END_TEST

START_TEST(links_are_voided)
{
	struct one_time link = { .kind = ONE_TIME_RESET,
				 .user = STR("alice"),
				 .expires_ms = 1000 * FAKE_NOW + 60000 };
	struct new_password_result r;
	struct one_time_answer is;
	struct err err;

	open_flow();
	ck_assert_int_eq(factors_one_time_put(f.conns.factors,
					      flow_call(&f, 1000 * FAKE_NOW),
					      &link, true, &err),
			 0);
	ck_assert_int_eq(give(NEW, NULL, &r), 0);
	ck_assert_int_eq(factors_one_time_peek(f.conns.factors,
					       flow_call(&f, 1000 * FAKE_NOW),
					       &link.hash, link.kind, &is,
					       &err),
			 0);
	ck_assert(!is.found);
	flow_free(&f);
}
END_TEST

START_TEST(the_policy_refuses)
{
	struct new_password_result r;

	open_flow();
	ck_assert_int_eq(give("short", NULL, &r), 0);
	ck_assert_int_eq(r.answer, NEW_PASSWORD_REFUSED);
	ck_assert_int_eq(r.verdict.fault, PASSWORD_TOO_SHORT);
	flow_free(&f);
}
END_TEST

START_TEST(a_source_that_cannot_write)
{
	struct new_password_result r;

	flow_init(&f, NULL);
	ck_assert_int_eq(give(NEW, NULL, &r), 0);
	ck_assert_int_eq(r.answer, NEW_PASSWORD_ELSEWHERE);
	flow_free(&f);
}
END_TEST

START_TEST(a_user_who_was_changed_meanwhile)
{
	static const char *const params[] = { NULL };
	struct new_password_result r;
	struct user before;
	struct err err;
	struct new_password n = { .user = &before, .password = STR(NEW) };

	open_flow();
	before = *alice();
	before.hash = STR("$another");
	flow_exchange(&f, params, &x);
	ck_assert_int_eq(new_password_give(&x.e, &n, &r, &err), 0);
	ck_assert_int_eq(r.answer, NEW_PASSWORD_STALE);
	flow_free(&f);
}
END_TEST

/* Each call of the store fails once; with and without a session that goes
 * on. */
START_TEST(the_old_password_stays_if_sessions_cannot_be_ended)
{
	struct new_password_result r;
	bool done = false;

	for (unsigned fail = 1; !done; fail++) {
		struct session_id id;
		const char *kept, *log;

		open_flow();
		kept = flow_login(&f, "alice");
		id = flow_sessions(&f, "alice").v[0].id;
		flow_must_change(&f, true);
		flow_log(&f, LOG_INFO);
		store_faulty_fail(&f.faulty, fail, false);
		done = give(NEW, _i == 0 ? NULL : &id, &r) == 0;
		store_faulty_fail(&f.faulty, 0, false);
		log = flow_logged(&f);
		ck_assert((strstr(log, "password_changed") != NULL) == done);
		ck_assert(done || strstr(log, "sessions_ended") == NULL);
		fake_env_advance(&f.fake, 60); /* for the breaker */
		ck_assert(flow_has_to_change(&f) != done);
		flow_must_change(&f, false);
		if (!done)
			ck_assert_uint_eq(seen(kept), 204);
		ck_assert_uint_eq(
		    flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL).status,
		    done ? 401 : 200);
		flow_free(&f);
		ck_assert(fail > 1 || !done);
	}
}
END_TEST

/* Each call of the factor store fails once. */
START_TEST(the_change_stands_without_the_factor_store)
{
	struct new_password_result r;
	bool cleared = false;

	for (unsigned fail = 1; !cleared; fail++) {
		const char *old, *log;

		open_flow();
		old = flow_login(&f, "alice");
		flow_must_change(&f, true);
		flow_log(&f, LOG_INFO);
		factors_faulty_fail(&f.factors_faulty, fail, false);
		ck_assert_int_eq(give(NEW, NULL, &r), 0);
		ck_assert_int_eq(r.answer, NEW_PASSWORD_DONE);
		factors_faulty_fail(&f.factors_faulty, 0, false);
		log = flow_logged(&f);
		ck_assert_ptr_nonnull(strstr(log, "sessions_ended user=alice"));
		ck_assert_ptr_nonnull(strstr(log,
					     "password_changed user=alice"));
		fake_env_advance(&f.fake, 60); /* for the breaker */
		cleared = !flow_has_to_change(&f);
		ck_assert((strstr(log, "account_not_cleared user=alice ") !=
			   NULL) == !cleared);
		flow_must_change(&f, false);
		ck_assert_uint_eq(seen(old), 401);
		ck_assert_uint_eq(flow_sign_in(&f, "alice", NEW, NULL).status,
				  200);
		flow_free(&f);
		ck_assert(fail > 1 || !cleared);
	}
}
END_TEST

/* The sessions have ended, and the next call of the store fails: the mark of
 * the session that goes on. */
START_TEST(without_its_new_mark_a_session_ends)
{
	struct new_password_result r;
	struct session_id id;
	const char *kept;

	open_flow();
	kept = flow_login(&f, "alice");
	id = flow_sessions(&f, "alice").v[0].id;
	flow_log(&f, LOG_INFO);
	store_faulty_fail(&f.faulty, 2, false);
	ck_assert_int_eq(give(NEW, &id, &r), 0);
	store_faulty_fail(&f.faulty, 0, false);
	ck_assert_ptr_nonnull(strstr(flow_logged(&f),
				     "session_not_kept user=alice "));
	fake_env_advance(&f.fake, 60);
	ck_assert_uint_eq(seen(kept), 401);
	flow_free(&f);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("new_password");

	tcase_add_test(t, all_sessions_of_the_user_end);
	tcase_add_test(t, one_session_goes_on);
	tcase_add_test(t, links_are_voided);
	tcase_add_test(t, the_policy_refuses);
	tcase_add_test(t, a_source_that_cannot_write);
	tcase_add_test(t, a_user_who_was_changed_meanwhile);
	tcase_add_loop_test(t,
			    the_old_password_stays_if_sessions_cannot_be_ended,
			    0, 2);
	tcase_add_test(t, the_change_stands_without_the_factor_store);
	tcase_add_test(t, without_its_new_mark_a_session_ends);
	return run_case(t);
}
