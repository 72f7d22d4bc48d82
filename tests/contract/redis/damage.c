/* SPDX-License-Identifier: MIT */
/* The Redis store with damaged records and wrong indices. */
#include "tests/contract/redis/store_fixture.h"
#include "tests/support/call.h"
#include "tests/support/logins.h"

#include <stdio.h>

static const struct attempt_policy policy = { .max = 1,
					      .window_ms = 100,
					      .ban_ms = 200 };

/* Each operation must fail, because a damaged session may be a live one. */
static void
cannot_be_told(struct fixture *r, const struct session *s, const char *what)
{
	struct rotation use = fixture_rotation(r, s);
	struct session_answer got = { .found = true, .session = *s };
	enum rotate_answer answer = ROTATE_FUTURE;

	ck_assert_msg(store_find(r->conn, NOW(r), &s->id, &s->token, &got,
				 &r->err) == -1 &&
			  got.found && strstr(r->err.msg, "damaged") != NULL,
		      "%s: find", what);
	ck_assert_msg(fixture_rotate(r, &got.session, &use, r->now, &answer) ==
			      -1 &&
			  answer == ROTATE_FUTURE &&
			  strstr(r->err.msg, "damaged") != NULL,
		      "%s: rotate", what);
	ck_assert_msg(store_touch(r->conn, NOW(r),
				  TOUCH(s->id, r->now + 1, r->now + 4000),
				  &r->err) == -1 &&
			  r->err.code == ERR_UNAVAILABLE &&
			  strstr(r->err.msg, "damaged") != NULL,
		      "%s: touch", what);
}

START_TEST(damaged_sessions)
{
	static const char *const values[] = { "", "1", "x", "hello",
					      "1000000000000000000000000000" };
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now), good;
	bool ended;

	good = fixture_create(r, "alice", r->now + 1);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		(void)fixture_redis(r, "SET %s %s", fixture_key(&s).text,
				    values[i]);
		cannot_be_told(r, &s, values[i]);
		/* Other sessions are not affected, and the damaged one can be
		 * revoked. */
		HOLDS(r, fixture_is_alive(r, &good, r->now));
		OK(r, store_update_user(r->conn, NOW(r), &s.who, &r->err));
		OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
		HOLDS(r, ended);
		OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
		HOLDS(r, !ended);
	}
	(void)fixture_redis(r, "LPUSH %s x", fixture_key(&s).text);
	HOLDS(r, store_touch(r->conn, NOW(r), TOUCH(s.id, r->now, r->now),
			     &r->err) == -1);
	OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
	HOLDS(r, ended);
	fixture_close(r);
}
END_TEST

/* The record has the right form, but its texts are not valid. The name begins
 * at byte 214. */
START_TEST(sessions_that_cannot_be)
{
	static const struct {
		int at;
		const char *bytes, *names;
	} rows[] = {
		{ 214, "al ce", "damaged" }, /* in another shard, too */
		{ 214, "alicX", "damaged" },  { 214, "al\377ce", "damaged" },
		{ 220, "sta f", "identity" }, { 232, "\x01", "identity" },
	};
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now);
	struct session_answer got;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)fixture_redis(r, "COPY %s kept REPLACE",
				    fixture_key(&s).text);
		(void)fixture_redis(r, "SETRANGE %s %d %s",
				    fixture_key(&s).text, rows[i].at,
				    rows[i].bytes);
		FAILS(r,
		      store_find(r->conn, NOW(r), &s.id, &s.token, &got,
				 &r->err),
		      ERR_UNAVAILABLE, rows[i].names);
		SAME(r, fixture_live(r, "alice", r->now), 0);
		(void)fixture_redis(r, "COPY kept %s REPLACE",
				    fixture_key(&s).text);
		HOLDS(r, fixture_is_alive(r, &s, r->now));
	}
	fixture_close(r);
}
END_TEST

/* A damaged session of any size and type does not affect other sessions. */
START_TEST(damage_hurts_nobody_else)
{
	static const char *const damage[] = {
		"SETRANGE %s 68157440 x",
		"SET %s x",
		"LPUSH %s x",
	};
	struct fixture *r = fixture_open();

	for (size_t i = 0; i < ARRAY_LEN(damage); i++) {
		struct session s = fixture_create(r, "alice", r->now);
		struct session other = fixture_create(r, "alice", r->now + 1);
		struct session_answer got;
		struct rotation use = fixture_rotation(r, &s);
		struct store_conn *second =
		    fixture_conn(r, "fcgiauth:", NULL, NULL);
		enum rotate_answer answer;
		bool ended;
		int64_t n;

		(void)fixture_redis(r, "DEL %s", fixture_key(&s).text);
		(void)fixture_redis(r, damage[i], fixture_key(&s).text);
		FAILS(r,
		      store_find(r->conn, NOW(r), &s.id, &s.token, &got,
				 &r->err),
		      ERR_UNAVAILABLE, "");
		got.session = s;
		ck_assert_int_eq(fixture_rotate(r, &got.session, &use, r->now,
						&answer),
				 -1);
		ck_assert_int_eq(store_touch(r->conn, NOW(r),
					     TOUCH(s.id, r->now + 1,
						   r->now + 4000),
					     &r->err),
				 -1);
		/* No other operation waits or loses its connection. */
		HOLDS(r, fixture_is_alive(r, &other, r->now));
		OK(r, store_find(second, NOW(r), &other.id, &other.token, &got,
				 &r->err));
		HOLDS(r, got.found);
		OK(r, store_update_user(r->conn, NOW(r), &other.who, &r->err));
		SAME(r, fixture_live(r, "alice", r->now), 1);
		SAME(r, fixture_live(r, NULL, r->now), 1);
		OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
		HOLDS(r, ended);
		OK(r, store_revoke_all(r->conn, NOW(r), &n, &r->err));
		SAME(r, n, 1);
		fixture_conn_end(second);
	}
	fixture_close(r);
}
END_TEST

/* A reply that is too long ends the connection, and the next operation opens a
 * new one. A slow machine needs minutes, in which no session may expire. */
START_TEST(answers_without_end)
{
	const struct str key = STR("k");
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now);
	bool is;

	(void)fixture_redis(r, "PERSIST %s", fixture_key(&s).text);
	(void)fixture_redis(r, "SETRANGE fcgiauth:d:k 68157440 x");
	for (int i = 0; i < 3; i++) {
		FAILS(r,
		      store_denied(r->conn, AT(r, 1), ASKED(&key, 1, 1), &is,
				   &r->err),
		      ERR_UNAVAILABLE, "at most");
		HOLDS(r, fixture_is_alive(r, &s, r->now));
	}
	fixture_close(r);
}
END_TEST

START_TEST(damage_at_each_byte)
{
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now);
	struct session_answer got;
	struct fixture_key key = fixture_key(&s);
	int read = 0;

	(void)fixture_redis(r, "COPY %s kept", key.text);
	for (int i = 0; i < 118; i++) {
		struct rotation use = fixture_rotation(r, &s);
		enum rotate_answer answer;

		(void)fixture_redis(r, "SETRANGE %s %d x", key.text, i);
		got.session = s;
		ck_assert_msg(fixture_rotate(r, &got.session, &use, r->now,
					     &answer) == -1,
			      "byte %d: rotates", i);
		ck_assert_msg(store_touch(r->conn, NOW(r),
					  TOUCH(s.id, r->now + 1,
						r->now + 4000),
					  &r->err) == -1,
			      "byte %d: touches", i);
		read += store_find(r->conn, NOW(r), &s.id, &s.token, &got,
				   &r->err) == 0;
		(void)fixture_redis(r, "COPY kept %s REPLACE", key.text);
		HOLDS(r, fixture_is_alive(r, &s, r->now));
	}
	SAME(r, read, 20); /* rotate() alone reads 19 + 1 bytes */
	/* The format of a future version is damaged for this one. */
	(void)fixture_redis(r, "SETRANGE %s 0 2", key.text);
	cannot_be_told(r, &s, "format 2");
	/* A truncated record is damaged at every length. */
	for (int n = 0; n < 219; n++) {
		(void)fixture_redis(r, "COPY kept %s REPLACE", key.text);
		(void)fixture_redis(r, "EVAL %s 1 %s %d",
				    "redis.call('SET', KEYS[1], string.sub("
				    "redis.call('GET', KEYS[1]), 1, ARGV[1]))",
				    key.text, n);
		cannot_be_told(r, &s, "cut off");
	}
	fixture_close(r);
}
END_TEST

START_TEST(other_damage)
{
	static const char *const values[] = { "", "x", "1 2 3",
					      "0001767225600000000 2 1",
					      "0001767225600000000 1 -1" };
	struct fixture *r = fixture_open();
	const struct str key = STR("k");
	uint8_t secret[32] = { 7 };
	struct attempt attempt;
	int64_t until = 5;
	bool is = true;

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		(void)fixture_redis(r, "SET fcgiauth:a:k %s", values[i]);
		(void)fixture_redis(r, "SET fcgiauth:d:k %s", values[i]);
		(void)fixture_redis(r, "SET fcgiauth:secret:k %s", values[i]);
		FAILS(r,
		      store_attempt(r->conn, NOW(r), key, &policy, &attempt,
				    &r->err),
		      ERR_UNAVAILABLE, "damaged");
		FAILS(r, ask_ban(r->conn, NOW(r), key, 1, &until, &r->err),
		      ERR_UNAVAILABLE, "damaged");
		SAME(r, until, 5);
		FAILS(r,
		      store_deny(r->conn, NOW(r), DENIAL(key, 1, 2), &r->err),
		      ERR_UNAVAILABLE, "damaged");
		FAILS(r,
		      store_denied(r->conn, AT(r, 1), ASKED(&key, 1, 1), &is,
				   &r->err),
		      ERR_UNAVAILABLE, "damaged");
		HOLDS(r, is);
		FAILS(r, store_secret(r->conn, NOW(r), "k", secret, &r->err),
		      ERR_UNAVAILABLE, "damaged");
		SAME(r, secret[0], 7);
		OK(r, store_reset_attempts(r->conn, NOW(r), key, &is, &r->err));
		HOLDS(r, !is);
		OK(r, store_attempt(r->conn, NOW(r), key, &policy, &attempt,
				    &r->err));
		is = true;
		until = 5;
	}
	fixture_close(r);
}
END_TEST

/* The sessions are gone, but their entries still exist. */
START_TEST(indices_that_lag_behind)
{
	struct fixture *r = fixture_open();
	const struct fixture_key mine = fixture_index("alice", "u:alice");
	struct session s[4], more, got;
	enum rotate_answer answer;
	struct rotation use;
	int64_t n;

	for (int i = 0; i < 4; i++)
		s[i] = fixture_create(r, "alice", r->now + i);
	for (int i = 0; i < 3; i++)
		(void)fixture_redis(r, "DEL %s", fixture_key(&s[i]).text);
	SAME(r, fixture_live(r, "alice", r->now), 1);
	SAME(r, fixture_live(r, NULL, r->now), 1);
	HOLDS(r, !fixture_is_alive(r, &s[0], r->now));
	use = fixture_rotation(r, &s[0]);
	got = s[0];
	OK(r, fixture_rotate(r, &got, &use, r->now, &answer));
	SAME(r, answer, ROTATE_GONE);
	/* Entries without a record do not count for the limit. */
	more = fixture_session(r, "alice", r->now + 9);
	OK(r, store_create(r->conn, NOW(r), &more, 2, &n, &r->err));
	SAME(r, n, 0);
	HOLDS(r, fixture_is_alive(r, &s[3], r->now));
	SAME(r, fixture_redis(r, "ZCARD %s", mine.text), 2);
	OK(r,
	   store_revoke_user(r->conn, NOW(r), STR("alice"), NULL, &n, &r->err));
	SAME(r, n, 2);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

/* The indices were deleted. The sweep restores the entries of live
 * sessions. */
START_TEST(indices_that_were_lost)
{
	struct fixture *r = fixture_open();
	struct session s[3], gone;
	int64_t n;

	for (int i = 0; i < 3; i++) {
		s[i] = fixture_create(r, "alice", r->now);
		OK(r, store_touch(r->conn, NOW(r),
				  TOUCH(s[i].id, r->now + 1000, r->now + 5000),
				  &r->err));
	}
	gone = fixture_create(r, "alice", r->now);
	(void)fixture_redis(r, "DEL %s %s",
			    fixture_index("alice", "u:alice").text,
			    fixture_page("alice").text);
	for (int i = 0; i < 3; i++)
		HOLDS(r, fixture_is_alive(r, &s[i], r->now));
	SAME(r, fixture_live(r, "alice", r->now), 0);
	SAME(r, fixture_sweep(r, r->now + 3700), 1);
	SAME(r, fixture_live(r, "alice", r->now), 3);
	SAME(r, fixture_live(r, NULL, r->now), 3);
	HOLDS(r, !fixture_is_alive(r, &gone, r->now));
	OK(r,
	   store_revoke(r->conn, NOW(r), &s[0].id, &(bool){ false }, &r->err));
	OK(r,
	   store_revoke_user(r->conn, NOW(r), STR("alice"), NULL, &n, &r->err));
	SAME(r, n, 2);

	/* revoke_all() ends sessions without entries too. */
	for (int i = 0; i < 3; i++)
		s[i] = fixture_create(r, "bob", r->now);
	(void)fixture_redis(r, "DEL %s %s %s",
			    fixture_index("bob", "u:bob").text,
			    fixture_page("bob").text,
			    fixture_index("bob", "ends").text);
	OK(r, store_revoke_all(r->conn, NOW(r), &n, &r->err));
	SAME(r, n, 3);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

START_TEST(indices_that_lie)
{
	static const char *const members[] = {
		"", "x", "s:", "s:x:alice", "a:", "d:", "a:nobody", "d:x", "-s:"
	};
	static const char *const kinds[] = { "u:alice", "sessions", "pages",
					     "ends" };
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now);
	struct session other = fixture_create(r, "bob", r->now);
	struct ban_list bans;
	int64_t n;

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
			(void)fixture_redis(
			    r, "ZADD %s 0 %s",
			    fixture_index("alice", kinds[k]).text, members[i]);
		(void)fixture_redis(r, "ZADD %s 0 %s",
				    fixture_page("alice").text, members[i]);
		(void)fixture_redis(r, "ZADD fcgiauth:ends 0 %s", members[i]);
		(void)fixture_redis(r, "ZADD fcgiauth:bans +inf %s",
				    members[i]);
	}
	/* The index of alice has an entry of bob. */
	(void)fixture_redis(r, "EVAL %s 2 %s %s",
			    "redis.call('ZADD', KEYS[2], 0,"
			    " redis.call('ZRANGE', KEYS[1], 0, 0)[1])",
			    fixture_index("bob", "u:bob").text,
			    fixture_index("alice", "u:alice").text);
	SAME(r, fixture_live(r, "alice", r->now), 1);
	SAME(r, fixture_live(r, NULL, r->now), 2);
	OK(r, store_bans(r->conn, NOW(r), 9, 99, &bans, &r->err));
	SAME(r, bans.n, 0);
	OK(r, store_update_user(r->conn, NOW(r), &s.who, &r->err));
	SAME(r, fixture_sweep(r, r->now), 2 * (int64_t)ARRAY_LEN(members));
	OK(r,
	   store_revoke_user(r->conn, NOW(r), STR("alice"), NULL, &n, &r->err));
	SAME(r, n, 1);
	HOLDS(r, !fixture_is_alive(r, &s, r->now));
	HOLDS(r, fixture_is_alive(r, &other, r->now));
	fixture_close(r);
}
END_TEST

/* A session with impossible times is swept. */
START_TEST(times_past_all_numbers)
{
	static const char most[] = "9999999999999999999";
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now);
	int64_t n;

	(void)fixture_redis(r, "SETRANGE %s 21 %s", fixture_key(&s).text, most);
	(void)fixture_redis(r, "SETRANGE %s 59 %s", fixture_key(&s).text, most);
	OK(r, store_sweep(r->conn, AT(r, r->now + 3600), 9, &n, &r->err));
	SAME(r, n, 1);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

/* The user has many more sessions than the new limit allows. */
START_TEST(more_than_the_limit)
{
	/* Makes older copies of a session; those with an even number have no
	 * record. */
	static const char copies[] =
	    "local s = redis.call('GET', ARGV[1])"
	    " for i = 1, 100000 do"
	    "  local id = string.format('%032d', i)"
	    "  local at = string.format('%019d', i)"
	    "  if i % 2 == 1 then"
	    "   redis.call('SET', ARGV[2] .. id,"
	    "    string.sub(s, 1, 2) .. at .. string.sub(s, 22)) end"
	    "  redis.call('ZADD', KEYS[1], 0, at .. id)"
	    " end";
	struct fixture *r = fixture_open();
	const struct fixture_key mine = fixture_index("alice", "u:alice");
	struct session s = fixture_create(r, "alice", r->now);
	int64_t n;

	(void)fixture_redis(r, "EVAL %s 1 %s %s %s", copies, mine.text,
			    fixture_key(&s).text,
			    fixture_index("alice", "s:").text);
	s = fixture_session(r, "alice", r->now + 1);
	(void)fixture_redis(r, "CONFIG RESETSTAT");
	OK(r, store_create(r->conn, AT(r, r->now + 1), &s, 3, &n, &r->err));
	SAME(r, n, 49999);
	/* Each script reads 1000 entries, and the server serves others in
	 * between. */
	test_redis_until(&r->server, "INFO commandstats",
			 "cmdstat_evalsha:calls=103");
	SAME(r, fixture_redis(r, "ZCARD %s", mine.text), 3);
	HOLDS(r, fixture_is_alive(r, &s, r->now + 1));
	fixture_close(r);
}
END_TEST

/* The sweep reads a live session once for each of its past ends. */
START_TEST(sweep_puts_off_the_living)
{
	enum { N = 350 };
	static struct session s[N];
	struct fixture *r = fixture_open();
	int64_t n;

	for (int i = 0; i < N; i++) {
		s[i] = fixture_create(r, "alice", r->now);
		if (i % 7 != 0)
			OK(r, store_touch(r->conn, NOW(r),
					  TOUCH(s[i].id, r->now + 1,
						r->now + 9000),
					  &r->err));
	}
	OK(r, store_sweep(r->conn, AT(r, r->now + 3600), 1000, &n, &r->err));
	SAME(r, n, N / 7);
	SAME(r,
	     fixture_redis(r, "ZCOUNT %s -inf %lld",
			   fixture_index("alice", "ends").text,
			   (long long)r->now + 8999),
	     0);
	SAME(r, fixture_live(r, "alice", r->now), N - N / 7);
	OK(r, store_sweep(r->conn, AT(r, r->now + 8999), 1000, &n, &r->err));
	SAME(r, n, 0);
	OK(r, store_sweep(r->conn, AT(r, r->now + 9000), 1000, &n, &r->err));
	SAME(r, n, N - N / 7);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

TCase *
redis_damage_cases(void)
{
	TCase *t = new_case("damage");

	tcase_add_test(t, damaged_sessions);
	tcase_add_test(t, sessions_that_cannot_be);
	tcase_add_test(t, damage_hurts_nobody_else);
	tcase_add_test(t, answers_without_end);
	tcase_add_test(t, damage_at_each_byte);
	tcase_add_test(t, other_damage);
	tcase_add_test(t, indices_that_lag_behind);
	tcase_add_test(t, indices_that_were_lost);
	tcase_add_test(t, indices_that_lie);
	tcase_add_test(t, times_past_all_numbers);
	tcase_add_test(t, more_than_the_limit);
	tcase_add_test(t, sweep_puts_off_the_living);
	return t;
}
