/* SPDX-License-Identifier: MIT */
/* Contract: the operations standing, count and succeed. */
#include "tests/contract/store/fixture.h"
#include "tests/support/call.h"
#include "tests/support/logins.h"

#include <string.h>

/* Returns the keys of a login of alice: her name, and an address. */
static struct login_keys
keys(void)
{
	struct login_keys k = {
		.v = { { STR("user:alice"), 2 }, { STR("addr:192.0.2.1"), 3 } },
		.n = 2,
		.window_ms = 100,
		.ban_ms = 300,
		.user = STR("alice"),
		.known = STR("known:alice:1"),
		.known_ms = 1000,
	};

	memset(k.network, 7, sizeof(k.network));
	return k;
}

static struct login_standing
standing(struct fixture *r, const struct login_keys *k, int64_t now)
{
	struct login_standing s = { .known = true, .known_until_ms = -1 };

	OK(r, store_standing(r->conn, AT(r, now), k, &s, &r->err));
	return s;
}

static struct login_count
count(struct fixture *r, const struct login_keys *k, int64_t now)
{
	struct login_count c = { .counted = true };

	OK(r, store_count(r->conn, AT(r, now), k, &c, &r->err));
	return c;
}

static int64_t
ban(struct fixture *r, struct str key, int64_t now)
{
	const struct attempt_policy policy = { .max = 0,
					       .window_ms = 100,
					       .ban_ms = 300 };
	struct attempt a;

	OK(r, store_attempt(r->conn, AT(r, now), key, &policy, &a, &r->err));
	return a.banned_until_ms;
}

static void
know(struct fixture *r, const struct login_keys *k, int64_t until)
{
	struct known_network network = { .until_ms = until };

	memcpy(network.b, k->network, sizeof(network.b));
	OK(r, learn_network(r->conn, NOW(r), k->user, &network, &r->err));
}

START_TEST(standing_returns_the_last_ban)
{
	struct fixture *r = fixture_open(_i);
	struct login_keys k = keys();
	struct login_standing s = standing(r, &k, r->now);

	HOLDS(r, !s.known && s.known_until_ms == 0 && s.banned_until_ms == 0);
	/* The ban of the key `known` does not apply while the network is not
	 * known. */
	(void)ban(r, k.known, r->now + 9);
	SAME(r, standing(r, &k, r->now).banned_until_ms, 0);
	/* Of several bans the one that ends last is returned. */
	SAME(r, ban(r, k.v[1].key, r->now), r->now + 300);
	SAME(r, standing(r, &k, r->now).banned_until_ms, r->now + 300);
	SAME(r, ban(r, k.v[0].key, r->now + 5), r->now + 305);
	SAME(r, standing(r, &k, r->now + 5).banned_until_ms, r->now + 305);
	SAME(r, standing(r, &k, r->now + 304).banned_until_ms, r->now + 305);
	SAME(r, standing(r, &k, r->now + 305).banned_until_ms, 0);
	/* Once the network is known, the ban of `known` applies. */
	know(r, &k, r->now + 900);
	s = standing(r, &k, r->now + 5);
	HOLDS(r, s.known);
	SAME(r, s.banned_until_ms, r->now + 309);
	fixture_close(r);
}
END_TEST

START_TEST(standing_returns_the_known_network)
{
	static const struct {
		int64_t until, at;
		bool known;
	} rows[] = {
		{ 500, 0, true },   { 500, 499, true }, { 500, 500, false },
		{ 1000, 0, true },  { 2000, 0, true }, /* of a clock ahead */
		{ 2001, 0, false }, { 2001, 1, true },
	};
	struct fixture *r = fixture_open(_i);
	struct login_keys k = keys(), other = keys();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct login_standing s;

		know(r, &k, r->now + rows[i].until);
		s = standing(r, &k, r->now + rows[i].at);
		ck_assert_msg(s.known == rows[i].known, "%s: row %zu", r->name,
			      i);
		SAME(r, s.known_until_ms,
		     rows[i].at < rows[i].until ? r->now + rows[i].until : 0);
	}
	other.network[0] ^= 1;
	HOLDS(r, !standing(r, &other, r->now + 1).known);
	other = k;
	other.user = STR("Alice");
	HOLDS(r, !standing(r, &other, r->now + 1).known);
	other.user = STR("");
	HOLDS(r, !standing(r, &other, r->now + 1).known);
	fixture_close(r);
}
END_TEST

START_TEST(all_keys_are_counted_or_none)
{
	struct fixture *r = fixture_open(_i);
	struct login_keys k = keys(), bob = keys();
	struct login_count c = count(r, &k, r->now);

	HOLDS(r, c.counted && c.v[0].count == 1 && c.v[1].count == 1);
	SAME(r, c.v[0].ends_ms, r->now + 100);
	bob.v[0].key = STR("user:bob");
	c = count(r, &bob, r->now + 1);
	HOLDS(r, c.counted && c.v[0].count == 1 && c.v[1].count == 2);
	SAME(r, c.v[1].ends_ms, r->now + 100);
	HOLDS(r, count(r, &k, r->now + 2).counted);
	/* Both keys have reached their max. The attempts are refused, but no
	 * ban begins. */
	for (int i = 0; i < 3; i++) {
		c = count(r, &k, r->now + 3);
		HOLDS(r, !c.counted && c.standing.banned_until_ms == 0);
	}
	bob.v[0].max = 9;
	HOLDS(r, !count(r, &bob, r->now + 3).counted);
	bob.n = 1;
	SAME(r, count(r, &bob, r->now + 3).v[0].count, 2);
	/* In the next window the attempt is counted again. After the ban of
	 * one key the next attempt is counted under neither key. */
	HOLDS(r, count(r, &k, r->now + 100).counted);
	(void)ban(r, k.v[1].key, r->now + 100);
	c = count(r, &k, r->now + 100);
	HOLDS(r, !c.counted);
	SAME(r, c.standing.banned_until_ms, r->now + 400);
	k.n = 1;
	SAME(r, count(r, &k, r->now + 100).v[0].count, 2);
	fixture_close(r);
}
END_TEST

START_TEST(the_key_known_is_counted_instead_of_the_user)
{
	struct fixture *r = fixture_open(_i);
	struct login_keys k = keys(), stranger = keys();
	struct login_count c;

	know(r, &k, r->now + 500);
	stranger.network[3] ^= 1;
	for (int i = 0; i < 2; i++)
		HOLDS(r, count(r, &stranger, r->now).counted);
	HOLDS(r, !count(r, &stranger, r->now).counted);
	c = count(r, &k, r->now);
	HOLDS(r, c.counted && c.standing.known && c.v[0].count == 1);
	SAME(r, c.v[1].count, 3);
	stranger.v[0].key = k.known;
	stranger.n = 1;
	SAME(r, count(r, &stranger, r->now).v[0].count, 2);
	fixture_close(r);
}
END_TEST

/* The counter of the user is reset, the address loses only this attempt, and
 * the network is known. */
START_TEST(success_resets_and_learns)
{
	struct fixture *r = fixture_open(_i);
	struct login_keys k = keys();
	struct login_count c = count(r, &k, r->now);
	struct login_success s = { .key = k.v[0].key,
				   .v = { { k.v[1].key, 0 } },
				   .n = 1,
				   .user = k.user };

	c = count(r, &k, r->now);
	s.v[0].ends_ms = c.v[1].ends_ms;
	OK(r, store_succeed(r->conn, NOW(r), &s, &r->err));
	c = count(r, &k, r->now);
	HOLDS(r, c.counted && c.v[0].count == 1 && c.v[1].count == 2);
	HOLDS(r, !c.standing.known);
	/* An attempt of another window is not removed. */
	s.v[0].ends_ms = c.v[1].ends_ms + 1;
	memcpy(s.network.b, k.network, sizeof(s.network.b));
	s.network.until_ms = r->now + 500;
	OK(r, store_succeed(r->conn, NOW(r), &s, &r->err));
	HOLDS(r, standing(r, &k, r->now).known);
	k.user = STR("");
	c = count(r, &k, r->now);
	HOLDS(r, c.v[0].count == 1 && c.v[1].count == 3);
	fixture_close(r);
}
END_TEST

#define THREADS 8

static void
count_in_a_thread(struct work *w)
{
	struct login_keys k = keys();
	struct login_count c;

	k.v[0].max = k.v[1].max = THREADS - 1;
	if (store_count(w->conn, AT(w, w->r->now), &k, &c, &w->err) != 0)
		w->fails++;
	else
		w->answers = c.counted;
}

START_TEST(parallel_logins_never_exceed_the_max)
{
	struct fixture *r = fixture_open(_i);
	struct login_keys k = keys();
	int64_t n = fixture_threads(r, count_in_a_thread, NULL, THREADS,
				    fixture_is_shared(r));

	HOLDS(r, n > 0 && n < THREADS);
	/* The attempts that were refused are not in the counter. */
	k.v[0].max = k.v[1].max = THREADS;
	SAME(r, count(r, &k, r->now).v[0].count, n + 1);
	fixture_close(r);
}
END_TEST

TCase *
store_login_cases(void)
{
	TCase *t = new_case("logins");
	int n = fixture_count();

	tcase_add_loop_test(t, standing_returns_the_last_ban, 0, n);
	tcase_add_loop_test(t, standing_returns_the_known_network, 0, n);
	tcase_add_loop_test(t, all_keys_are_counted_or_none, 0, n);
	tcase_add_loop_test(t, the_key_known_is_counted_instead_of_the_user, 0,
			    n);
	tcase_add_loop_test(t, success_resets_and_learns, 0, n);
	tcase_add_loop_test(t, parallel_logins_never_exceed_the_max, 0, n);
	return t;
}
