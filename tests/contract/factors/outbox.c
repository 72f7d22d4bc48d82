/* SPDX-License-Identifier: MIT */
/* Contract: the mail that waits. */
#include "tests/contract/factors/fixture.h"
#include "tests/support/call.h"

#define LEASE_MS INT64_C(60000)

static struct mail_list
claim(struct fixture *r, size_t limit, int64_t now)
{
	struct mail_list list;

	memset(&list, 0xa5, sizeof(list));
	OK(r, factors_mail_claim(r->conn, AT(r, now), limit, LEASE_MS, &list,
				 &r->err));
	return list;
}

/* Claims the only mail that is due. */
static struct mail
claim_one(struct fixture *r, int64_t now)
{
	struct mail_list list = claim(r, 9, now);

	SAME(r, list.n, 1);
	return list.v[0];
}

START_TEST(a_mail_is_claimed_with_all_its_fields)
{
	struct fixture *r = fixture_open();
	const struct mail m = fixture_mail(r, "reset");
	struct mail is;

	SAME(r, claim(r, 9, r->now).n, 0);
	fixture_add_mail(r, "reset", r->now);
	is = claim_one(r, r->now);
	HOLDS(r, str_eq(is.user, m.user) && str_eq(is.to, m.to));
	HOLDS(r, str_eq(is.kind, m.kind) && str_eq(is.body, m.body));
	SAME(r, is.created_ms, r->now);
	SAME(r, is.next_ms, r->now + LEASE_MS);
	SAME(r, is.expires_ms, m.expires_ms);
	SAME(r, is.tries, 1);
	fixture_close(r);
}
END_TEST

/* An instance that dies does not keep a mail from being sent. */
START_TEST(a_claim_is_a_lease)
{
	struct fixture *r = fixture_open();
	struct mail is;

	fixture_add_mail(r, "reset", r->now);
	(void)claim_one(r, r->now);
	SAME(r, claim(r, 9, r->now + LEASE_MS - 1).n, 0);
	is = claim_one(r, r->now + LEASE_MS);
	SAME(r, is.tries, 2);
	OK(r, factors_mail_done(r->conn, NOW(r), is.id, &r->err));
	SAME(r, claim(r, 9, r->now + HOUR_MS).n, 0);
	OK(r, factors_mail_done(r->conn, NOW(r), is.id, &r->err));
	fixture_close(r);
}
END_TEST

START_TEST(a_retry_sets_when_a_mail_is_due)
{
	struct fixture *r = fixture_open();
	struct mail_retry retry = { .next_ms = r->now + HOUR_MS };
	struct mail is;

	fixture_add_mail(r, "reset", r->now);
	is = claim_one(r, r->now);
	memcpy(retry.id, is.id, sizeof(retry.id));
	retry.tries = is.tries;
	OK(r, factors_mail_retry(r->conn, NOW(r), &retry, &r->err));
	SAME(r, claim(r, 9, r->now + HOUR_MS - 1).n, 0);
	is = claim_one(r, r->now + HOUR_MS);
	SAME(r, is.tries, 2);
	/* The one who was late does not disturb the one who claimed it. */
	retry.next_ms = r->now;
	OK(r, factors_mail_retry(r->conn, NOW(r), &retry, &r->err));
	SAME(r, claim(r, 9, r->now + HOUR_MS + LEASE_MS - 1).n, 0);
	/* A mail that is done is not made again. */
	OK(r, factors_mail_done(r->conn, NOW(r), is.id, &r->err));
	retry.tries = is.tries;
	OK(r, factors_mail_retry(r->conn, NOW(r), &retry, &r->err));
	SAME(r, claim(r, 9, r->now + 2 * HOUR_MS).n, 0);
	fixture_close(r);
}
END_TEST

START_TEST(the_mail_that_waits_longest_is_first)
{
	static const char *const kinds[] = { "c", "a", "b" };
	struct fixture *r = fixture_open();
	const int64_t times[] = { r->now + 3, r->now + 1, r->now + 2 };
	struct mail_list list;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		fixture_add_mail(r, kinds[i], times[i]);
	list = claim(r, 2, r->now + 9);
	SAME(r, list.n, 2);
	HOLDS(r, str_eq(list.v[0].kind, STR("a")));
	HOLDS(r, str_eq(list.v[1].kind, STR("b")));
	list = claim(r, 2, r->now + 9);
	SAME(r, list.n, 1);
	HOLDS(r, str_eq(list.v[0].kind, STR("c")));
	fixture_close(r);
}
END_TEST

START_TEST(an_expired_mail_is_not_claimed)
{
	struct fixture *r = fixture_open();
	const struct mail m = fixture_mail(r, "reset");
	int64_t n = -1;

	fixture_add_mail(r, "reset", r->now);
	OK(r, factors_sweep(r->conn, AT(r, m.expires_ms - 1), 9, &n, &r->err));
	SAME(r, n, 0);
	SAME(r, claim(r, 9, m.expires_ms).n, 0);
	OK(r, factors_sweep(r->conn, AT(r, m.expires_ms), 9, &n, &r->err));
	SAME(r, n, 1);
	SAME(r, claim(r, 9, r->now).n, 0);
	fixture_close(r);
}
END_TEST

START_TEST(the_longest_mail_is_kept)
{
	static char body[MAIL_BODY_MAX], to[MAIL_ADDRESS_MAX];
	struct fixture *r = fixture_open();
	struct mail m = fixture_mail(r, "reset"), is;

	memset(body, 'b', sizeof(body));
	memset(to, 't', sizeof(to));
	m.body = (struct str){ .p = body, .n = sizeof(body) };
	m.to = (struct str){ .p = to, .n = sizeof(to) };
	m.user = STR("");
	OK(r, factors_mail_add(r->conn, NOW(r), &m, &r->err));
	is = claim_one(r, r->now);
	HOLDS(r, str_eq(is.body, m.body) && str_eq(is.to, m.to));
	SAME(r, is.user.n, 0);
	fixture_close(r);
}
END_TEST

/* It is not claimed, and removed before it expires. */
START_TEST(a_damaged_mail_does_not_stop_the_others)
{
	struct fixture *r = fixture_open();
	struct mail_list list;
	int64_t n = -1;

	if (factors_kind.damage != NULL) {
		fixture_add_mail(r, "damaged", r->now);
		fixture_add_mail(r, "reset", r->now + 1);
		factors_kind.damage(r->path);
		list = claim(r, 1, r->now + 2);
		SAME(r, list.n, 1);
		HOLDS(r, str_eq(list.v[0].kind, STR("reset")));
		SAME(r, claim(r, 9, r->now + 2).n, 0);
		OK(r, factors_sweep(r->conn, NOW(r), 9, &n, &r->err));
		SAME(r, n, 1);
		SAME(r, claim(r, 9, r->now + 2 + LEASE_MS).n, 1);
	}
	fixture_close(r);
}
END_TEST

TCase *
factors_outbox_cases(void)
{
	TCase *t = new_case("outbox");

	tcase_add_test(t, a_mail_is_claimed_with_all_its_fields);
	tcase_add_test(t, a_claim_is_a_lease);
	tcase_add_test(t, a_retry_sets_when_a_mail_is_due);
	tcase_add_test(t, the_mail_that_waits_longest_is_first);
	tcase_add_test(t, an_expired_mail_is_not_claimed);
	tcase_add_test(t, the_longest_mail_is_kept);
	tcase_add_test(t, a_damaged_mail_does_not_stop_the_others);
	return t;
}
