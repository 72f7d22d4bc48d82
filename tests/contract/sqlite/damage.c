/* SPDX-License-Identifier: MIT */
/* An invalid value in a column affects only the session of that row. */
#include "tests/contract/sqlite/fixture.h"
#include "tests/support/call.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *set, *names; /* NULL: the row stays valid */
} rows[] = {
	{ "generation = -1", "generation" },
	{ "generation = 4294967296", "generation" },
	{ "generation = 'x'", "generation" },
	{ "generation = x'00'", "generation" },
	{ "remember = 7", "remember" },
	{ "remember = -1", "remember" },
	{ "remember = 'x'", "remember" },
	{ "generation = 4294967295", NULL },
	{ "created_ms = -1", "created_ms" },
	{ "created_ms = 'soon'", "created_ms" },
	{ "created_ms = 9e99", "created_ms" },
	{ "created_ms = -9223372036854775807 - 1", "created_ms" },
	{ "id = x'00'", "id" },
	{ "id = zeroblob(17)", "id" },
	{ "id = 'x'", "id" },
	{ "created_ms = 0, last_seen_ms = 0", NULL },
	{ "last_seen_ms = -1", "last_seen_ms" },
	{ "last_seen_ms = 1.5", "last_seen_ms" },
	{ "idle_expires_ms = 'never'", "idle_expires_ms" },
	{ "expires_ms = x'ffffffff'", "expires_ms" },
	{ "expires_ms = 9e99", "expires_ms" },
	{ "name = printf('%.100000c', 'x')", "length of a text" },
	{ "name = 'al' || char(0) || 'ice'", "identity" },
	{ "name = cast(x'ff' as text)", "identity" },
	{ "name = ''", "identity" },
	{ "name = x'616c696365'", "type of a text" },
	{ "roles = 'a b'", "identity" },
	{ "roles = 'a'", NULL },
	{ "roles = x'61'", "type of a text" },
	{ "roles = printf('%.1025c', 'x')", "length of a text" },
	{ "roles = substr(replace(printf('%.513c', ','), ',', 'x,'), 1, 1023)",
	  NULL },
	{ "roles = 'xx,' || substr(replace(printf('%.513c', ','), ',', 'x,'),"
	  " 1, 1021)",
	  NULL },
	{ "email = printf('%.256c', 'x')", NULL },
	{ "email = printf('%.257c', 'x')", "identity" },
	{ "email = x'61'", "type of a text" },
	{ "full_name = x'61'", "type of a text" },
	{ "full_name = cast(x'c3' as text)", "identity" },
	{ "address = printf('%.256c', 'x')", NULL },
	{ "address = x'61'", "type of a text" },
	{ "address = printf('%.257c', 'x')", "address" },
	{ "address = 5", NULL }, /* the column converts it to text */
	{ "user_agent = 'x' || char(0)", "user_agent" },
	{ "user_agent = zeroblob(70000000)", "type of a text" },
	{ "user_agent = printf('%.256c', 'x')", NULL },
	{ "mark = x'01'", "mark" },
	{ "mark = zeroblob(17)", "mark" },
	{ "mark = 'x'", "mark" },
	{ "mark = NULL", NULL },
};

/* Returns the number of sessions in all pages of a list. */
static size_t
listed(struct fixture *r, size_t limit)
{
	struct session_cursor cursor = { .created_ms = 0 };
	struct session_list list;
	size_t n = 0;

	do {
		OK(r, store_list(r->conn, NOW(r),
				 LISTED((struct str){ .p = NULL }, limit),
				 &cursor, &list, &r->err));
		n += list.n;
	} while (cursor.more);
	return n;
}

/* A damaged session causes no back-off: the other connection stays in use,
 * whatever is done with the damaged one. */
START_TEST(a_damaged_session_affects_no_other)
{
	struct fixture *r = fixture_open();
	struct session s, other;
	struct session_answer got;
	struct store_conn *second = store_conn_new(&r->fake.env);
	char sql[300];
	const bool has_id = strncmp(rows[_i].set, "id = ", 5) != 0;
	bool ended;

	fixture_migrate(r);
	s = fixture_create(r);
	(void)snprintf(sql, sizeof(sql),
		       "PRAGMA ignore_check_constraints = ON;"
		       "UPDATE sessions SET %s",
		       rows[_i].set);
	fixture_sql(r->path, sql);
	other = fixture_create(r);
	ck_assert_ptr_nonnull(second);
	store_conn_bind(second, r->store);
	for (int i = 0; i < 3; i++) {
		if (rows[_i].names != NULL && has_id)
			FAILS(r, fixture_find(r, &s, &got.found),
			      ERR_UNAVAILABLE, rows[_i].names);
		else
			OK(r, fixture_find(r, &s, &got.found));
		OK(r, store_find(second, NOW(r), &other.id, &other.token, &got,
				 &r->err));
		HOLDS(r, got.found);
		OK(r, fixture_find(r, &other, &got.found));
		HOLDS(r, got.found);
	}
	for (size_t limit = 1; limit < 4; limit++)
		SAME(r, listed(r, limit), rows[_i].names == NULL ? 2 : 1);
	OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
	SAME(r, ended, has_id);
	store_conn_free(second);
	fixture_close(r);
}
END_TEST

/* A damaged session is not rotated and its token not counted as used. When it
 * is repaired, the same rotation succeeds. */
START_TEST(a_damaged_session_is_not_rotated)
{
	static const struct {
		const char *damage, *repair, *names;
		enum rotate_answer answer;
	} rotations[] = {
		{ "roles = 'a b'", "roles = ''", "identity", ROTATE_DONE },
		{ "wrapped = x'01'", "wrapped = zeroblob(32)", "32 bytes",
		  ROTATE_GRACE },
		{ "wrapped = NULL", "wrapped = zeroblob(32)", "32 bytes",
		  ROTATE_GRACE },
		{ "roles = 'a b'", "roles = ''", "identity", ROTATE_FUTURE },
		{ "roles = 'a b'", "roles = ''", "identity", ROTATE_REUSED },
	};
	struct fixture *r = fixture_open();
	struct session s;
	struct rotation use = { .idle_ms = 60 };
	char sql[100];

	fixture_migrate(r);
	s = fixture_create(r);
	use.id = s.id;
	use.presented = s.token;
	memset(use.next.b, 7, sizeof(use.next.b));
	for (size_t i = 0; i < ARRAY_LEN(rotations); i++) {
		struct rotated is = { .answer = ROTATE_GONE };

		use.generation = rotations[i].answer == ROTATE_FUTURE ? 9 : 0;
		use.grace_ms = rotations[i].answer == ROTATE_REUSED ? 0 : 9;
		(void)snprintf(sql, sizeof(sql),
			       "PRAGMA ignore_check_constraints = ON;"
			       "UPDATE sessions SET %s",
			       rotations[i].damage);
		fixture_sql(r->path, sql);
		FAILS(r, store_rotate(r->conn, NOW(r), &use, &is, &r->err),
		      ERR_UNAVAILABLE, rotations[i].names);
		SAME(r, is.answer, ROTATE_GONE);
		(void)snprintf(sql, sizeof(sql), "UPDATE sessions SET %s",
			       rotations[i].repair);
		fixture_sql(r->path, sql);
		OK(r, store_rotate(r->conn, NOW(r), &use, &is, &r->err));
		ck_assert_msg(is.answer == rotations[i].answer,
			      "row %zu: answer %d", i, (int)is.answer);
	}
	fixture_close(r);
}
END_TEST

/* The damaged session has ended, or its end can never come. */
START_TEST(damaged_sessions_are_swept)
{
	static const char *const ends[] = {
		"generation = -1, expires_ms = 5",
		"idle_expires_ms = -9223372036854775807 - 1",
		"idle_expires_ms = 'never', expires_ms = 5",
		"idle_expires_ms = 'never', expires_ms = 'never'",
		"idle_expires_ms = x'00', expires_ms = 'never'",
	};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct fixture *r = fixture_open();
		struct session other;
		char sql[200];
		int64_t n;
		bool found;

		fixture_migrate(r);
		(void)fixture_create(r);
		(void)snprintf(sql, sizeof(sql), "UPDATE sessions SET %s",
			       ends[i]);
		fixture_sql(r->path, sql);
		other = fixture_create(r);
		OK(r, store_sweep(r->conn, NOW(r), 10, &n, &r->err));
		ck_assert_msg(n == 1, "row %zu: %d sessions are swept", i,
			      (int)n);
		OK(r, fixture_find(r, &other, &found));
		HOLDS(r, found);
		fixture_close(r);
	}
}
END_TEST

/* A trigger of the administrator skips the row of a key: the attempt is not
 * counted, so the password must not be tried. */
START_TEST(an_attempt_without_a_row_fails)
{
	const struct attempt_policy policy = { 1, 100, 100 };
	const struct login_keys keys = { .v = { { STR("addr:192.0.2.1"), 9 },
						{ STR("user:alice"), 9 } },
					 .n = 2,
					 .window_ms = 100,
					 .ban_ms = 100 };
	struct login_count count = { .standing.known_until_ms = 7 };
	struct attempt attempt = { .count = 7 };
	struct fixture *r = fixture_open();

	fixture_migrate(r);
	fixture_sql(r->path, "CREATE TRIGGER skip BEFORE INSERT ON attempts"
			     " WHEN NEW.key = 'user:alice'"
			     " BEGIN SELECT RAISE(IGNORE); END");
	for (int i = 0; i < 2; i++) {
		FAILS(r, store_count(r->conn, NOW(r), &keys, &count, &r->err),
		      ERR_UNAVAILABLE, "attempts");
		FAILS(r,
		      store_attempt(r->conn, NOW(r), keys.v[1].key, &policy,
				    &attempt, &r->err),
		      ERR_UNAVAILABLE, "attempts");
	}
	HOLDS(r, !count.counted && count.standing.known_until_ms == 7);
	SAME(r, attempt.count, 7);
	fixture_close(r);
}
END_TEST

TCase *
sqlite_damage_cases(void)
{
	TCase *t = new_case("damage");

	tcase_add_loop_test(t, a_damaged_session_affects_no_other, 0,
			    ARRAY_LEN(rows));
	tcase_add_test(t, a_damaged_session_is_not_rotated);
	tcase_add_test(t, damaged_sessions_are_swept);
	tcase_add_test(t, an_attempt_without_a_row_fails);
	return t;
}
