/* SPDX-License-Identifier: MIT */
/* Contract: attempts and bans, shared secrets. */
#include "tests/contract/store/fixture.h"
#include "tests/support/call.h"
#include "tests/support/logins.h"

#include <string.h>

static const struct attempt_policy policy = { .max = 3,
					      .window_ms = 120,
					      .ban_ms = 300 };

static struct attempt
count(struct fixture *r, const char *key, int64_t now)
{
	struct attempt a = { .count = -1 };

	OK(r, store_attempt(r->conn, AT(r, now), str_from(key), &policy, &a,
			    &r->err));
	return a;
}

static int64_t
attempt(struct fixture *r, const char *key, int64_t now)
{
	return count(r, key, now).banned_until_ms;
}

static void
give_back(struct fixture *r, const char *key, int64_t ends)
{
	OK(r, store_give_back(r->conn, NOW(r), str_from(key), ends, &r->err));
}

static int64_t
banned(struct fixture *r, const char *key, int64_t now)
{
	int64_t until = -1;

	OK(r, ask_ban(r->conn, AT(r, now), str_from(key), policy.ban_ms, &until,
		      &r->err));
	return until;
}

static bool
reset_key(struct fixture *r, const char *key)
{
	bool was = false;

	OK(r,
	   store_reset_attempts(r->conn, NOW(r), str_from(key), &was, &r->err));
	return was;
}

START_TEST(an_attempt_beyond_the_max_begins_a_ban)
{
	struct fixture *r = fixture_open(_i);
	int64_t t = r->now;

	SAME(r, banned(r, "user:alice", t), 0);
	SAME(r, attempt(r, "user:alice", t), 0);
	SAME(r, attempt(r, "user:alice", t), 0);
	SAME(r, attempt(r, "user:alice", t + 119), 0);
	SAME(r, banned(r, "user:alice", t + 119), 0);
	SAME(r, attempt(r, "user:alice", t + 119), t + 419);
	SAME(r, banned(r, "user:alice", t + 119), t + 419);
	SAME(r, banned(r, "user:alice", t + 418), t + 419);
	SAME(r, banned(r, "user:alice", t + 419), 0);
	/* The ban does not apply to other keys. */
	SAME(r, banned(r, "user:Alice", t + 119), 0);
	SAME(r, banned(r, "addr:alice", t + 119), 0);
	SAME(r, attempt(r, "user:alic", t + 119), 0);
	fixture_close(r);
}
END_TEST

START_TEST(attempts_do_not_prolong_a_ban)
{
	struct fixture *r = fixture_open(_i);
	int64_t t = r->now;

	for (int i = 0; i < 3; i++)
		SAME(r, attempt(r, "user:alice", t), 0);
	for (int i = 0; i < 20; i++)
		SAME(r, attempt(r, "user:alice", t + i), t + 300);
	SAME(r, attempt(r, "user:alice", t + 299), t + 300);
	/* After the ban the count starts at one again. */
	SAME(r, attempt(r, "user:alice", t + 300), 0);
	SAME(r, attempt(r, "user:alice", t + 301), 0);
	SAME(r, attempt(r, "user:alice", t + 302), 0);
	SAME(r, attempt(r, "user:alice", t + 303), t + 603);
	fixture_close(r);
}
END_TEST

START_TEST(the_first_attempt_begins_a_window)
{
	struct fixture *r = fixture_open(_i);
	int64_t t = r->now;

	for (int i = 0; i < 3; i++)
		SAME(r, attempt(r, "user:alice", t + i), 0);
	SAME(r, attempt(r, "user:alice", t + 120), 0); /* in a new window */
	SAME(r, attempt(r, "user:alice", t + 239), 0);
	SAME(r, attempt(r, "user:alice", t + 239), 0);
	SAME(r, attempt(r, "user:alice", t + 239), t + 539);
	fixture_close(r);
}
END_TEST

START_TEST(a_reset_ends_count_and_ban)
{
	struct fixture *r = fixture_open(_i);
	int64_t t = r->now;

	HOLDS(r, !reset_key(r, "user:nobody"));
	for (int i = 0; i < 3; i++)
		SAME(r, attempt(r, "user:alice", t), 0);
	HOLDS(r, !reset_key(r, "user:alice"));
	for (int i = 0; i < 3; i++)
		SAME(r, attempt(r, "user:alice", t), 0);
	SAME(r, attempt(r, "user:alice", t), t + 300);
	HOLDS(r, reset_key(r, "user:alice"));
	SAME(r, banned(r, "user:alice", t), 0);
	SAME(r, attempt(r, "user:alice", t), 0);
	HOLDS(r, !reset_key(r, "user:alice"));
	fixture_close(r);
}
END_TEST

START_TEST(distant_ends_do_not_overflow)
{
	static const struct attempt_policy longest = { .max = 1,
						       .window_ms = INT64_MAX,
						       .ban_ms = INT64_MAX };
	struct fixture *r = fixture_open(_i);
	struct attempt a;
	int64_t until;

	for (int i = 0; i < 2; i++)
		OK(r, store_attempt(r->conn, NOW(r), STR("addr:::1"), &longest,
				    &a, &r->err));
	SAME(r, a.banned_until_ms, INT64_MAX);
	OK(r, ask_ban(r->conn, NOW(r), STR("addr:::1"), INT64_MAX, &until,
		      &r->err));
	SAME(r, until, INT64_MAX);
	fixture_close(r);
}
END_TEST

START_TEST(max_may_be_one_or_zero)
{
	static const struct attempt_policy one = { .max = 1,
						   .window_ms = 10,
						   .ban_ms = 20 };
	static const struct attempt_policy none = { .max = 0,
						    .window_ms = 10,
						    .ban_ms = 20 };
	struct fixture *r = fixture_open(_i);
	struct attempt a;

	OK(r, store_attempt(r->conn, NOW(r), STR("a"), &one, &a, &r->err));
	SAME(r, a.banned_until_ms, 0);
	OK(r, store_attempt(r->conn, NOW(r), STR("a"), &one, &a, &r->err));
	SAME(r, a.banned_until_ms, r->now + 20);
	OK(r, store_attempt(r->conn, NOW(r), STR("b"), &none, &a, &r->err));
	SAME(r, a.banned_until_ms, r->now + 20);
	fixture_close(r);
}
END_TEST

START_TEST(bans_are_listed)
{
	static const char *const keys[] = { "user:a", "addr:2001:db8::1",
					    "user:o'brien", "addr:192.0.2.7" };
	struct fixture *r = fixture_open(_i);
	struct ban_list bans;

	for (size_t k = 0; k < ARRAY_LEN(keys); k++)
		for (int i = 0; i < 4; i++)
			(void)attempt(r, keys[k], r->now + (int64_t)(k % 3));
	(void)attempt(r, "user:harmless", r->now);
	OK(r, store_bans(r->conn, AT(r, r->now + 3), policy.ban_ms, 10, &bans,
			 &r->err));
	SAME(r, bans.n, 4);
	HOLDS(r, str_eq(bans.v[0].key, str_from(keys[2])));
	SAME(r, bans.v[0].until_ms, r->now + 302);
	HOLDS(r, str_eq(bans.v[1].key, str_from(keys[1])));
	/* With a limit, the bans that end last are returned. */
	OK(r, store_bans(r->conn, AT(r, r->now + 3), policy.ban_ms, 1, &bans,
			 &r->err));
	SAME(r, bans.n, 1);
	HOLDS(r, str_eq(bans.v[0].key, str_from(keys[2])));
	OK(r, store_bans(r->conn, AT(r, r->now + 300), policy.ban_ms, 10, &bans,
			 &r->err));
	SAME(r, bans.n, 2);
	HOLDS(r, reset_key(r, keys[2]));
	OK(r, store_bans(r->conn, AT(r, r->now + 300), policy.ban_ms, 10, &bans,
			 &r->err));
	SAME(r, bans.n, 1);
	OK(r, store_bans(r->conn, AT(r, r->now + 302), policy.ban_ms, 10, &bans,
			 &r->err));
	SAME(r, bans.n, 0);
	fixture_close(r);
}
END_TEST

/* Bans that end at the same time are in the order of the bytes of their
 * keys. */
START_TEST(bans_that_end_together_are_sorted)
{
	static const char *const sorted[] = { "a",	   "aa", "aaa", "ab",
					      "a\xc3\xa9", "b",	 "ba",	"c" };
	struct fixture *r = fixture_open(_i);
	struct ban_list bans;

	for (size_t k = 0; k < ARRAY_LEN(sorted); k++)
		for (int i = 0; i < 4; i++)
			(void)attempt(r, sorted[k * 3 % ARRAY_LEN(sorted)],
				      r->now);
	OK(r, store_bans(r->conn, NOW(r), policy.ban_ms, 10, &bans, &r->err));
	SAME(r, bans.n, ARRAY_LEN(sorted));
	for (size_t i = 0; i < bans.n; i++)
		ck_assert_msg(str_eq(bans.v[i].key, str_from(sorted[i])) &&
				  bans.v[i].until_ms == r->now + 300,
			      "%s: row %zu: %.*s", r->name, i,
			      STR_ARG(bans.v[i].key));
	fixture_close(r);
}
END_TEST

START_TEST(keys_of_wrong_length_are_refused)
{
	static char longest[257];
	struct fixture *r = fixture_open(_i);
	struct attempt a;

	memset(longest, 'k', sizeof(longest));
	HOLDS(r, store_attempt(r->conn, NOW(r), STR(""), &policy, &a,
			       &r->err) == -1);
	SAME(r, r->err.code, ERR_INPUT);
	HOLDS(r, store_attempt(r->conn, NOW(r),
			       (struct str){ .p = longest, .n = 257 }, &policy,
			       &a, &r->err) == -1);
	HOLDS(r, store_attempt(r->conn, NOW(r), STR("a\0b"), &policy, &a,
			       &r->err) == -1);
	OK(r, store_attempt(r->conn, NOW(r),
			    (struct str){ .p = longest, .n = 256 }, &policy, &a,
			    &r->err));
	fixture_close(r);
}
END_TEST

/* A success removes its attempt, from the window in which it was counted. */
START_TEST(an_attempt_that_is_given_back_does_not_count)
{
	struct fixture *r = fixture_open(_i);
	int64_t t = r->now;
	struct attempt first = count(r, "addr:a", t), a;

	SAME(r, first.count, 1);
	SAME(r, first.ends_ms, t + 120);
	for (int i = 0; i < 20; i++) {
		a = count(r, "addr:a", t + 1);
		SAME(r, a.count, 2);
		SAME(r, a.ends_ms, t + 120);
		give_back(r, "addr:a", a.ends_ms);
	}
	SAME(r, count(r, "addr:a", t + 2).count, 2);
	SAME(r, count(r, "addr:a", t + 2).count, 3);
	/* An unknown key, and a window that does not exist, change nothing. */
	give_back(r, "addr:b", t + 120);
	SAME(r, count(r, "addr:b", t).count, 1);
	give_back(r, "addr:a", t + 119);
	SAME(r, attempt(r, "addr:a", t + 3), t + 303);
	/* A ban is not changed. */
	give_back(r, "addr:a", t + 120);
	give_back(r, "addr:a", t + 303);
	SAME(r, banned(r, "addr:a", t + 3), t + 303);
	/* An attempt of the previous window is not removed from this one. */
	SAME(r, count(r, "addr:a", t + 303).count, 1);
	give_back(r, "addr:a", first.ends_ms);
	SAME(r, count(r, "addr:a", t + 304).count, 2);
	/* The count does not become negative. */
	for (int i = 0; i < 5; i++)
		give_back(r, "addr:a", t + 423);
	SAME(r, count(r, "addr:a", t + 305).count, 1);
	fixture_close(r);
}
END_TEST

/* After a clock was a day ahead, neither ban nor window lasts longer. */
START_TEST(a_clock_set_back_does_not_prolong_a_ban)
{
	struct fixture *r = fixture_open(_i);
	int64_t t = r->now, ahead = t + 86400;
	struct ban_list bans;

	for (int i = 0; i < 4; i++)
		(void)attempt(r, "user:alice", ahead);
	SAME(r, banned(r, "user:alice", ahead), ahead + 300);
	SAME(r, banned(r, "user:alice", t), 0);
	OK(r, store_bans(r->conn, AT(r, t), policy.ban_ms, 9, &bans, &r->err));
	SAME(r, bans.n, 0);
	/* The clock of another instance may be behind by as much as the ban
	 * lasts. */
	SAME(r, banned(r, "user:alice", ahead - 300), ahead + 300);
	SAME(r, attempt(r, "user:alice", ahead - 300), ahead + 300);
	SAME(r, banned(r, "user:alice", ahead - 301), 0);
	SAME(r, count(r, "user:alice", t).count, 1);
	SAME(r, count(r, "user:bob", ahead).count, 1);
	SAME(r, count(r, "user:bob", ahead - 120).count, 2);
	SAME(r, count(r, "user:bob", t).count, 1);
	fixture_close(r);
}
END_TEST

static size_t
networks(struct fixture *r, const char *user, int64_t now,
	 struct known_networks *known)
{
	known->n = 99;
	OK(r,
	   store_networks(r->conn, AT(r, now), str_from(user), known, &r->err));
	return known->n;
}

static void
learn(struct fixture *r, const char *user, uint8_t byte, int64_t until)
{
	struct known_network network = { .until_ms = until };

	memset(network.b, byte, sizeof(network.b));
	OK(r,
	   learn_network(r->conn, NOW(r), str_from(user), &network, &r->err));
}

/* Returns when this network ends; 0: the user does not have it. */
static int64_t
ends(const struct known_networks *known, uint8_t byte)
{
	for (size_t i = 0; i < known->n; i++) {
		const struct known_network *one = &known->v[i];

		if (one->b[0] == byte && one->b[NETWORK_HASH_BYTES - 1] == byte)
			return one->until_ms;
	}
	return 0;
}

START_TEST(networks_of_a_user_are_kept_apart)
{
	struct fixture *r = fixture_open(_i);
	struct known_networks v;
	int64_t t = r->now;

	SAME(r, networks(r, "alice", t, &v), 0);
	learn(r, "alice", 0, t + 100);
	learn(r, "alice", 0xff, t + 200);
	learn(r, "Alice", 3, t + 200);
	SAME(r, networks(r, "alice", t, &v), 2);
	SAME(r, ends(&v, 0), t + 100);
	SAME(r, ends(&v, 0xff), t + 200);
	/* A network that is learned again has one entry, with the new end. */
	learn(r, "alice", 0, t + 150);
	SAME(r, networks(r, "alice", t + 149, &v), 2);
	SAME(r, ends(&v, 0), t + 150);
	SAME(r, networks(r, "alice", t + 150, &v), 1);
	SAME(r, ends(&v, 0xff), t + 200);
	SAME(r, networks(r, "alice", t + 200, &v), 0);
	OK(r, store_unlearn(r->conn, NOW(r), STR("alice"), &r->err));
	OK(r, store_unlearn(r->conn, NOW(r), STR("nobody"), &r->err));
	SAME(r, networks(r, "alice", t, &v), 0);
	SAME(r, networks(r, "Alice", t, &v), 1);
	fixture_close(r);
}
END_TEST

START_TEST(networks_of_a_user_are_bounded)
{
	struct fixture *r = fixture_open(_i);
	struct known_networks v;
	int64_t t = r->now;

	for (int i = 1; i <= 3 * NETWORKS_MAX; i++)
		learn(r, "alice", (uint8_t)i, t + 1000 - 10 * (i % 4));
	learn(r, "alice", 99,
	      t + 1); /* the newest is kept, though it ends first */
	SAME(r, networks(r, "alice", t, &v), NETWORKS_MAX);
	SAME(r, ends(&v, 99), t + 1);
	/* Of the others, those that end last are kept: every fourth, and
	 * some. */
	for (int i = 4; i <= 3 * NETWORKS_MAX; i += 4)
		SAME(r, ends(&v, (uint8_t)i), t + 1000);
	SAME(r, networks(r, "alice", t + 990, &v), 7);
	SAME(r, networks(r, "alice", t + 1000, &v), 0);
	fixture_close(r);
}
END_TEST

START_TEST(expired_networks_are_swept)
{
	static const uint8_t order[] = { 4, 1, 2, 3, 5 };
	struct fixture *r = fixture_open(_i);
	struct known_networks v;
	int64_t t = r->now, removed = 0, all = 0;

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		learn(r, "alice", order[i], t + order[i]);
	for (int i = 0; i < 4; i++) {
		OK(r, store_sweep(r->conn, AT(r, t + 3), 2, &removed, &r->err));
		HOLDS(r, removed <= 2);
		all += removed;
	}
	/* Redis removes the networks of a user together, without the sweep. */
	if (strcmp(r->name, "redis") != 0)
		SAME(r, all, 3);
	SAME(r, networks(r, "alice", t + 3, &v), 2);
	SAME(r, ends(&v, 4), t + 4);
	SAME(r, ends(&v, 5), t + 5);
	fixture_close(r);
}
END_TEST

START_TEST(the_first_value_of_a_secret_stays)
{
	struct fixture *r = fixture_open(_i);
	struct store_conn *other = fixture_conn(r);
	uint8_t first[32], second[32], third[32];

	memset(first, 1, sizeof(first));
	first[5] = 0;
	memset(second, 2, sizeof(second));
	memset(third, 3, sizeof(third));
	OK(r, store_secret(r->conn, NOW(r), "csrf", first, &r->err));
	SAME(r, first[0], 1);
	SAME(r, first[5], 0);
	OK(r, store_secret(other, NOW(r), "csrf", second, &r->err));
	HOLDS(r, memcmp(first, second, sizeof(first)) == 0);
	OK(r, store_secret(r->conn, NOW(r), "csrf", second, &r->err));
	HOLDS(r, memcmp(first, second, sizeof(first)) == 0);
	OK(r, store_secret(r->conn, NOW(r), "other", third, &r->err));
	SAME(r, third[31], 3);
	store_conn_free(other);
	fixture_close(r);
}
END_TEST

TCase *
store_regulation_cases(void)
{
	TCase *t = new_case("regulation");
	int n = fixture_count();

	tcase_add_loop_test(t, an_attempt_beyond_the_max_begins_a_ban, 0, n);
	tcase_add_loop_test(t, attempts_do_not_prolong_a_ban, 0, n);
	tcase_add_loop_test(t, the_first_attempt_begins_a_window, 0, n);
	tcase_add_loop_test(t, a_reset_ends_count_and_ban, 0, n);
	tcase_add_loop_test(t, distant_ends_do_not_overflow, 0, n);
	tcase_add_loop_test(t, max_may_be_one_or_zero, 0, n);
	tcase_add_loop_test(t, bans_are_listed, 0, n);
	tcase_add_loop_test(t, bans_that_end_together_are_sorted, 0, n);
	tcase_add_loop_test(t, keys_of_wrong_length_are_refused, 0, n);
	tcase_add_loop_test(t, an_attempt_that_is_given_back_does_not_count, 0,
			    n);
	tcase_add_loop_test(t, a_clock_set_back_does_not_prolong_a_ban, 0, n);
	tcase_add_loop_test(t, networks_of_a_user_are_kept_apart, 0, n);
	tcase_add_loop_test(t, networks_of_a_user_are_bounded, 0, n);
	tcase_add_loop_test(t, expired_networks_are_swept, 0, n);
	tcase_add_loop_test(t, the_first_value_of_a_secret_stays, 0, n);
	return t;
}
