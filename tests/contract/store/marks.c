/* SPDX-License-Identifier: MIT */
/* Contract: the mark of the password with which a session was created. */
#include "tests/contract/store/fixture.h"
#include "tests/support/call.h"

#include <check.h>
#include <string.h>

static struct session
get(struct fixture *r, const struct session *s)
{
	struct session_answer got;

	got = fixture_find(r, s, r->now);
	HOLDS(r, got.found);
	return got.session;
}

static struct session
create(struct fixture *r, const char *user, const struct password_mark *mark)
{
	struct session s = fixture_session(r, user, r->now);

	s.mark = *mark;
	OK(r, store_create(r->conn, NOW(r), &s, 0, NULL, &r->err));
	return s;
}

static void
expect(struct fixture *r, struct session s, const struct password_mark *mark)
{
	struct session got = get(r, &s);

	s.mark = *mark;
	HOLDS(r, session_same(&got, &s)); /* nothing else changes */
}

static const struct password_mark unknown, one = { .b = { 1 } },
					   two = { .b = { 0, [15] = 2 } },
					   three = { .b = { 3, 3, [15] = 3 } };

START_TEST(only_sessions_with_the_old_mark_change)
{
	struct fixture *r = fixture_open(_i);
	struct session a = create(r, "alice", &one);
	struct session b = create(r, "alice", &one);
	struct session new = create(r, "alice", &two);
	struct session old = create(r, "alice", &unknown);
	struct session other = create(r, "bob", &one);
	struct session longer = create(r, "alice2", &one);

	OK(r, store_remark(r->conn, NOW(r), REMARK(STR("alice"), one, three),
			   &r->err));
	expect(r, a, &three);
	expect(r, b, &three);
	expect(r, new, &two);
	expect(r, old, &unknown);
	expect(r, other, &one);
	expect(r, longer, &one);
	OK(r, store_remark(r->conn, NOW(r), REMARK(STR("alice"), one, two),
			   &r->err));
	expect(r, a, &three);
	OK(r, store_remark(r->conn, NOW(r), REMARK(STR("nobody"), one, two),
			   &r->err));
	fixture_close(r);
}
END_TEST

START_TEST(an_unknown_mark_is_neither_replaced_nor_set)
{
	struct fixture *r = fixture_open(_i);
	struct session old = create(r, "alice", &unknown);
	struct session s = create(r, "alice", &one);

	OK(r, store_remark(r->conn, NOW(r), REMARK(STR("alice"), unknown, two),
			   &r->err));
	expect(r, old, &unknown);
	OK(r, store_remark(r->conn, NOW(r), REMARK(STR("alice"), one, unknown),
			   &r->err));
	expect(r, s, &one);
	fixture_close(r);
}
END_TEST

/* Other changes of a session keep its mark, and a list has it. */
START_TEST(other_changes_keep_the_mark)
{
	struct fixture *r = fixture_open(_i);
	struct session s = create(r, "alice", &one), after, got;
	struct identity who = { .name = STR("alice"), .roles = STR("x") };
	struct rotation use = fixture_rotation(r, &s.token, 0);
	struct session_cursor cursor = { .created_ms = 0 };
	struct session_list list;
	struct rotated rotated;

	use.id = s.id;
	OK(r, store_update_user(r->conn, NOW(r), &who, &r->err));
	OK(r, store_touch(r->conn, NOW(r),
			  TOUCH(s.id, r->now + 1, r->now + 3601), &r->err));
	OK(r,
	   store_rotate(r->conn, AT(r, r->now + 2), &use, &rotated, &r->err));
	SAME(r, rotated.answer, ROTATE_DONE);
	after = rotated.session;
	HOLDS(r, memcmp(&after.mark, &one, sizeof(one)) == 0);
	OK(r, store_remark(r->conn, NOW(r), REMARK(STR("alice"), one, two),
			   &r->err));
	got = get(r, &after);
	HOLDS(r, memcmp(&got.mark, &two, sizeof(two)) == 0);
	got.mark = one;
	HOLDS(r, session_same(&got, &after));
	OK(r, store_list(r->conn, NOW(r), LISTED(STR("alice"), 9), &cursor,
			 &list, &r->err));
	SAME(r, list.n, 1);
	HOLDS(r, memcmp(&list.v[0].mark, &two, sizeof(two)) == 0);
	fixture_reopen(r);
	fixture_close(r);
}
END_TEST

/* There are more sessions than a store changes at once. */
START_TEST(all_of_many_sessions_change)
{
	struct fixture *r = fixture_open(_i);
	struct session s[250];

	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		s[i] = create(r, "alice", &one);
	OK(r, store_remark(r->conn, NOW(r), REMARK(STR("alice"), one, two),
			   &r->err));
	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		expect(r, s[i], &two);
	fixture_close(r);
}
END_TEST

TCase *
store_mark_cases(void)
{
	TCase *t = new_case("marks");
	int n = fixture_count();

	tcase_add_loop_test(t, only_sessions_with_the_old_mark_change, 0, n);
	tcase_add_loop_test(t, an_unknown_mark_is_neither_replaced_nor_set, 0,
			    n);
	tcase_add_loop_test(t, other_changes_keep_the_mark, 0, n);
	tcase_add_loop_test(t, all_of_many_sessions_change, 0, n);
	return t;
}
