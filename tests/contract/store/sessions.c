/* SPDX-License-Identifier: MIT */
/* Contract: one session, from its creation to its end. */
#include "tests/contract/store/fixture.h"
#include "tests/support/call.h"

#include <string.h>

static struct session
get(struct fixture *r, const struct session *s, int64_t now)
{
	struct session_answer got = fixture_find(r, s, now);

	HOLDS(r, got.found);
	return got.session;
}

START_TEST(a_created_session_is_found)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_session(r, "alice", r->now), got;

	s.remember = true;
	OK(r, store_create(r->conn, NOW(r), &s, 0, NULL, &r->err));
	got = get(r, &s, r->now);
	HOLDS(r, session_same(&s, &got));
	fixture_close(r);
}
END_TEST

START_TEST(sessions_end_exactly)
{
	static const struct {
		int64_t idle, absolute, at;
		bool alive;
	} rows[] = {
		{ 60, 600, 0, true },	   { 60, 600, 59, true },
		{ 60, 600, 60, false },	   { 60, 600, 61, false },
		{ 600, 60, 59, true },	   { 600, 60, 60, false },
		{ 60, 60, 59, true },	   { 60, 60, 60, false },
		{ 60, 600, 5000, false },  { 60, 600, -5000, true },
		{ 0, 600, 0, false },	   { -1, 600, 0, false },
		{ 1000, 1000, 999, true }, { 1000, 1000, 1000, false },
	};
	struct fixture *r = fixture_open(_i);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct session s = fixture_session(r, "alice", r->now);
		int64_t at = r->now + rows[i].at;

		s.idle_expires_ms = r->now + rows[i].idle;
		s.expires_ms = r->now + rows[i].absolute;
		OK(r, store_create(r->conn, NOW(r), &s, 0, NULL, &r->err));
		ck_assert_msg(fixture_find(r, &s, at).found == rows[i].alive,
			      "%s: row %zu: wrong answer", r->name, i);
	}
	fixture_close(r);
}
END_TEST

START_TEST(create_needs_a_new_id)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now), twin, got;

	twin = fixture_session(r, "alice", r->now);
	twin.id = s.id;
	HOLDS(r, store_create(r->conn, NOW(r), &twin, 0, NULL, &r->err) == -1);
	SAME(r, r->err.code, ERR_INTERNAL);

	/* The session is neither replaced nor changed, and there is no
	 * back-off. */
	got = get(r, &s, r->now);
	HOLDS(r, session_same(&s, &got));
	SAME(r, fixture_live(r, NULL, r->now), 1);
	fixture_close(r);
}
END_TEST

/* A create that fails ends no session to make room. */
START_TEST(failed_create_makes_no_room)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now), twin;
	int64_t evicted = 7;

	twin = fixture_session(r, "alice", r->now + 1);
	twin.id = s.id;
	HOLDS(r,
	      store_create(r->conn, NOW(r), &twin, 1, &evicted, &r->err) == -1);
	SAME(r, evicted, 7);
	HOLDS(r, fixture_is_alive(r, &s, r->now));
	fixture_close(r);
}
END_TEST

START_TEST(create_refuses_invalid_text)
{
	static char longest[257];
	struct fixture *r = fixture_open(_i);
	struct session rows[5];

	memset(longest, 'x', sizeof(longest));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		rows[i] = fixture_session(r, "alice", r->now);
	rows[0].user_agent = (struct str){ .p = longest, .n = 257 };
	rows[1].user_agent = STR("a\0b");
	rows[2].who.name = STR("");
	rows[3].who.roles = STR("a,,b");
	rows[4].who.full_name = STR("a\nb");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		FAILS(r,
		      store_create(r->conn, NOW(r), &rows[i], 0, NULL, &r->err),
		      ERR_INPUT, "");
	SAME(r, fixture_live(r, NULL, r->now), 0);
	fixture_close(r);
}
END_TEST

START_TEST(text_is_stored_unchanged)
{
	static char longest[256];
	struct fixture *r = fixture_open(_i);

	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = (char)(i == 0 ? 'x' : i); /* all but NUL */
	{
		const struct str rows[] = {
			STR(""),
			STR("'; DROP TABLE sessions; --"),
			STR("\"quoted\" `back` \\ %s $1 ?1 :a @b {c} *"),
			STR("J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x94\x91"),
			STR("\xff\xfe broken \xc3"),
			{ .p = longest, .n = sizeof(longest) },
		};

		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			struct session s = fixture_session(r, "alice", r->now),
				       got;

			s.user_agent = rows[i];
			s.address = rows[i];
			if (i < 4) {
				s.who.full_name = rows[i];
				s.who.email = rows[i];
			}
			if (i == 0)
				s.who.roles = rows[i];
			OK(r,
			   store_create(r->conn, NOW(r), &s, 0, NULL, &r->err));
			got = get(r, &s, r->now);
			HOLDS(r, session_same(&s, &got));
		}
	}
	fixture_close(r);
}
END_TEST

START_TEST(time_of_the_proof_is_kept)
{
	static const int64_t day = 86400000;
	struct fixture *r = fixture_open(_i);
	const int64_t after[] = { 0, 1, -1, -40 * day, 40 * day };
	struct session s, got;

	for (size_t i = 0; i < ARRAY_LEN(after); i++) {
		s = fixture_session(r, "alice", r->now);
		s.auth_ms = r->now + after[i];
		OK(r, store_create(r->conn, NOW(r), &s, 0, NULL, &r->err));
		got = get(r, &s, r->now);
		SAME(r, got.auth_ms, s.auth_ms);
	}
	s = fixture_session(r, "alice", r->now);
	s.auth_ms = 0;
	OK(r, store_create(r->conn, NOW(r), &s, 0, NULL, &r->err));
	got = get(r, &s, r->now);
	SAME(r, got.auth_ms, s.created_ms);
	fixture_close(r);
}
END_TEST

START_TEST(distant_times_are_stored_unchanged)
{
	static const int64_t times[] = { 0,
					 1,
					 2147483646,
					 2147483647,
					 2147483648,
					 4294967296,
					 253402300800,
					 INT64_MAX / 2,
					 INT64_MAX - 2,
					 INT64_MAX - 1 };
	struct fixture *r = fixture_open(_i);

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		struct session s = fixture_session(r, "alice", 0), got;

		s.created_ms = s.last_seen_ms = s.auth_ms = times[i];
		s.idle_expires_ms = s.expires_ms = times[i] + 1;
		OK(r, store_create(r->conn, AT(r, times[i]), &s, 0, NULL,
				   &r->err));
		got = get(r, &s, times[i]);
		HOLDS(r, session_same(&s, &got));
		HOLDS(r, !fixture_find(r, &s, times[i] + 1).found);
	}
	/* The newest session comes first. */
	{
		struct session_cursor c = { .created_ms = 0 };
		struct session_list list;

		OK(r, store_list(r->conn, AT(r, 0),
				 LISTED((struct str){ .p = NULL }, 3), &c,
				 &list, &r->err));
		SAME(r, list.n, 3);
		SAME(r, list.v[0].created_ms, INT64_MAX - 1);
	}
	fixture_close(r);
}
END_TEST

static void
touch(struct fixture *r, const struct session *s, int64_t seen,
      int64_t idle_end)
{
	OK(r,
	   store_touch(r->conn, NOW(r), TOUCH(s->id, seen, idle_end), &r->err));
}

START_TEST(touch_moves_forward_only)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now), got;
	struct session other = fixture_create(r, "alice", r->now);

	touch(r, &s, r->now + 100, r->now + 3700);
	got = get(r, &s, r->now);
	SAME(r, got.last_seen_ms, r->now + 100);
	SAME(r, got.idle_expires_ms, r->now + 3700);
	SAME(r, got.expires_ms, s.expires_ms);
	SAME(r, got.created_ms, s.created_ms);

	/* This touch is older than the one before. */
	touch(r, &s, r->now + 50, r->now + 3650);
	got = get(r, &s, r->now);
	SAME(r, got.last_seen_ms, r->now + 100);
	SAME(r, got.idle_expires_ms, r->now + 3700);

	/* A shorter timeout after a reload does not shorten it. */
	touch(r, &s, r->now + 200, r->now + 300);
	got = get(r, &s, r->now);
	SAME(r, got.last_seen_ms, r->now + 200);
	SAME(r, got.idle_expires_ms, r->now + 3700);

	/* Each of the two times moves by itself. */
	touch(r, &s, r->now + 150, r->now + 3800);
	got = get(r, &s, r->now);
	SAME(r, got.last_seen_ms, r->now + 200);
	SAME(r, got.idle_expires_ms, r->now + 3800);

	got = get(r, &other, r->now);
	HOLDS(r, session_same(&got, &other));
	fixture_close(r);
}
END_TEST

START_TEST(touch_never_revives_a_session)
{
	struct fixture *r = fixture_open(_i);
	struct session idle = fixture_create(r, "alice", r->now);
	struct session old = fixture_session(r, "alice", r->now);
	struct session gone = fixture_create(r, "alice", r->now);
	int64_t late = r->now + 3600;
	bool ended;

	old.expires_ms = r->now + 10;
	OK(r, store_create(r->conn, NOW(r), &old, 0, NULL, &r->err));
	OK(r, store_revoke(r->conn, NOW(r), &gone.id, &ended, &r->err));

	touch(r, &idle, late, late + 3600);
	touch(r, &old, r->now + 10, late + 3600);
	touch(r, &gone, r->now + 1, late);
	HOLDS(r, !fixture_is_alive(r, &idle, late));
	HOLDS(r, !fixture_is_alive(r, &old, r->now + 10));
	HOLDS(r, !fixture_is_alive(r, &gone, r->now));
	SAME(r, fixture_live(r, NULL, late), 0);
	/* A touch does not create a session either. */
	gone = fixture_session(r, "x", 0);
	touch(r, &gone, r->now, r->now + 99);
	SAME(r, fixture_live(r, NULL, late), 0);
	fixture_close(r);
}
END_TEST

START_TEST(touch_cannot_pass_the_absolute_end)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now);

	touch(r, &s, r->now + 1, s.expires_ms + 5000);
	HOLDS(r, fixture_is_alive(r, &s, s.expires_ms - 1));
	HOLDS(r, !fixture_is_alive(r, &s, s.expires_ms));
	fixture_close(r);
}
END_TEST

START_TEST(revoke_is_idempotent)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now);
	bool ended = false;

	OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
	HOLDS(r, ended);
	HOLDS(r, !fixture_is_alive(r, &s, r->now));
	OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
	HOLDS(r, !ended);
	SAME(r, fixture_live(r, "alice", r->now), 0);
	fixture_close(r);
}
END_TEST

/* mod_auth_openidc 2026-08: the end of one session lost the index of the other
 * sessions of the user, which "end all" then did not find. */
START_TEST(ending_one_leaves_the_others_revocable)
{
	struct fixture *r = fixture_open(_i);
	struct session s[3];
	int64_t ended;
	bool one;

	for (int i = 0; i < 3; i++)
		s[i] = fixture_create(r, "alice", r->now + i);
	OK(r, store_revoke(r->conn, NOW(r), &s[1].id, &one, &r->err));
	SAME(r, fixture_live(r, "alice", r->now + 3), 2);
	HOLDS(r, fixture_is_alive(r, &s[0], r->now + 3));
	HOLDS(r, fixture_is_alive(r, &s[2], r->now + 3));
	OK(r, store_revoke_user(r->conn, NOW(r), STR("alice"), NULL, &ended,
				&r->err));
	SAME(r, ended, 2);
	for (int i = 0; i < 3; i++)
		HOLDS(r, !fixture_is_alive(r, &s[i], r->now + 3));
	fixture_close(r);
}
END_TEST

START_TEST(revoke_user_spares_one_and_the_others)
{
	struct fixture *r = fixture_open(_i);
	struct session mine = fixture_create(r, "alice", r->now);
	struct session more = fixture_create(r, "alice", r->now);
	struct session upper = fixture_create(r, "Alice", r->now);
	struct session longer = fixture_create(r, "alice2", r->now);
	int64_t ended;

	OK(r, store_revoke_user(r->conn, NOW(r), STR("alice"), &mine.id, &ended,
				&r->err));
	SAME(r, ended, 1);
	HOLDS(r, fixture_is_alive(r, &mine, r->now));
	HOLDS(r, !fixture_is_alive(r, &more, r->now));
	HOLDS(r, fixture_is_alive(r, &upper, r->now));
	HOLDS(r, fixture_is_alive(r, &longer, r->now));

	/* The id of another user's session spares nothing. */
	OK(r, store_revoke_user(r->conn, NOW(r), STR("alice"), &upper.id,
				&ended, &r->err));
	SAME(r, ended, 1);
	OK(r, store_revoke_user(r->conn, NOW(r), STR("alice"), NULL, &ended,
				&r->err));
	SAME(r, ended, 0);
	OK(r, store_revoke_user(r->conn, NOW(r), STR("a%"), NULL, &ended,
				&r->err));
	SAME(r, ended, 0);
	SAME(r, fixture_live(r, NULL, r->now), 2);
	fixture_close(r);
}
END_TEST

START_TEST(revoke_all_ends_all_sessions)
{
	struct fixture *r = fixture_open(_i);
	struct session a = fixture_create(r, "alice", r->now);
	struct session b = fixture_create(r, "bob", r->now);
	int64_t ended;

	OK(r, store_revoke_all(r->conn, NOW(r), &ended, &r->err));
	SAME(r, ended, 2);
	HOLDS(r, !fixture_is_alive(r, &a, r->now));
	HOLDS(r, !fixture_is_alive(r, &b, r->now));
	OK(r, store_revoke_all(r->conn, NOW(r), &ended, &r->err));
	SAME(r, ended, 0);
	fixture_close(r);
}
END_TEST

START_TEST(update_user_changes_existing_sessions)
{
	struct fixture *r = fixture_open(_i);
	struct session s[2] = { fixture_create(r, "alice", r->now),
				fixture_create(r, "alice", r->now + 1) };
	struct session other = fixture_create(r, "bob", r->now), got;
	struct identity now = { .name = STR("alice"),
				.roles = STR(""),
				.email = STR("new@example.com"),
				.full_name = STR("Alice B") };

	OK(r, store_update_user(r->conn, NOW(r), &now, &r->err));
	for (size_t i = 0; i < ARRAY_LEN(s); i++) {
		got = get(r, &s[i], r->now);
		HOLDS(r, identity_equal(&got.who, &now));
		got.who = s[i].who;
		HOLDS(r, session_same(&got, &s[i])); /* nothing else changes */
	}
	got = get(r, &other, r->now);
	HOLDS(r, session_same(&got, &other));
	now.name = STR("nobody");
	OK(r, store_update_user(r->conn, NOW(r), &now, &r->err));
	SAME(r, fixture_live(r, NULL, r->now), 3);
	now.roles = STR("a b");
	HOLDS(r, store_update_user(r->conn, NOW(r), &now, &r->err) == -1);
	SAME(r, r->err.code, ERR_INPUT);
	fixture_close(r);
}
END_TEST

/* A lack of memory is an error, and never the answer "there is none". */
START_TEST(find_and_list_fail_without_memory)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now);
	struct session_answer got = { .found = true, .session = s };
	unsigned failures = 0;

	for (unsigned n = 0; n < 20; n++) {
		struct session_cursor c = { .created_ms = 0 };
		struct session_list list = { .n = 99 };
		struct arena *a = arena_new(1 << 20);
		int rc;

		ck_assert_ptr_nonnull(a);
		arena_fail_after(a, n);
		rc = store_find(r->conn, CALL_AT(a, r->now), &s.id, &s.token,
				&got, &r->err);
		if (arena_has_failed(a)) {
			failures++;
			SAME(r, rc, -1);
			SAME(r, r->err.code, ERR_INTERNAL);
			HOLDS(r, got.found && session_same(&got.session, &s));
		} else {
			OK(r, rc);
		}
		got.session = s;
		arena_fail_after(a, n);
		rc = store_list(r->conn, CALL_AT(a, r->now),
				LISTED(STR("alice"), 5), &c, &list, &r->err);
		if (arena_has_failed(a)) {
			SAME(r, rc, -1);
			SAME(r, list.n, 99);
			SAME(r, c.created_ms, 0);
		} else {
			OK(r, rc);
			SAME(r, list.n, 1);
		}
		arena_free(a);
	}
	HOLDS(r, failures > 0);
	fixture_close(r);
}
END_TEST

TCase *
store_session_cases(void)
{
	TCase *t = new_case("sessions");
	int n = fixture_count();

	tcase_add_loop_test(t, a_created_session_is_found, 0, n);
	tcase_add_loop_test(t, sessions_end_exactly, 0, n);
	tcase_add_loop_test(t, create_needs_a_new_id, 0, n);
	tcase_add_loop_test(t, failed_create_makes_no_room, 0, n);
	tcase_add_loop_test(t, create_refuses_invalid_text, 0, n);
	tcase_add_loop_test(t, text_is_stored_unchanged, 0, n);
	tcase_add_loop_test(t, time_of_the_proof_is_kept, 0, n);
	tcase_add_loop_test(t, distant_times_are_stored_unchanged, 0, n);
	tcase_add_loop_test(t, touch_moves_forward_only, 0, n);
	tcase_add_loop_test(t, touch_never_revives_a_session, 0, n);
	tcase_add_loop_test(t, touch_cannot_pass_the_absolute_end, 0, n);
	tcase_add_loop_test(t, revoke_is_idempotent, 0, n);
	tcase_add_loop_test(t, ending_one_leaves_the_others_revocable, 0, n);
	tcase_add_loop_test(t, revoke_user_spares_one_and_the_others, 0, n);
	tcase_add_loop_test(t, revoke_all_ends_all_sessions, 0, n);
	tcase_add_loop_test(t, update_user_changes_existing_sessions, 0, n);
	tcase_add_loop_test(t, find_and_list_fail_without_memory, 0, n);
	return t;
}
