/* SPDX-License-Identifier: MIT */
/* Contract: accounts, and the removal of everything that a user has. */
#include "tests/contract/factors/fixture.h"
#include "tests/support/call.h"

static struct account
account_of(struct fixture *r, const char *user)
{
	struct account is;

	memset(&is, 0xa5, sizeof(is));
	OK(r, factors_account(r->conn, NOW(r), str_from(user), &is, &r->err));
	return is;
}

static void
set(struct fixture *r, const struct account_change *change, int64_t now)
{
	OK(r, factors_account_set(r->conn, AT(r, now), change, &r->err));
}

/* Without padding bytes, which may have any value. */
static bool
account_is_zero(const struct account *is)
{
	static const uint8_t none[ACCOUNT_HANDLE_BYTES];

	return memcmp(is->handle, none, sizeof(none)) == 0 &&
	       !is->must_change && is->verified_email.n == 0 &&
	       is->notify == NOTIFY_DEFAULT && is->since_ms == 0;
}

START_TEST(an_unknown_account_is_zero)
{
	static const char *const names[] = { "alice", "", "no such name",
					     "' OR 1=1 --" };
	struct fixture *r = fixture_open();

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct account is = account_of(r, names[i]);

		HOLDS(r, account_is_zero(&is));
	}
	fixture_close(r);
}
END_TEST

START_TEST(a_change_sets_the_fields_that_it_names)
{
	struct fixture *r = fixture_open();
	struct account_change all = {
		.user = STR("alice"),
		.fields = ACCOUNT_MUST_CHANGE | ACCOUNT_VERIFIED_EMAIL |
			  ACCOUNT_NOTIFY,
		.must_change = true,
		.verified_email = STR("a\xc3\xa4@example.com"),
		.notify = NOTIFY_NO,
	};
	struct account is;

	set(r, &all, r->now);
	is = account_of(r, "alice");
	HOLDS(r, is.must_change && is.notify == NOTIFY_NO);
	HOLDS(r, str_eq(is.verified_email, all.verified_email));
	SAME(r, is.since_ms, r->now);

	all.must_change = false;
	all.verified_email = STR("other@example.com");
	all.notify = NOTIFY_YES;
	all.fields = ACCOUNT_MUST_CHANGE;
	set(r, &all, r->now + 1);
	is = account_of(r, "alice");
	HOLDS(r, !is.must_change && is.notify == NOTIFY_NO);
	HOLDS(r, str_eq(is.verified_email, STR("a\xc3\xa4@example.com")));
	all.fields = ACCOUNT_NOTIFY;
	set(r, &all, r->now + 2);
	HOLDS(r, account_of(r, "alice").notify == NOTIFY_YES);
	all.fields = ACCOUNT_VERIFIED_EMAIL;
	set(r, &all, r->now + 3);
	is = account_of(r, "alice");
	HOLDS(r, str_eq(is.verified_email, all.verified_email));
	all.verified_email = STR("");
	set(r, &all, r->now + 4);
	is = account_of(r, "alice");
	HOLDS(r, is.verified_email.n == 0);
	SAME(r, is.since_ms, r->now);
	is = account_of(r, "Alice");
	HOLDS(r, account_is_zero(&is));
	fixture_close(r);
}
END_TEST

/* Fields that the first change does not name are zero. */
START_TEST(a_new_account_has_only_what_is_named)
{
	struct fixture *r = fixture_open();
	const struct account_change change = {
		.user = STR("bob"),
		.fields = ACCOUNT_NOTIFY,
		.must_change = true,
		.verified_email = STR("b@example.com"),
		.notify = NOTIFY_YES,
	};
	struct account is;

	set(r, &change, r->now);
	is = account_of(r, "bob");
	HOLDS(r, !is.must_change && is.verified_email.n == 0);
	HOLDS(r, is.notify == NOTIFY_YES);
	fixture_close(r);
}
END_TEST

START_TEST(a_handle_is_random_and_stays)
{
	static const uint8_t none[ACCOUNT_HANDLE_BYTES];
	struct fixture *r = fixture_open();
	struct account_change change = { .user = STR("alice"),
					 .fields = ACCOUNT_MUST_CHANGE };
	struct account alice, bob, again;

	set(r, &change, r->now);
	alice = account_of(r, "alice");
	HOLDS(r, memcmp(alice.handle, none, sizeof(none)) != 0);
	change.user = STR("bob");
	set(r, &change, r->now);
	bob = account_of(r, "bob");
	HOLDS(r, memcmp(alice.handle, bob.handle, sizeof(none)) != 0);
	change.user = STR("alice");
	set(r, &change, r->now + 1);
	again = account_of(r, "alice");
	ck_assert_mem_eq(again.handle, alice.handle, sizeof(none));
	fixture_close(r);
}
END_TEST

START_TEST(accounts_survive_a_restart)
{
	struct fixture *r = fixture_open();
	const struct account_change change = { .user = STR("alice"),
					       .fields = ACCOUNT_MUST_CHANGE,
					       .must_change = true };
	struct one_time s = fixture_secret(r, ONE_TIME_RESET, 1);

	set(r, &change, r->now);
	fixture_put(r, &s, true);
	fixture_stop(r);
	fixture_start(r);
	if ((r->ops->base.driver.caps & BACKEND_PERSISTENT) != 0) {
		HOLDS(r, account_of(r, "alice").must_change);
		HOLDS(r, fixture_is_valid(r, &s, r->now));
	}
	fixture_close(r);
}
END_TEST

START_TEST(a_removed_user_has_nothing)
{
	struct fixture *r = fixture_open();
	struct account_change change = { .user = STR("alice"),
					 .fields = ACCOUNT_MUST_CHANGE,
					 .must_change = true };
	struct one_time s[3] = { fixture_secret(r, ONE_TIME_RESET, 1),
				 fixture_secret(r, ONE_TIME_TICKET, 2),
				 fixture_secret(r, ONE_TIME_TICKET, 3) };
	struct mail_list mails;
	struct account is;
	int64_t n = -1;

	set(r, &change, r->now);
	change.user = STR("bob");
	set(r, &change, r->now);
	s[2].user = STR("bob");
	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		fixture_put(r, &s[i], false);
	fixture_add_mail(r, "reset", r->now);
	OK(r, factors_remove_user(r->conn, NOW(r), STR("alice"), &n, &r->err));
	SAME(r, n, 4);
	is = account_of(r, "alice");
	HOLDS(r, account_is_zero(&is));
	HOLDS(r, account_of(r, "bob").must_change);
	HOLDS(r, !fixture_is_valid(r, &s[0], r->now));
	HOLDS(r, !fixture_is_valid(r, &s[1], r->now));
	HOLDS(r, fixture_is_valid(r, &s[2], r->now));
	OK(r, factors_mail_claim(r->conn, NOW(r), 9, 1000, &mails, &r->err));
	SAME(r, mails.n, 0);
	OK(r, factors_remove_user(r->conn, NOW(r), STR("alice"), &n, &r->err));
	SAME(r, n, 0);
	OK(r, factors_remove_user(r->conn, NOW(r), STR(""), &n, &r->err));
	SAME(r, n, 0);
	fixture_close(r);
}
END_TEST

TCase *
factors_account_cases(void)
{
	TCase *t = new_case("accounts");

	tcase_add_test(t, an_unknown_account_is_zero);
	tcase_add_test(t, a_change_sets_the_fields_that_it_names);
	tcase_add_test(t, a_new_account_has_only_what_is_named);
	tcase_add_test(t, a_handle_is_random_and_stays);
	tcase_add_test(t, accounts_survive_a_restart);
	tcase_add_test(t, a_removed_user_has_nothing);
	return t;
}
