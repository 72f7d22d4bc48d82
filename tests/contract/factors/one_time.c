/* SPDX-License-Identifier: MIT */
/* Contract: one-time secrets. */
#include "tests/contract/factors/fixture.h"
#include "strategy/clock.h"
#include "tests/support/call.h"

static struct one_time_answer
take(struct fixture *r, const struct one_time *s, int64_t now)
{
	struct one_time_answer is;

	memset(&is, 0xa5, sizeof(is));
	OK(r, factors_one_time_take(r->conn, AT(r, now), &s->hash, s->kind, &is,
				    &r->err));
	return is;
}

static bool
secret_same(const struct one_time *a, const struct one_time *b)
{
	return memcmp(&a->hash, &b->hash, sizeof(a->hash)) == 0 &&
	       a->kind == b->kind && str_eq(a->user, b->user) &&
	       str_eq(a->data, b->data) && a->created_ms == b->created_ms &&
	       a->expires_ms == b->expires_ms;
}

static bool
answer_is_zero(const struct one_time_answer *is)
{
	static const struct one_time_answer none;

	return !is->found && secret_same(&is->secret, &none.secret);
}

START_TEST(a_secret_is_shown_and_taken_once)
{
	struct fixture *r = fixture_open();
	struct one_time s = fixture_secret(r, ONE_TIME_RESET, 1), expected = s;
	struct one_time_answer is;

	expected.created_ms = r->now;
	fixture_put(r, &s, true);
	for (int i = 0; i < 2; i++) {
		memset(&is, 0xa5, sizeof(is));
		OK(r, factors_one_time_peek(r->conn, NOW(r), &s.hash, s.kind,
					    &is, &r->err));
		HOLDS(r, is.found && secret_same(&is.secret, &expected));
	}
	is = take(r, &s, r->now);
	HOLDS(r, is.found && secret_same(&is.secret, &expected));
	is = take(r, &s, r->now);
	HOLDS(r, answer_is_zero(&is));
	HOLDS(r, !fixture_is_valid(r, &s, r->now));
	fixture_close(r);
}
END_TEST

START_TEST(the_kind_is_part_of_the_key)
{
	static const enum one_time_kind kinds[] = {
		ONE_TIME_TICKET, ONE_TIME_RESET,     ONE_TIME_INVITE,
		ONE_TIME_EMAIL,	 ONE_TIME_FORGOTTEN,
	};
	struct fixture *r = fixture_open();
	struct one_time s = fixture_secret(r, ONE_TIME_EMAIL, 1), other = s;

	fixture_put(r, &s, true);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		other.kind = kinds[i];
		if (other.kind == s.kind)
			continue;
		HOLDS(r, !fixture_is_valid(r, &other, r->now));
		HOLDS(r, !take(r, &other, r->now).found);
		/* Both may exist. */
		fixture_put(r, &other, true);
		HOLDS(r, take(r, &other, r->now).found);
	}
	other = s;
	other.hash.b[31] ^= 1;
	HOLDS(r, !take(r, &other, r->now).found);
	HOLDS(r, take(r, &s, r->now).found);
	fixture_close(r);
}
END_TEST

START_TEST(an_expired_secret_is_not_found)
{
	struct fixture *r = fixture_open();
	struct one_time s = fixture_secret(r, ONE_TIME_INVITE, 1);
	struct one_time_answer is;

	fixture_put(r, &s, true);
	HOLDS(r, fixture_is_valid(r, &s, s.expires_ms - 1));
	HOLDS(r, !fixture_is_valid(r, &s, s.expires_ms));
	is = take(r, &s, s.expires_ms);
	HOLDS(r, answer_is_zero(&is));
	is = take(r, &s, s.expires_ms + 99 * HOUR_MS);
	HOLDS(r, answer_is_zero(&is));
	/* It was not consumed. */
	HOLDS(r, take(r, &s, s.expires_ms - 1).found);
	fixture_close(r);
}
END_TEST

/* A clock that was ahead must not prolong a secret. */
START_TEST(a_secret_from_the_future_is_not_found)
{
	struct fixture *r = fixture_open();
	struct one_time s = fixture_secret(r, ONE_TIME_RESET, 1);

	fixture_put(r, &s, true);
	HOLDS(r, fixture_is_valid(r, &s, r->now - CLOCK_SLACK_MS));
	HOLDS(r, !fixture_is_valid(r, &s, r->now - CLOCK_SLACK_MS - 1));
	HOLDS(r, !take(r, &s, r->now - CLOCK_SLACK_MS - 1).found);
	HOLDS(r, take(r, &s, r->now).found);
	fixture_close(r);
}
END_TEST

START_TEST(a_newer_secret_voids_the_older)
{
	struct fixture *r = fixture_open();
	struct one_time first = fixture_secret(r, ONE_TIME_RESET, 1),
			second = fixture_secret(r, ONE_TIME_RESET, 2),
			kept[] = { fixture_secret(r, ONE_TIME_INVITE, 3),
				   fixture_secret(r, ONE_TIME_RESET, 4),
				   fixture_secret(r, ONE_TIME_RESET, 5) };

	kept[1].user = STR("bob");
	second.data = STR("");
	fixture_put(r, &first, true);
	fixture_put(r, &kept[0], true);
	fixture_put(r, &kept[1], true);
	fixture_put(r, &kept[2], false); /* neither voids nor is voided */
	HOLDS(r, fixture_is_valid(r, &first, r->now));
	fixture_put(r, &second, true);
	HOLDS(r, !fixture_is_valid(r, &first, r->now));
	HOLDS(r, !take(r, &first, r->now).found);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		HOLDS(r, fixture_is_valid(r, &kept[i], r->now));
	HOLDS(r, take(r, &second, r->now).found);
	fixture_put(r, &first, true); /* also after one was taken */
	HOLDS(r, take(r, &first, r->now).found);
	fixture_close(r);
}
END_TEST

START_TEST(secrets_without_a_user_live_side_by_side)
{
	struct fixture *r = fixture_open();
	struct one_time a = fixture_secret(r, ONE_TIME_INVITE, 1),
			b = fixture_secret(r, ONE_TIME_INVITE, 2);
	struct one_time_answer is;
	int64_t n = -1;

	a.user = b.user = STR("");
	fixture_put(r, &a, false);
	fixture_put(r, &b, false);
	OK(r, factors_one_time_void(r->conn, NOW(r), STR(""), ONE_TIME_LINKS,
				    &n, &r->err));
	SAME(r, n, 0);
	is = take(r, &a, r->now);
	HOLDS(r, is.found && is.secret.user.n == 0);
	HOLDS(r, take(r, &b, r->now).found);
	fixture_close(r);
}
END_TEST

START_TEST(secrets_of_a_user_are_voided_by_kind)
{
	struct fixture *r = fixture_open();
	struct one_time s[] = { fixture_secret(r, ONE_TIME_RESET, 1),
				fixture_secret(r, ONE_TIME_EMAIL, 2),
				fixture_secret(r, ONE_TIME_EMAIL, 3),
				fixture_secret(r, ONE_TIME_TICKET, 4),
				fixture_secret(r, ONE_TIME_RESET, 5) };
	int64_t n = -1;

	s[4].user = STR("bob");
	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		fixture_put(r, &s[i], false);
	OK(r, factors_one_time_void(r->conn, NOW(r), STR("alice"),
				    ONE_TIME_LINKS, &n, &r->err));
	SAME(r, n, 3);
	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		HOLDS(r, fixture_is_valid(r, &s[i], r->now) == (i >= 3));
	OK(r, factors_one_time_void(r->conn, NOW(r), STR("alice"),
				    ONE_TIME_LINKS, NULL, &r->err));
	OK(r, factors_one_time_void(r->conn, NOW(r), STR("alice"), 0, &n,
				    &r->err));
	SAME(r, n, 0);
	fixture_close(r);
}
END_TEST

START_TEST(the_longest_data_is_kept)
{
	static char data[ONE_TIME_DATA_MAX];
	struct fixture *r = fixture_open();
	struct one_time s = fixture_secret(r, ONE_TIME_TICKET, 1);
	struct one_time_answer is;

	memset(data, 'd', sizeof(data));
	s.data = (struct str){ .p = data, .n = sizeof(data) };
	fixture_put(r, &s, false);
	is = take(r, &s, r->now);
	HOLDS(r, is.found && str_eq(is.secret.data, s.data));
	fixture_close(r);
}
END_TEST

START_TEST(the_sweep_removes_what_has_expired)
{
	struct fixture *r = fixture_open();
	int64_t n = -1, all = 0;
	struct one_time s;

	for (int i = 0; i < 5; i++) {
		s = fixture_secret(r, ONE_TIME_TICKET, (uint8_t)(i + 1));
		s.expires_ms = r->now + (i < 4 ? HOUR_MS : 2 * HOUR_MS);
		fixture_put(r, &s, false);
	}
	OK(r, factors_sweep(r->conn, NOW(r), 99, &n, &r->err));
	SAME(r, n, 0);
	do {
		OK(r, factors_sweep(r->conn, AT(r, r->now + HOUR_MS), 3, &n,
				    &r->err));
		HOLDS(r, n <= 3);
		all += n;
	} while (n > 0);
	SAME(r, all, 4);
	HOLDS(r, fixture_is_valid(r, &s, r->now + HOUR_MS));
	fixture_close(r);
}
END_TEST

TCase *
factors_one_time_cases(void)
{
	TCase *t = new_case("one_time");

	tcase_add_test(t, a_secret_is_shown_and_taken_once);
	tcase_add_test(t, the_kind_is_part_of_the_key);
	tcase_add_test(t, an_expired_secret_is_not_found);
	tcase_add_test(t, a_secret_from_the_future_is_not_found);
	tcase_add_test(t, a_newer_secret_voids_the_older);
	tcase_add_test(t, secrets_without_a_user_live_side_by_side);
	tcase_add_test(t, secrets_of_a_user_are_voided_by_kind);
	tcase_add_test(t, the_longest_data_is_kept);
	tcase_add_test(t, the_sweep_removes_what_has_expired);
	return t;
}
