/* SPDX-License-Identifier: MIT */
/* Contract: lists, the limit of sessions per user, the sweep. */
#include "tests/contract/store/fixture.h"
#include "tests/support/call.h"
#include "tests/support/logins.h"

#include <stdio.h>
#include <string.h>

static const struct str all_users = { .p = NULL };

/* Reads all pages, checks the order, and fills `out` (of `max`). */
static size_t
walk(struct fixture *r, struct str user, int64_t now, size_t limit,
     struct session *out, size_t max)
{
	struct session_cursor cursor = { .created_ms = 0 };
	size_t n = 0;

	do {
		struct session_list list;

		OK(r, store_list(r->conn, AT(r, now), LISTED(user, limit),
				 &cursor, &list, &r->err));
		HOLDS(r, list.n <= limit);
		HOLDS(r, list.n > 0 || !cursor.more);
		for (size_t i = 0; i < list.n; i++) {
			HOLDS(r, n < max);
			HOLDS(r, user.p == NULL ||
				     str_eq(user, list.v[i].who.name));
			out[n++] = list.v[i];
		}
	} while (cursor.more);
	for (size_t i = 1; i < n; i++) {
		HOLDS(r, out[i].created_ms <= out[i - 1].created_ms);
		HOLDS(r, !session_id_same(&out[i].id, &out[i - 1].id));
	}
	return n;
}

static void
expect_counts(struct fixture *r, int64_t now, int64_t sessions, int64_t users)
{
	struct session_counts is = { .sessions = -1, .users = -1 };

	OK(r, store_count_sessions(r->conn, AT(r, now), &is, &r->err));
	SAME(r, is.sessions, sessions);
	SAME(r, is.users, users);
}

START_TEST(pages_have_each_session_once)
{
	enum { N = 23 };
	struct session made[N], got[N];
	struct fixture *r = fixture_open(_i);
	size_t n;

	/* The sessions are not created in the order of their times, and many
	 * have the same time. */
	for (size_t i = 0; i < N; i++)
		made[i] = fixture_create(r, i % 3 == 0 ? "bob" : "alice",
					 r->now + (int64_t)(i * 7 % 5));
	for (size_t limit = 1; limit <= N + 1; limit++) {
		n = walk(r, all_users, r->now + 10, limit, got, N);
		ck_assert_msg(n == N, "%s: limit %zu: %zu sessions", r->name,
			      limit, n);
		for (size_t i = 0; i < N; i++) {
			size_t seen = 0;

			for (size_t j = 0; j < n; j++)
				seen += session_same(&made[i], &got[j]);
			ck_assert_msg(
			    seen == 1,
			    "%s: limit %zu: session %zu is not there once",
			    r->name, limit, i);
		}
	}
	SAME(r, walk(r, STR("bob"), r->now + 10, 3, got, N), 8);
	SAME(r, walk(r, STR("alice"), r->now + 10, 5, got, N), 15);
	SAME(r, walk(r, STR("Bob"), r->now + 10, 5, got, N), 0);
	SAME(r, walk(r, STR(""), r->now + 10, 5, got, N), 0);
	fixture_close(r);
}
END_TEST

START_TEST(ended_sessions_are_not_listed)
{
	struct fixture *r = fixture_open(_i);
	struct session a = fixture_create(r, "alice", r->now), got[4];
	struct session b = fixture_create(r, "alice", r->now + 100);

	SAME(r, walk(r, all_users, r->now, 9, got, 4), 2);
	SAME(r, walk(r, all_users, a.idle_expires_ms - 1, 9, got, 4), 2);
	SAME(r, walk(r, STR("alice"), a.idle_expires_ms, 9, got, 4), 1);
	HOLDS(r, session_same(&got[0], &b));
	SAME(r, walk(r, all_users, b.idle_expires_ms, 9, got, 4), 0);
	fixture_close(r);
}
END_TEST

/* Pages stay correct when sessions are created and end between them. */
START_TEST(pages_stay_correct_during_changes)
{
	struct fixture *r = fixture_open(_i);
	struct session_cursor cursor = { .created_ms = 0 };
	struct session_list list;
	struct session s[6];
	bool ended;

	for (int i = 0; i < 6; i++)
		s[i] = fixture_create(r, "alice", r->now + i);
	OK(r, store_list(r->conn, NOW(r), LISTED(STR("alice"), 2), &cursor,
			 &list, &r->err));
	SAME(r, list.n, 2);
	HOLDS(r, session_same(&list.v[1], &s[4]));
	/* The session of the cursor and the next one end. */
	OK(r, store_revoke(r->conn, NOW(r), &s[4].id, &ended, &r->err));
	OK(r, store_revoke(r->conn, NOW(r), &s[3].id, &ended, &r->err));
	(void)fixture_create(r, "alice", r->now + 50);
	OK(r, store_list(r->conn, NOW(r), LISTED(STR("alice"), 2), &cursor,
			 &list, &r->err));
	SAME(r, list.n, 2);
	HOLDS(r, session_same(&list.v[0], &s[2]));
	HOLDS(r, session_same(&list.v[1], &s[1]));
	HOLDS(r, cursor.more);
	OK(r, store_list(r->conn, NOW(r), LISTED(STR("alice"), 2), &cursor,
			 &list, &r->err));
	SAME(r, list.n, 1);
	HOLDS(r, !cursor.more);
	fixture_close(r);
}
END_TEST

START_TEST(a_huge_limit_is_accepted)
{
	struct fixture *r = fixture_open(_i);
	struct session_cursor cursor = { .created_ms = 0 };
	struct session_list list;
	struct ban_list bans;
	int64_t removed;

	(void)fixture_create(r, "alice", r->now);
	OK(r, store_list(r->conn, NOW(r), LISTED(all_users, SIZE_MAX), &cursor,
			 &list, &r->err));
	SAME(r, list.n, 1);
	HOLDS(r, !cursor.more);
	OK(r, store_bans(r->conn, NOW(r), 9, SIZE_MAX, &bans, &r->err));
	SAME(r, bans.n, 0);
	OK(r, store_sweep(r->conn, AT(r, r->now + 999999), SIZE_MAX, &removed,
			  &r->err));
	fixture_close(r);
}
END_TEST

START_TEST(max_per_user_ends_the_oldest)
{
	struct fixture *r = fixture_open(_i);
	struct session s[5], other = fixture_create(r, "bob", r->now - 50);
	int64_t evicted = -1;

	/* The sessions are not created in the order of `created_ms`. */
	static const int64_t age[] = { 20, 40, 10, 30, 0 };

	for (int i = 0; i < 4; i++) {
		s[i] = fixture_session(r, "alice", r->now - age[i]);
		evicted = -1;
		OK(r,
		   store_create(r->conn, NOW(r), &s[i], 0, &evicted, &r->err));
		SAME(r, evicted, 0);
	}
	s[4] = fixture_session(r, "alice", r->now);
	OK(r, store_create(r->conn, NOW(r), &s[4], 3, &evicted, &r->err));
	SAME(r, evicted, 2);
	SAME(r, fixture_live(r, "alice", r->now), 3);
	for (int i = 0; i < 5; i++)
		ck_assert_msg(fixture_is_alive(r, &s[i], r->now) ==
				  (age[i] < 30),
			      "%s: row %d: wrong session ended", r->name, i);
	HOLDS(r, fixture_is_alive(r, &other, r->now));

	OK(r,
	   store_revoke(r->conn, NOW(r), &s[4].id, &(bool){ false }, &r->err));
	OK(r, store_create(r->conn, NOW(r), &s[4], 1, &evicted, &r->err));
	SAME(r, evicted, 2);
	SAME(r, fixture_live(r, "alice", r->now), 1);
	HOLDS(r, fixture_is_alive(r, &s[4], r->now));
	fixture_close(r);
}
END_TEST

/* The new session stays, whatever its time. Ended sessions do not count. */
START_TEST(max_per_user_ignores_ended_sessions)
{
	struct fixture *r = fixture_open(_i);
	struct session dead = fixture_create(r, "alice", r->now - 3600);
	struct session live = fixture_create(r, "alice", r->now - 10);
	struct session old = fixture_session(r, "alice", r->now - 100);
	int64_t evicted = -1;

	OK(r, store_create(r->conn, NOW(r), &old, 2, &evicted, &r->err));
	SAME(r, evicted, 0);
	HOLDS(r, fixture_is_alive(r, &live, r->now));
	HOLDS(r, fixture_is_alive(r, &old, r->now));
	HOLDS(r, !fixture_is_alive(r, &dead, r->now));

	dead = fixture_session(r, "alice", r->now - 1000);
	OK(r, store_create(r->conn, NOW(r), &dead, 1, NULL, &r->err));
	HOLDS(r, fixture_is_alive(r, &dead, r->now));
	SAME(r, fixture_live(r, "alice", r->now), 1);
	fixture_close(r);
}
END_TEST

START_TEST(sweep_removes_ended_entries_only)
{
	static const struct attempt_policy policy = { 1, 100, 200 };
	struct fixture *r = fixture_open(_i);
	struct session live, dead[4];
	struct known_network network = { .b = { 7 } };
	struct attempt attempt;
	int64_t removed, until, late = r->now + 3700;
	int steps = 0;

	for (size_t i = 0; i < ARRAY_LEN(dead); i++)
		dead[i] = fixture_create(r, "alice", r->now + (int64_t)i);
	live = fixture_create(r, "alice", late);
	OK(r, store_attempt(r->conn, NOW(r), STR("user:old"), &policy, &attempt,
			    &r->err));
	for (int i = 0; i < 2; i++)
		OK(r,
		   store_attempt(r->conn, AT(r, late - 100), STR("user:banned"),
				 &policy, &attempt, &r->err));
	HOLDS(r, attempt.banned_until_ms == late + 100);
	network.until_ms = late;
	OK(r, learn_network(r->conn, NOW(r), STR("alice"), &network, &r->err));

	/* There are 4 sessions, 1 attempt and 1 network to remove. Each sweep
	 * removes two. */
	OK(r, store_sweep(r->conn, NOW(r), 2, &removed, &r->err));
	SAME(r, removed, 0);
	do {
		OK(r, store_sweep(r->conn, AT(r, late), 2, &removed, &r->err));
		HOLDS(r, removed <= 2);
		steps++;
	} while (removed > 0 && steps < 10);
	if (r->ops->sweep != NULL)
		SAME(r, steps, 4);
	HOLDS(r, fixture_is_alive(r, &live, late));
	OK(r, ask_ban(r->conn, AT(r, late), STR("user:banned"), policy.ban_ms,
		      &until, &r->err));
	SAME(r, until, late + 100);
	/* The swept sessions are also gone for an older clock. */
	if (r->ops->sweep != NULL)
		SAME(r, fixture_live(r, NULL, r->now), 1);
	OK(r, store_sweep(r->conn, AT(r, late), 0, &removed, &r->err));
	SAME(r, removed, 0);
	fixture_close(r);
}
END_TEST

/* There are enough sessions for a growing table and several pages of a file. */
START_TEST(many_sessions_are_kept)
{
	enum { N = 600 };
	static struct session s[N], got[N];
	struct fixture *r = fixture_open(_i);
	char name[16];
	bool ended;

	for (int i = 0; i < N; i++) {
		(void)snprintf(name, sizeof(name), "user%d", i % 10);
		s[i] = fixture_create(r, name, r->now + i % 50);
		s[i].who.name = STR("");
	}
	for (int i = 0; i < N; i += 2)
		OK(r, store_revoke(r->conn, NOW(r), &s[i].id, &ended, &r->err));
	for (int i = 0; i < N; i++)
		ck_assert_msg(fixture_is_alive(r, &s[i], r->now) ==
				  (i % 2 == 1),
			      "%s: row %d: wrong answer", r->name, i);
	SAME(r, walk(r, all_users, r->now + 60, 64, got, N), N / 2);
	SAME(r, walk(r, STR("user3"), r->now + 60, 7, got, N), N / 10);
	SAME(r, walk(r, STR("user4"), r->now + 60, 7, got, N), 0);
	expect_counts(r, r->now + 60, N / 2, 5);
	fixture_close(r);
}
END_TEST

/* There are more sessions of one user than a store reads at once. */
START_TEST(many_sessions_of_one_user_are_kept)
{
	enum { N = 250 };
	static const struct password_mark one = { .b = { 1 } },
					  two = { .b = { 2 } };
	static struct session s[N];
	struct fixture *r = fixture_open(_i);
	struct session bob = fixture_create(r, "bob", r->now + N);
	struct identity who = { .name = STR("alice"), .roles = STR("guest") };
	struct session_list list;
	int64_t ended;

	for (int i = 0; i < N; i++) {
		s[i] = fixture_session(r, "alice", r->now + i);
		s[i].mark = one;
		OK(r, store_create(r->conn, NOW(r), &s[i], 0, NULL, &r->err));
	}
	OK(r, store_update_user(r->conn, NOW(r), &who, &r->err));
	OK(r, store_remark(r->conn, NOW(r), REMARK(STR("alice"), one, two),
			   &r->err));
	for (size_t limit = N - 1; limit <= N + 1; limit++) {
		struct session_cursor cursor = { .created_ms = 0 };
		const size_t n = limit < N ? limit : N;

		OK(r, store_list(r->conn, NOW(r), LISTED(STR("alice"), limit),
				 &cursor, &list, &r->err));
		SAME(r, list.n, n);
		SAME(r, cursor.more, limit < N);
		for (size_t i = 0; i < n; i++) {
			s[N - 1 - i].who = who;
			s[N - 1 - i].mark = two;
			HOLDS(r, session_same(&list.v[i], &s[N - 1 - i]));
		}
	}
	OK(r, store_revoke_user(r->conn, NOW(r), STR("alice"), &s[7].id, &ended,
				&r->err));
	SAME(r, ended, N - 1);
	SAME(r, fixture_live(r, "alice", r->now), 1);
	HOLDS(r, fixture_is_alive(r, &s[7], r->now));
	HOLDS(r, fixture_is_alive(r, &bob, r->now));
	fixture_close(r);
}
END_TEST

/* A session whose end was moved by a touch counts until its new end. */
START_TEST(live_sessions_and_their_users_are_counted)
{
	struct fixture *r = fixture_open(_i);
	struct session s[5];
	bool ended;
	int64_t n;

	for (int i = 0; i < 4; i++)
		s[i] = fixture_create(r, i < 3 ? "alice" : "bob",
				      r->now + 100 * i);
	s[4] = fixture_create(r, "Alice", r->now);
	expect_counts(r, r->now + 300, 5, 3);
	OK(r,
	   store_touch(r->conn, AT(r, r->now + 400),
		       TOUCH(s[4].id, r->now + 400, r->now + 4000), &r->err));
	expect_counts(r, s[0].idle_expires_ms - 1, 5, 3);
	expect_counts(r, s[0].idle_expires_ms, 4, 3);
	expect_counts(r, s[2].idle_expires_ms, 2, 2);
	expect_counts(r, r->now + 3999, 1, 1);
	expect_counts(r, r->now + 4000, 0, 0);

	OK(r, store_revoke(r->conn, NOW(r), &s[3].id, &ended, &r->err));
	expect_counts(r, r->now + 300, 4, 2);
	OK(r, store_revoke_user(r->conn, NOW(r), STR("alice"), &s[1].id, &n,
				&r->err));
	expect_counts(r, r->now + 300, 2, 2);
	OK(r, store_sweep(r->conn, AT(r, r->now + 3800), 9, &n, &r->err));
	expect_counts(r, r->now + 3800, 1, 1);
	OK(r, store_revoke_all(r->conn, NOW(r), &n, &r->err));
	expect_counts(r, r->now + 300, 0, 0);
	fixture_close(r);
}
END_TEST

TCase *
store_list_cases(void)
{
	TCase *t = new_case("lists");
	int n = fixture_count();

	tcase_add_loop_test(t, pages_have_each_session_once, 0, n);
	tcase_add_loop_test(t, ended_sessions_are_not_listed, 0, n);
	tcase_add_loop_test(t, pages_stay_correct_during_changes, 0, n);
	tcase_add_loop_test(t, a_huge_limit_is_accepted, 0, n);
	tcase_add_loop_test(t, max_per_user_ends_the_oldest, 0, n);
	tcase_add_loop_test(t, max_per_user_ignores_ended_sessions, 0, n);
	tcase_add_loop_test(t, sweep_removes_ended_entries_only, 0, n);
	tcase_add_loop_test(t, many_sessions_are_kept, 0, n);
	tcase_add_loop_test(t, many_sessions_of_one_user_are_kept, 0, n);
	tcase_add_loop_test(t, live_sessions_and_their_users_are_counted, 0, n);
	return t;
}
