/* SPDX-License-Identifier: MIT */
/* Contract: stateless tokens that are revoked. */
#include "tests/contract/store/fixture.h"
#include "tests/support/call.h"

#include <stdio.h>
#include <string.h>

static void
deny(struct fixture *r, const char *key, int64_t issued, int64_t until)
{
	OK(r, store_deny(r->conn, NOW(r), DENIAL(str_from(key), issued, until),
			 &r->err));
}

static bool
denied(struct fixture *r, const char *key, int64_t issued, int64_t now)
{
	struct str one = str_from(key);
	bool no = true, yes = false;

	/* Both outputs must be set. */
	OK(r, store_denied(r->conn, AT(r, now), ASKED(&one, 1, issued), &no,
			   &r->err));
	OK(r, store_denied(r->conn, AT(r, now), ASKED(&one, 1, issued), &yes,
			   &r->err));
	HOLDS(r, no == yes);
	return yes;
}

START_TEST(denials_are_exact_to_the_millisecond)
{
	static const struct {
		int64_t issued, now; /* past the denial's issued_ms; r->now */
		bool denied;
	} rows[] = {
		{ 0, 0, true },	    { -1, 0, true },	 { -9999, 0, true },
		{ 1, 0, false },    { 1000, 0, false },	 { 0, 999, true },
		{ 0, 1000, false }, { -1, 1000, false }, { 0, 5000, false },
		{ 0, -5000, true }, { 1, 999, false },
	};
	struct fixture *r = fixture_open(_i);

	deny(r, "sid:abc", r->now - 7, r->now + 1000);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(denied(r, "sid:abc", r->now - 7 + rows[i].issued,
				     r->now + rows[i].now) == rows[i].denied,
			      "%s: row %zu: wrong answer", r->name, i);
	fixture_close(r);
}
END_TEST

START_TEST(other_keys_are_not_denied)
{
	static const char *const others[] = { "sid:ab",	  "sid:abcd", "sid:ABC",
					      "user:abc", "abc",      "sid:ab%",
					      "sid:*",	  " sid:abc" };
	struct fixture *r = fixture_open(_i);

	HOLDS(r, !denied(r, "sid:abc", 0, r->now));
	deny(r, "sid:abc", r->now, r->now + 1000);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		ck_assert_msg(!denied(r, others[i], r->now, r->now),
			      "%s: row %zu is denied", r->name, i);
	HOLDS(r, denied(r, "sid:abc", r->now, r->now));
	/* Denials are independent of attempts and sessions. */
	{
		bool was = true;
		int64_t ended;

		OK(r, store_reset_attempts(r->conn, NOW(r), STR("sid:abc"),
					   &was, &r->err));
		HOLDS(r, !was);
		OK(r, store_revoke_all(r->conn, NOW(r), &ended, &r->err));
	}
	HOLDS(r, denied(r, "sid:abc", r->now, r->now));
	fixture_close(r);
}
END_TEST

/* In every order of the calls, everything that one of them denied stays denied.
 */
START_TEST(denials_add_up_in_any_order)
{
	static const struct {
		int64_t issued, until;
	} calls[] = { { 100, 2000 }, { 300, 1000 }, { 200, 3000 } };
	static const unsigned char orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 },
						   { 1, 0, 2 }, { 1, 2, 0 },
						   { 2, 0, 1 }, { 2, 1, 0 } };
	struct fixture *r = fixture_open(_i);

	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		char key[24];

		(void)snprintf(key, sizeof(key), "user:%zu", i);
		for (size_t k = 0; k < 3; k++) {
			const unsigned char at = orders[i][k];

			deny(r, key, calls[at].issued, calls[at].until);
			HOLDS(r, denied(r, key, calls[at].issued,
					calls[at].until - 1));
		}
		for (size_t k = 0; k < 3; k++)
			ck_assert_msg(denied(r, key, calls[k].issued,
					     calls[k].until - 1),
				      "%s: order %zu: call %zu is forgotten",
				      r->name, i, k);
		HOLDS(r, denied(r, key, 300, 2999));
		HOLDS(r, !denied(r, key, 301, 0));
		HOLDS(r, !denied(r, key, 0, 3000));
	}
	fixture_close(r);
}
END_TEST

START_TEST(one_denied_key_is_enough)
{
	const struct str keys[DENIED_KEYS_MAX] = { STR("sid:1"), STR("user:a"),
						   STR("jti:x"), STR("all") };
	struct fixture *r = fixture_open(_i);
	bool answer = true;

	OK(r, store_denied(r->conn, NOW(r), ASKED(keys, 0, r->now), &answer,
			   &r->err));
	HOLDS(r, !answer);
	for (size_t i = 0; i < DENIED_KEYS_MAX; i++) {
		int64_t issued = r->now - 10 * (int64_t)i, removed;

		OK(r,
		   store_deny(r->conn, NOW(r),
			      DENIAL(keys[i], issued, r->now + 10), &r->err));
		for (size_t n = 0; n <= DENIED_KEYS_MAX; n++) {
			OK(r,
			   store_denied(r->conn, NOW(r), ASKED(keys, n, issued),
					&answer, &r->err));
			ck_assert_msg(answer == (n > i),
				      "%s: key %zu of %zu: wrong answer",
				      r->name, i, n);
			/* Each key has its own time, which does not count for
			 * another key. */
			OK(r, store_denied(r->conn, NOW(r),
					   ASKED(keys, n, issued + 1), &answer,
					   &r->err));
			HOLDS(r, !answer);
		}
		OK(r, store_sweep(r->conn, AT(r, r->now + 10), 9, &removed,
				  &r->err));
	}
	fixture_close(r);
}
END_TEST

/* Each denial decides by itself, whatever the others say. */
START_TEST(denials_do_not_influence_each_other)
{
	const struct str keys[] = { STR("sid:1"), STR("user:a"), STR("all") };
	struct fixture *r = fixture_open(_i);
	bool answer;

	for (size_t of = 0; of < ARRAY_LEN(keys); of++) {
		int64_t removed;

		for (size_t i = 0; i < ARRAY_LEN(keys); i++)
			OK(r, store_deny(r->conn, NOW(r),
					 DENIAL(keys[i],
						r->now - (i == of ? 0 : 50),
						r->now + (i == of ? 10 : 20)),
					 &r->err));
		OK(r, store_denied(r->conn, AT(r, r->now + 9),
				   ASKED(keys, ARRAY_LEN(keys), r->now),
				   &answer, &r->err));
		HOLDS(r, answer);
		/* The later issue time of one must not be combined with the
		 * later end of another. */
		OK(r, store_denied(r->conn, AT(r, r->now + 10),
				   ASKED(keys, ARRAY_LEN(keys), r->now),
				   &answer, &r->err));
		HOLDS(r, !answer);
		OK(r, store_denied(r->conn, AT(r, r->now + 10),
				   ASKED(keys, ARRAY_LEN(keys), r->now - 50),
				   &answer, &r->err));
		HOLDS(r, answer);
		OK(r, store_sweep(r->conn, AT(r, r->now + 20), 9, &removed,
				  &r->err));
	}
	fixture_close(r);
}
END_TEST

START_TEST(many_denials_are_kept)
{
	struct fixture *r = fixture_open(_i);
	char key[24];

	for (int i = 0; i < 200; i++) {
		(void)snprintf(key, sizeof(key), "sid:%d", i);
		deny(r, key, r->now + i, r->now + 1000 + i);
	}
	for (int i = 0; i < 200; i++) {
		(void)snprintf(key, sizeof(key), "sid:%d", i);
		HOLDS(r, denied(r, key, r->now + i, r->now + 999 + i));
		HOLDS(r, !denied(r, key, r->now + i + 1, r->now));
	}
	fixture_close(r);
}
END_TEST

START_TEST(denial_keys_are_checked)
{
	static char longest[257];
	struct fixture *r = fixture_open(_i);
	const struct str rows[] = { STR(""),
				    STR("a\0b"),
				    { .p = longest, .n = 257 } };
	struct str keys[2] = { STR("user:a") };
	bool answer = false;

	memset(longest, 'k', sizeof(longest));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		FAILS(r,
		      store_deny(r->conn, NOW(r),
				 DENIAL(rows[i], r->now, r->now + 1), &r->err),
		      ERR_INPUT, "key");
		keys[1] = rows[i];
		FAILS(r,
		      store_denied(r->conn, NOW(r), ASKED(keys, 2, r->now),
				   &answer, &r->err),
		      ERR_INPUT, "key");
	}
	longest[256] = '\0';
	deny(r, longest, r->now,
	     r->now + 1); /* 256 bytes, without a back-off */
	HOLDS(r, denied(r, longest, r->now, r->now));
	longest[255] = 'l';
	HOLDS(r, !denied(r, longest, r->now, r->now));
	deny(r, "user:'; DROP TABLE denials; --", r->now, r->now + 1);
	HOLDS(r, denied(r, "user:'; DROP TABLE denials; --", r->now, r->now));
	fixture_close(r);
}
END_TEST

START_TEST(denials_hold_for_distant_times)
{
	static const int64_t times[] = { 0, 1, INT64_C(2147483647000),
					 INT64_C(4294967296000),
					 INT64_MAX - 1 };
	struct fixture *r = fixture_open(_i);

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		char key[24];

		(void)snprintf(key, sizeof(key), "user:%zu", i);
		deny(r, key, times[i], times[i] + 1);
		HOLDS(r, denied(r, key, times[i], times[i]));
		HOLDS(r, !denied(r, key, times[i] + 1, times[i]));
		HOLDS(r, !denied(r, key, times[i], times[i] + 1));
	}
	fixture_close(r);
}
END_TEST

START_TEST(sweep_removes_stale_denials_only)
{
	struct fixture *r = fixture_open(_i);
	int64_t removed, all = 0;
	char key[24];

	for (int i = 0; i < 20; i++) {
		(void)snprintf(key, sizeof(key), "user:%d", i);
		deny(r, key, r->now, r->now + 100 + i);
	}
	OK(r, store_sweep(r->conn, AT(r, r->now + 99), 50, &removed, &r->err));
	SAME(r, removed, 0);
	/* The denials 0 to 9 are over. Each sweep removes three. */
	for (int steps = 0; steps < 10; steps++) {
		OK(r, store_sweep(r->conn, AT(r, r->now + 109), 3, &removed,
				  &r->err));
		HOLDS(r, removed <= 3);
		all += removed;
	}
	if (r->ops->sweep != NULL)
		SAME(r, all, 10);
	for (int i = 10; i < 20; i++) {
		(void)snprintf(key, sizeof(key), "user:%d", i);
		HOLDS(r, denied(r, key, r->now, r->now + 109));
	}
	/* A swept denial is not known to an older clock either. A new one takes
	 * its place. */
	deny(r, "user:0", r->now - 50, r->now + 200);
	HOLDS(r, denied(r, "user:0", r->now - 50, r->now + 109));
	if (r->ops->sweep != NULL)
		HOLDS(r, !denied(r, "user:0", r->now, r->now));
	fixture_close(r);
}
END_TEST

/* In memory there are so many that each of its lists has some. */
START_TEST(sweep_finds_every_denial)
{
	struct fixture *r = fixture_open(_i);
	const int n = strcmp(r->name, "memory") == 0 ? 9000 : 30;
	int64_t removed;
	char key[24];

	for (int i = 0; i < n; i++) {
		(void)snprintf(key, sizeof(key), "sid:%d", i);
		deny(r, key, r->now, r->now + 1);
	}
	OK(r,
	   store_sweep(r->conn, AT(r, r->now + 1), 10000, &removed, &r->err));
	if (r->ops->sweep != NULL)
		SAME(r, removed, n);
	fixture_close(r);
}
END_TEST

START_TEST(denials_are_shared_and_kept)
{
	struct fixture *r = fixture_open(_i);
	struct backend *second = fixture_store(r);
	struct store_conn *other = fixture_conn_to(r, second);
	const struct str key = STR("sid:abc");
	bool answer;

	deny(r, "sid:abc", r->now, r->now + 1000);
	OK(r, store_denied(other, NOW(r), ASKED(&key, 1, r->now), &answer,
			   &r->err));
	HOLDS(r, answer == fixture_is_shared(r));
	store_conn_free(other);
	backend_unref(second);
	fixture_reopen(r);
	HOLDS(r, denied(r, "sid:abc", r->now, r->now) ==
		     ((r->ops->base.driver.caps & BACKEND_PERSISTENT) != 0));
	fixture_close(r);
}
END_TEST

/* The longest and the latest denial win. */
static void
deny_often(struct work *w)
{
	for (int i = 0; i < 20; i++) {
		int64_t at = (i * 7 + w->number * 13) % 80;

		if (store_deny(w->conn, AT(w, w->r->now),
			       DENIAL(STR("user:alice"), w->r->now + at,
				      w->r->now + 1079 - at),
			       &w->err) != 0)
			w->fails++;
	}
}

START_TEST(parallel_denials_add_up)
{
	struct fixture *r = fixture_open(_i);
	int64_t issued = 0, until = 0;

	for (int n = 0; n < 4; n++) {
		for (int i = 0; i < 20; i++) {
			int64_t at = (i * 7 + n * 13) % 80;

			issued = at > issued ? at : issued;
			until = 1079 - at > until ? 1079 - at : until;
		}
	}
	(void)fixture_threads(r, deny_often, NULL, 4, fixture_is_shared(r));
	HOLDS(r, denied(r, "user:alice", r->now + issued, r->now));
	HOLDS(r, !denied(r, "user:alice", r->now + issued + 1, r->now));
	HOLDS(r, denied(r, "user:alice", r->now, r->now + until - 1));
	HOLDS(r, !denied(r, "user:alice", r->now, r->now + until));
	fixture_close(r);
}
END_TEST

TCase *
store_denial_cases(void)
{
	TCase *t = new_case("denials");
	int n = fixture_count();

	tcase_add_loop_test(t, denials_are_exact_to_the_millisecond, 0, n);
	tcase_add_loop_test(t, other_keys_are_not_denied, 0, n);
	tcase_add_loop_test(t, denials_add_up_in_any_order, 0, n);
	tcase_add_loop_test(t, one_denied_key_is_enough, 0, n);
	tcase_add_loop_test(t, denials_do_not_influence_each_other, 0, n);
	tcase_add_loop_test(t, many_denials_are_kept, 0, n);
	tcase_add_loop_test(t, denial_keys_are_checked, 0, n);
	tcase_add_loop_test(t, denials_hold_for_distant_times, 0, n);
	tcase_add_loop_test(t, sweep_removes_stale_denials_only, 0, n);
	tcase_add_loop_test(t, sweep_finds_every_denial, 0, n);
	tcase_add_loop_test(t, denials_are_shared_and_kept, 0, n);
	tcase_add_loop_test(t, parallel_denials_add_up, 0, n);
	return t;
}
