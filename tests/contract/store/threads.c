/* SPDX-License-Identifier: MIT */
/* Contract: several threads, on one handle and on several. */
#include "tests/contract/store/fixture.h"
#include "tests/support/call.h"

#include <string.h>

enum { THREADS = 4, ROUNDS = 25 };

static const struct attempt_policy policy = { .max = 40,
					      .window_ms = 120,
					      .ban_ms = 300 };

static void
attempt_often(struct work *w)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct attempt attempt;

		if (store_attempt(w->conn, AT(w, w->r->now), STR("user:alice"),
				  &policy, &attempt, &w->err) != 0)
			w->fails++;
		else if (attempt.banned_until_ms == 0)
			w->answers++;
	}
}

/* Of 100 parallel attempts exactly the allowed ones pass. */
START_TEST(parallel_attempts_all_count)
{
	struct fixture *r = fixture_open(_i);
	bool was;

	SAME(r, fixture_threads(r, attempt_often, NULL, THREADS, false),
	     policy.max);
	if (fixture_is_shared(r)) {
		OK(r, store_reset_attempts(r->conn, NOW(r), STR("user:alice"),
					   &was, &r->err));
		HOLDS(r, was);
		SAME(r, fixture_threads(r, attempt_often, NULL, THREADS, true),
		     policy.max);
	}
	fixture_close(r);
}
END_TEST

enum { MAX_PER_USER = 3 };

/* Creates sessions and counts them after each: there must never be too many. */
static void
create_often(struct work *w)
{
	struct arena *a = arena_new(1 << 20);

	for (int i = 0; i < ROUNDS && a != NULL; i++) {
		struct session_cursor c = { .created_ms = 0 };
		struct session_list list = { .n = 0 };
		struct session s =
		    fixture_session(w->r, "alice", w->r->now + i);

		if (store_create(w->conn, AT(w, w->r->now), &s, MAX_PER_USER,
				 NULL, &w->err) != 0 ||
		    store_list(w->conn, AT(w, w->r->now),
			       LISTED(STR("alice"), 20), &c, &list,
			       &w->err) != 0 ||
		    list.n < 1 || list.n > MAX_PER_USER)
			w->fails++;
		arena_reset(a);
	}
	arena_free(a);
}

START_TEST(parallel_creates_keep_the_limit)
{
	struct fixture *r = fixture_open(_i);

	(void)fixture_threads(r, create_often, NULL, THREADS, false);
	SAME(r, fixture_live(r, "alice", r->now), MAX_PER_USER);
	if (fixture_is_shared(r)) {
		(void)fixture_threads(r, create_often, NULL, THREADS, true);
		SAME(r, fixture_live(r, "alice", r->now), MAX_PER_USER);
	}
	fixture_close(r);
}
END_TEST

static void
make_secret(struct work *w)
{
	uint8_t value[32];

	memset(value, w->number + 1, sizeof(value));
	if (store_secret(w->conn, AT(w, w->r->now), "csrf", value, &w->err) !=
	    0)
		w->fails++;
	w->answers = value[0] + 1000 * value[31];
}

START_TEST(parallel_secrets_agree)
{
	struct fixture *r = fixture_open(_i);
	uint8_t kept[32] = { 77 };
	int64_t sum = fixture_threads(r, make_secret, NULL, THREADS,
				      fixture_is_shared(r));

	OK(r, store_secret(r->conn, NOW(r), "csrf", kept, &r->err));
	HOLDS(r, kept[0] >= 1 && kept[0] <= THREADS);
	SAME(r, sum, THREADS * (kept[0] + 1000 * kept[31]));
	fixture_close(r);
}
END_TEST

/* A thread must never get the session of another thread's user
 * (CVE-2021-35472). */
static void
use_own_sessions(struct work *w)
{
	static const char *const names[THREADS] = { "ann", "bob", "cat",
						    "dan" };

	for (int i = 0; i < ROUNDS; i++) {
		struct session s =
		    fixture_session(w->r, names[w->number], w->r->now + i);
		struct session_answer got;
		bool ended = false;

		if (store_create(w->conn, AT(w, w->r->now), &s, 0, NULL,
				 &w->err) != 0 ||
		    store_touch(w->conn, AT(w, s.created_ms),
				TOUCH(s.id, s.created_ms, s.idle_expires_ms),
				&w->err) != 0 ||
		    store_find(w->conn, AT(w, w->r->now), &s.id, &s.token, &got,
			       &w->err) != 0 ||
		    !got.found || !session_same(&s, &got.session) ||
		    store_revoke(w->conn, AT(w, w->r->now), &s.id, &ended,
				 &w->err) != 0 ||
		    !ended ||
		    store_find(w->conn, AT(w, w->r->now), &s.id, &s.token, &got,
			       &w->err) != 0 ||
		    got.found)
			w->fails++;
		arena_reset(w->a);
	}
}

START_TEST(parallel_users_stay_apart)
{
	struct fixture *r = fixture_open(_i);

	(void)fixture_threads(r, use_own_sessions, NULL, THREADS,
			      fixture_is_shared(r));
	SAME(r, fixture_live(r, NULL, r->now), 0);
	fixture_close(r);
}
END_TEST

/* One thread ends the sessions that the others touch. They must stay ended. */
static void
touch_or_end(struct work *w)
{
	struct session_cursor c = { .created_ms = 0 };
	struct session_list list = { .n = 0 };
	struct arena *a = arena_new(1 << 20);
	bool ended = false;

	if (a == NULL ||
	    store_list(w->conn, AT(w, w->r->now), LISTED(STR("alice"), 100), &c,
		       &list, &w->err) != 0)
		w->fails++;
	for (size_t i = 0; i < list.n; i++) {
		int rc = w->number == 0 ?
			     store_revoke(w->conn, AT(w, w->r->now),
					  &list.v[i].id, &ended, &w->err) :
			     store_touch(w->conn, AT(w, w->r->now + 5),
					 TOUCH(list.v[i].id, w->r->now + 5,
					       w->r->now + 9000),
					 &w->err);

		if (rc != 0)
			w->fails++;
	}
	arena_free(a);
}

START_TEST(parallel_touches_revive_nothing)
{
	struct fixture *r = fixture_open(_i);

	for (int i = 0; i < ROUNDS; i++)
		(void)fixture_create(r, "alice", r->now);
	/* The first thread may see fewer sessions only if it has ended them. */
	(void)fixture_threads(r, touch_or_end, NULL, THREADS, false);
	SAME(r, fixture_live(r, "alice", r->now), 0);
	fixture_close(r);
}
END_TEST

TCase *
store_thread_cases(void)
{
	TCase *t = new_case("threads");
	int n = fixture_count();

	tcase_add_loop_test(t, parallel_attempts_all_count, 0, n);
	tcase_add_loop_test(t, parallel_creates_keep_the_limit, 0, n);
	tcase_add_loop_test(t, parallel_secrets_agree, 0, n);
	tcase_add_loop_test(t, parallel_users_stay_apart, 0, n);
	tcase_add_loop_test(t, parallel_touches_revive_nothing, 0, n);
	return t;
}
