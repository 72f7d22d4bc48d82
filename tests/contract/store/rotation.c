/* SPDX-License-Identifier: MIT */
/* Contract: the rotation of refresh tokens. */
#include "tests/contract/store/rotate.h"
#include "tests/support/call.h"

#include <string.h>

static struct session
get(struct fixture *r, const struct session *s, int64_t now)
{
	struct session_answer got;

	got = fixture_find(r, s, now);
	HOLDS(r, got.found);
	return got.session;
}

START_TEST(rotations_follow_each_other)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_session(r, "alice", r->now), got;
	struct session other = fixture_create(r, "alice", r->now);
	struct session_cursor c = { .created_ms = 0 };
	struct session_list list;

	s.remember = true;
	OK(r, store_create(r->conn, NOW(r), &s, 0, NULL, &r->err));
	for (int i = 1; i <= 50; i++) {
		struct session before = s;

		(void)rotate_done(r, &s, r->now + 20 * i);
		got = get(r, &s, r->now + 20 * i);
		HOLDS(r, session_same(&got, &s));
		HOLDS(r, !fixture_is_alive(r, &before, r->now + 20 * i));
		if (i == 25 &&
		    (r->ops->base.driver.caps & BACKEND_PERSISTENT) != 0)
			fixture_reopen(r);
	}
	SAME(r, got.generation, 50);
	OK(r, store_list(r->conn, AT(r, r->now + 1000), LISTED(STR("alice"), 9),
			 &c, &list, &r->err));
	SAME(r, list.n, 2);
	HOLDS(r, session_same(&list.v[0], &s) || session_same(&list.v[1], &s));
	got = get(r, &other, r->now);
	HOLDS(r, session_same(&got, &other));
	fixture_close(r);
}
END_TEST

START_TEST(an_expired_session_is_not_rotated)
{
	static const struct {
		int64_t idle, absolute, at;
		enum rotate_answer answer;
	} rows[] = {
		{ 60, 600, 59, ROTATE_DONE }, { 60, 600, 60, ROTATE_GONE },
		{ 60, 600, 61, ROTATE_GONE }, { 600, 60, 59, ROTATE_DONE },
		{ 600, 60, 60, ROTATE_GONE }, { 600, 60, 9999, ROTATE_GONE },
		{ 0, 600, 0, ROTATE_GONE },
	};
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_session(r, "alice", r->now);
	struct rotation use = fixture_rotation(r, &s.token, 0);

	/* A session that never existed is not created. */
	SAME(r, rotate(r, &s.id, &use, r->now).answer, ROTATE_GONE);
	SAME(r, fixture_live(r, NULL, r->now), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t at = r->now + rows[i].at;

		s = fixture_session(r, "alice", r->now);
		s.idle_expires_ms = r->now + rows[i].idle;
		s.expires_ms = r->now + rows[i].absolute;
		OK(r, store_create(r->conn, NOW(r), &s, 0, NULL, &r->err));
		use = fixture_rotation(r, &s.token, 0);
		ck_assert_msg(rotate(r, &s.id, &use, at).answer ==
				  rows[i].answer,
			      "%s: row %zu: wrong answer", r->name, i);
		if (rows[i].answer != ROTATE_GONE)
			continue;
		/* An expired session causes no reuse. */
		use.presented.b[0] ^= 1;
		SAME(r, rotate(r, &s.id, &use, at).answer, ROTATE_GONE);
		use.generation = 7;
		SAME(r, rotate(r, &s.id, &use, at).answer, ROTATE_GONE);
	}
	fixture_close(r);
}
END_TEST

START_TEST(an_ended_session_is_not_rotated)
{
	struct fixture *r = fixture_open(_i);
	struct session s[3];
	struct rotation last[3];
	int64_t n;
	bool ended;

	for (int i = 0; i < 3; i++) {
		s[i] = fixture_create(r, "alice", r->now);
		last[i] = rotate_done(r, &s[i], r->now);
	}
	OK(r, store_revoke(r->conn, NOW(r), &s[0].id, &ended, &r->err));
	HOLDS(r, ended);
	rotate_gone(r, &s[0], r->now);
	OK(r, store_revoke_user(r->conn, NOW(r), STR("alice"), &s[1].id, &n,
				&r->err));
	SAME(r, n, 1);
	rotate_gone(r, &s[2], r->now);
	(void)rotate_done(r, &s[1], r->now);
	OK(r, store_revoke_all(r->conn, NOW(r), &n, &r->err));
	SAME(r, n, 1);
	rotate_gone(r, &s[1], r->now);
	/* The grace period of an ended session is over, too. */
	for (int i = 0; i < 3; i++)
		SAME(r, rotate(r, &s[i].id, &last[i], r->now).answer,
		     ROTATE_GONE);
	fixture_close(r);
}
END_TEST

START_TEST(the_idle_end_moves_up_to_the_absolute_end)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now);
	struct rotation use;
	int64_t end = s.expires_ms, at;

	for (at = r->now + 3599; at < end; at += 3599) {
		(void)rotate_done(r, &s, at);
		SAME(r, s.expires_ms, end);
		HOLDS(r, s.idle_expires_ms <= end);
	}
	at -= 3599;
	SAME(r, s.idle_expires_ms, end);
	(void)rotate_done(r, &s, end - 1);
	HOLDS(r, fixture_is_alive(r, &s, end - 1));
	use = fixture_rotation(r, &s.token, s.generation);
	SAME(r, rotate(r, &s.id, &use, end).answer, ROTATE_GONE);
	HOLDS(r, !fixture_is_alive(r, &s, end));
	fixture_close(r);
}
END_TEST

START_TEST(the_longest_idle_time_is_bounded)
{
	static const int64_t idle[] = { 1, INT64_C(1) << 40, INT64_MAX };
	struct fixture *r = fixture_open(_i);

	for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
		struct session s = fixture_create(r, "alice", r->now);
		struct rotation use = fixture_rotation(r, &s.token, 0);
		struct rotated t;

		use.idle_ms = idle[i];
		t = rotate(r, &s.id, &use, r->now);
		SAME(r, t.answer, ROTATE_DONE);
		SAME(r, t.session.idle_expires_ms,
		     i == 0 ? r->now + 1 : s.expires_ms);
	}
	fixture_close(r);
}
END_TEST

START_TEST(a_future_generation_changes_nothing)
{
	static const uint32_t ahead[] = { 3, 4, 1000, UINT32_MAX };
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now), got;
	struct rotation last, use;

	(void)rotate_done(r, &s, r->now);
	last = rotate_done(r, &s, r->now);
	for (size_t i = 0; i < ARRAY_LEN(ahead); i++) {
		const struct token_hash rows[] = { s.token,
						   last.presented,
						   { .b = { 1 } } };

		for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
			struct rotated t;

			use = fixture_rotation(r, &rows[k], ahead[i]);
			t = rotate(r, &s.id, &use, r->now);
			SAME(r, t.answer, ROTATE_FUTURE);
			HOLDS(r, session_same(&t.session, &s));
			got = get(r, &s, r->now);
			HOLDS(r, session_same(&got, &s));
		}
	}
	/* The grace period is unchanged, too. */
	SAME(r, rotate(r, &s.id, &last, r->now).answer, ROTATE_GRACE);
	(void)rotate_done(r, &s, r->now);
	fixture_close(r);
}
END_TEST

/* The generation of a token shows its age and is no proof of more. */
START_TEST(a_generation_is_no_secret)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now);
	struct session other = fixture_create(r, "alice", r->now), got;
	struct rotation use;
	struct rotated t;

	(void)rotate_done(r, &s, r->now);
	(void)rotate_done(r, &other, r->now);
	/* The current secret is accepted with any generation up to the current
	 * one. */
	use = fixture_rotation(r, &s.token, 0);
	SAME(r, rotate(r, &s.id, &use, r->now).answer, ROTATE_DONE);
	s = rotated_session(&s, &use, r->now);
	/* The correct generation with the secret of another session is a reuse.
	 */
	use = fixture_rotation(r, &other.token, s.generation);
	t = rotate(r, &s.id, &use, r->now);
	SAME(r, t.answer, ROTATE_REUSED);
	HOLDS(r, session_same(&t.session, &s));
	rotate_gone(r, &s, r->now);
	got = get(r, &other, r->now);
	HOLDS(r,
	      session_same(&got, &other)); /* another session is not affected */
	(void)rotate_done(r, &other, r->now);
	fixture_close(r);
}
END_TEST

START_TEST(the_last_generation_is_not_rotated)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_session(r, "alice", r->now), got;
	struct rotation use, last;

	s.generation = UINT32_MAX - 1;
	OK(r, store_create(r->conn, NOW(r), &s, 0, NULL, &r->err));
	got = get(r, &s, r->now);
	HOLDS(r, session_same(&got, &s));
	use = fixture_rotation(r, &s.token, UINT32_MAX);
	SAME(r, rotate(r, &s.id, &use, r->now).answer, ROTATE_FUTURE);
	last = rotate_done(r, &s, r->now);
	SAME(r, s.generation, UINT32_MAX);
	use = fixture_rotation(r, &s.token, UINT32_MAX);
	SAME(r, rotate(r, &s.id, &use, r->now).answer, ROTATE_GONE);
	SAME(r, rotate(r, &s.id, &last, r->now).answer, ROTATE_GONE);
	use = fixture_rotation(r, &use.next, 0);
	SAME(r, rotate(r, &s.id, &use, r->now).answer, ROTATE_GONE);
	/* The generation does not start again, and the session does not end. */
	got = get(r, &s, r->now);
	HOLDS(r, session_same(&got, &s));
	fixture_close(r);
}
END_TEST

START_TEST(rotated_sessions_support_all_operations)
{
	struct fixture *r = fixture_open(_i);
	struct session s[3], got, more;
	struct identity now = { .name = STR("alice"),
				.roles = STR("guest"),
				.email = STR("new@example.com"),
				.full_name = STR("Alice B") };
	int64_t removed;

	for (int i = 0; i < 3; i++) {
		s[i] = fixture_create(r, "alice", r->now + i);
		(void)rotate_done(r, &s[i], r->now + 10 - i);
	}
	/* update_user */
	OK(r, store_update_user(r->conn, NOW(r), &now, &r->err));
	for (int i = 0; i < 3; i++) {
		s[i].who = now;
		(void)rotate_done(r, &s[i], r->now + 10);
	}
	/* touch */
	OK(r, store_touch(r->conn, NOW(r),
			  TOUCH(s[2].id, r->now + 50, r->now + 4000), &r->err));
	got = get(r, &s[2], r->now + 50);
	SAME(r, got.last_seen_ms, r->now + 50);
	SAME(r, got.idle_expires_ms, r->now + 4000);
	SAME(r, got.generation, 2);
	/* max_per_user counts from the sign-in and not from the rotation. */
	more = fixture_session(r, "alice", r->now + 60);
	OK(r,
	   store_create(r->conn, AT(r, r->now + 60), &more, 3, NULL, &r->err));
	rotate_gone(r, &s[0], r->now + 60);
	for (int i = 1; i < 3; i++)
		HOLDS(r, fixture_is_alive(r, &s[i], r->now + 60));
	/* sweep: the second session has ended at the time that its rotation
	 * set. */
	OK(r, store_sweep(r->conn, AT(r, r->now + 3609), 9, &removed, &r->err));
	SAME(r, removed, 0);
	OK(r, store_sweep(r->conn, AT(r, r->now + 3610), 9, &removed, &r->err));
	if (r->ops->sweep != NULL)
		SAME(r, removed, 1);
	rotate_gone(r, &s[1], r->now + 3610);
	HOLDS(r, fixture_is_alive(r, &s[2], r->now + 3610));
	fixture_close(r);
}
END_TEST

START_TEST(rotation_follows_a_clock_set_back)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now), before;
	struct rotation last;

	(void)rotate_done(r, &s, r->now + 1000);
	(void)rotate_done(r, &s,
			  r->now - 5000); /* all times of s follow this clock */
	before = get(r, &s, r->now - 5000);
	SAME(r, before.idle_expires_ms, r->now - 1400);
	HOLDS(r, !fixture_is_alive(r, &s, r->now - 1400));
	/* The grace period follows the clock as well. */
	last = rotate_done(r, &s, r->now - 2000);
	SAME(r, rotate(r, &s.id, &last, r->now - 2000 - last.grace_ms).answer,
	     ROTATE_GRACE);
	SAME(r, rotate(r, &s.id, &last, r->now - 1999 + last.grace_ms).answer,
	     ROTATE_REUSED);
	rotate_gone(r, &s, r->now - 2000);
	fixture_close(r);
}
END_TEST

START_TEST(rotation_works_at_distant_times)
{
	static const int64_t times[] = { 1,
					 INT64_C(2147483647999),
					 INT64_C(2147483648000),
					 INT64_C(4294967296000),
					 INT64_C(253402300800000),
					 INT64_MAX - 20 };
	struct fixture *r = fixture_open(_i);

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		struct session s = fixture_session(r, "alice", 0);
		struct rotation use;
		struct rotated t;

		s.created_ms = s.last_seen_ms = times[i];
		s.idle_expires_ms = s.expires_ms = times[i] + 20;
		OK(r, store_create(r->conn, AT(r, times[i]), &s, 0, NULL,
				   &r->err));
		use = fixture_rotation(r, &s.token, 0);
		use.grace_ms = i == 0 ? INT64_MAX : 10;
		t = rotate(r, &s.id, &use, times[i]);
		SAME(r, t.answer, ROTATE_DONE);
		SAME(r, t.session.idle_expires_ms, times[i] + 20);
		SAME(r, rotate(r, &s.id, &use, times[i] + 10).answer,
		     ROTATE_GRACE);
		SAME(r, rotate(r, &s.id, &use, times[i] + 11).answer,
		     i == 0 ? ROTATE_GRACE : ROTATE_REUSED);
	}
	fixture_close(r);
}
END_TEST

/* A rotation that fails has done nothing: the same rotation again succeeds. */
START_TEST(a_failed_rotation_can_be_repeated)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now);
	enum rotate_answer want[] = { ROTATE_DONE, ROTATE_GRACE, ROTATE_GRACE,
				      ROTATE_REUSED };
	struct rotation use = fixture_rotation(r, &s.token, 0);
	unsigned failures = 0;

	use.id = s.id;
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct rotated is = { .answer = ROTATE_FUTURE };
		int rc = -1;

		if (want[i] == ROTATE_REUSED)
			use.grace_ms = 0;
		for (unsigned n = 0; rc != 0 && n < 40; n++) {
			struct arena *a = arena_new(1 << 20);

			ck_assert_ptr_nonnull(a);
			arena_fail_after(a, n);
			rc = store_rotate(r->conn, CALL_AT(a, r->now), &use,
					  &is, &r->err);
			if (rc != 0) {
				failures++;
				SAME(r, r->err.code, ERR_INTERNAL);
				SAME(r, is.answer, ROTATE_FUTURE);
				SAME(r, is.wrapped[0], 0);
				HOLDS(r, fixture_live(r, NULL, r->now) == 1);
			}
			arena_free(a);
		}
		SAME(r, rc, 0);
		SAME(r, is.answer, want[i]);
	}
	HOLDS(r, failures >= 3);
	fixture_close(r);
}
END_TEST

TCase *
store_rotation_cases(void)
{
	TCase *t = new_case("rotation");
	int n = fixture_count();

	tcase_add_loop_test(t, rotations_follow_each_other, 0, n);
	tcase_add_loop_test(t, an_expired_session_is_not_rotated, 0, n);
	tcase_add_loop_test(t, an_ended_session_is_not_rotated, 0, n);
	tcase_add_loop_test(t, the_idle_end_moves_up_to_the_absolute_end, 0, n);
	tcase_add_loop_test(t, the_longest_idle_time_is_bounded, 0, n);
	tcase_add_loop_test(t, a_future_generation_changes_nothing, 0, n);
	tcase_add_loop_test(t, a_generation_is_no_secret, 0, n);
	tcase_add_loop_test(t, the_last_generation_is_not_rotated, 0, n);
	tcase_add_loop_test(t, rotated_sessions_support_all_operations, 0, n);
	tcase_add_loop_test(t, rotation_follows_a_clock_set_back, 0, n);
	tcase_add_loop_test(t, rotation_works_at_distant_times, 0, n);
	tcase_add_loop_test(t, a_failed_rotation_can_be_repeated, 0, n);
	return t;
}
