/* SPDX-License-Identifier: MIT */
/* Contract: the outputs of an operation without a result. Each output holds
 * invalid data before, like memory of a stack. After a negative result it is
 * zero, and after a failure it is unchanged. */
#include "tests/contract/store/rotate.h"
#include "tests/support/call.h"
#include "tests/support/logins.h"

#include <string.h>

#define RUBBISH 0xa5

static bool
is_all(const void *p, size_t n, int byte)
{
	const unsigned char *bytes = p;

	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != byte)
			return false;
	}
	return true;
}

static const struct session *
none(void)
{
	static const struct session s;

	return &s;
}

static int
give(struct fixture *r, const struct session_id *id, const struct rotation *how,
     int64_t now, struct rotated *out)
{
	struct rotation with = *how;

	with.id = *id;
	memset(out, RUBBISH, sizeof(*out));
	return store_rotate(r->conn, AT(r, now), &with, out, &r->err);
}

static void
find_nothing(struct fixture *r, const struct session *s, int64_t now)
{
	struct session_answer got;

	memset(&got, RUBBISH, sizeof(got));
	OK(r,
	   store_find(r->conn, AT(r, now), &s->id, &s->token, &got, &r->err));
	HOLDS(r, !got.found);
	ck_assert_mem_eq(&got.session, none(), sizeof(got.session));
}

START_TEST(a_missing_session_is_zero)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now), t = s;
	bool ended = true;

	find_nothing(r, &s, r->now + 36000);
	find_nothing(r, &s, r->now + 3600);
	t.token.b[0] ^= 1;
	find_nothing(r, &t, r->now);
	t = s;
	t.id = fixture_create(r, "alice", r->now).id;
	find_nothing(r, &t, r->now);
	OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
	HOLDS(r, ended);
	find_nothing(r, &s, r->now);
	OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
	HOLDS(r, !ended);
	fixture_close(r);
}
END_TEST

START_TEST(a_missing_rotation_is_zero)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now), gone = s;
	struct rotation how = fixture_rotation(r, &s.token, 0);
	struct rotated is;

	/* The session does not exist, or it has ended. */
	gone.id.b[15] ^= 1;
	OK(r, give(r, &gone.id, &how, r->now, &is));
	SAME(r, is.answer, ROTATE_GONE);
	ck_assert_mem_eq(&is.session, none(), sizeof(is.session));
	HOLDS(r, is_all(is.wrapped, sizeof(is.wrapped), 0));
	OK(r, give(r, &s.id, &how, r->now + 36000, &is));
	SAME(r, is.answer, ROTATE_GONE);
	ck_assert_mem_eq(&is.session, none(), sizeof(is.session));
	HOLDS(r, is_all(is.wrapped, sizeof(is.wrapped), 0));
	/* The answer has no successor. */
	how.generation = 7;
	OK(r, give(r, &s.id, &how, r->now, &is));
	SAME(r, is.answer, ROTATE_FUTURE);
	HOLDS(r, session_id_same(&is.session.id, &s.id));
	HOLDS(r, is_all(is.wrapped, sizeof(is.wrapped), 0));
	how.generation = 0;
	how.presented.b[0] ^= 1;
	OK(r, give(r, &s.id, &how, r->now, &is));
	SAME(r, is.answer, ROTATE_REUSED);
	HOLDS(r, session_id_same(&is.session.id, &s.id));
	HOLDS(r, is_all(is.wrapped, sizeof(is.wrapped), 0));
	fixture_close(r);
}
END_TEST

START_TEST(empty_results_are_zero)
{
	static const struct session_cursor start;
	const struct attempt_policy policy = { .max = 3,
					       .window_ms = 10,
					       .ban_ms = 10 };
	const struct str keys[] = { STR("sid:x"), STR("user:x") };
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_session(r, "alice", r->now);
	struct session_cursor c = start;
	struct session_list list;
	struct known_networks known;
	struct session_counts counts = { .sessions = -1, .users = -1 };
	struct attempt attempt;
	struct ban_list bans = { .n = 99 };
	int64_t n = -1;
	bool is = true;

	memset(&list, RUBBISH, sizeof(list));
	OK(r, store_list(r->conn, NOW(r), LISTED(STR("alice"), 9), &c, &list,
			 &r->err));
	SAME(r, list.n, 0);
	HOLDS(r, !c.more);
	OK(r, store_count_sessions(r->conn, NOW(r), &counts, &r->err));
	HOLDS(r, counts.sessions == 0 && counts.users == 0);
	OK(r,
	   store_denied(r->conn, NOW(r), ASKED(keys, 2, r->now), &is, &r->err));
	HOLDS(r, !is);
	OK(r, ask_ban(r->conn, NOW(r), keys[0], 10, &n, &r->err));
	SAME(r, n, 0);
	is = true;
	OK(r, store_reset_attempts(r->conn, NOW(r), keys[0], &is, &r->err));
	HOLDS(r, !is);
	OK(r, store_bans(r->conn, NOW(r), 10, 9, &bans, &r->err));
	SAME(r, bans.n, 0);
	OK(r,
	   store_attempt(r->conn, NOW(r), keys[0], &policy, &attempt, &r->err));
	SAME(r, attempt.banned_until_ms, 0);
	SAME(r, attempt.count, 1);
	memset(&known, RUBBISH, sizeof(known));
	OK(r, store_networks(r->conn, NOW(r), STR("alice"), &known, &r->err));
	HOLDS(r, is_all(&known, sizeof(known), 0));
	n = -1;
	OK(r, store_sweep(r->conn, NOW(r), 9, &n, &r->err));
	SAME(r, n, 0);
	n = -1;
	OK(r,
	   store_revoke_user(r->conn, NOW(r), STR("alice"), NULL, &n, &r->err));
	SAME(r, n, 0);
	n = -1;
	OK(r, store_revoke_all(r->conn, NOW(r), &n, &r->err));
	SAME(r, n, 0);
	n = -1;
	OK(r, store_create(r->conn, NOW(r), &s, 1, &n, &r->err));
	SAME(r, n, 0);
	fixture_close(r);
}
END_TEST

/* A session with an existing id cannot be created. */
START_TEST(failures_touch_nothing)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now);
	int64_t n = -7;

	FAILS(r, store_create(r->conn, NOW(r), &s, 1, &n, &r->err),
	      ERR_INTERNAL, "");
	SAME(r, n, -7);
	fixture_close(r);
}
END_TEST

TCase *
store_output_cases(void)
{
	TCase *t = new_case("outputs");

	tcase_add_loop_test(t, a_missing_session_is_zero, 0, fixture_count());
	tcase_add_loop_test(t, a_missing_rotation_is_zero, 0, fixture_count());
	tcase_add_loop_test(t, empty_results_are_zero, 0, fixture_count());
	tcase_add_loop_test(t, failures_touch_nothing, 0, fixture_count());
	return t;
}
