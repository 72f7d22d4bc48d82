/* SPDX-License-Identifier: MIT */
/* The Redis store when one of its indices cannot be used. */
#include "tests/contract/redis/store_fixture.h"
#include "tests/support/call.h"

#include <stdio.h>
#include <string.h>

#include "strategy/session_id.h"

static const char *const kinds[] = { "u:alice", "page", "ends" };

/* Returns an index of alice. */
static struct fixture_key
index_of(const char *kind)
{
	return strcmp(kind, "page") == 0 ? fixture_page("alice") :
					   fixture_index("alice", kind);
}

/* Replaces it by a text. */
static void
spoil(struct fixture *r, const char *kind)
{
	(void)fixture_redis(r, "SET %s x", index_of(kind).text);
}

/* Presents a token that the session never had. */
static void
reuse(struct fixture *r, const struct session *s)
{
	struct rotation use = fixture_rotation(r, s);
	enum rotate_answer answer = ROTATE_GONE;
	struct session copy = *s;

	use.presented.b[0] ^= 1;
	OK(r, fixture_rotate(r, &copy, &use, r->now, &answer));
	SAME(r, answer, ROTATE_REUSED);
}

/* A session is ended even if one of its indices cannot be changed. */
START_TEST(ended_without_an_index)
{
	struct fixture *r = fixture_open();
	struct session s[3];
	bool ended;
	int64_t n;

	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		s[i] = fixture_create(r, "alice", r->now + (int64_t)i);
	spoil(r, kinds[_i]);
	OK(r, store_revoke(r->conn, NOW(r), &s[0].id, &ended, &r->err));
	HOLDS(r, ended);
	HOLDS(r, !fixture_is_alive(r, &s[0], r->now));
	reuse(r, &s[1]);
	HOLDS(r, !fixture_is_alive(r, &s[1], r->now));
	if (_i == 0) {
		/* Nothing leads to the other sessions any more. */
		FAILS(r,
		      store_revoke_user(r->conn, NOW(r), STR("alice"), NULL, &n,
					&r->err),
		      ERR_UNAVAILABLE, "WRONGTYPE");
		OK(r, store_revoke(r->conn, NOW(r), &s[2].id, &ended, &r->err));
	} else {
		OK(r, store_revoke_user(r->conn, NOW(r), STR("alice"), NULL, &n,
					&r->err));
		SAME(r, n, 1);
	}
	HOLDS(r, !fixture_is_alive(r, &s[2], r->now));
	(void)fixture_redis(r, "DEL %s", index_of(kinds[_i]).text);
	SAME(r, fixture_live(r, "alice", r->now), 0);
	SAME(r, fixture_live(r, NULL, r->now), 0);
	(void)fixture_sweep(r, r->now + 99999);
	/* Without `ends` nothing leads to the entries that stayed. */
	HOLDS(r, _i == 2 || fixture_redis(r, "DBSIZE") == 0);
	fixture_close(r);
}
END_TEST

/* If one index cannot be changed, no part of the session is created. */
START_TEST(not_created_without_an_index)
{
	struct fixture *r = fixture_open();
	struct session old = fixture_create(r, "alice", r->now), s;
	long long keys = fixture_redis(r, "DBSIZE");

	spoil(r, kinds[_i]);
	s = fixture_session(r, "alice", r->now + 1);
	FAILS(r, store_create(r->conn, NOW(r), &s, 1, NULL, &r->err),
	      ERR_UNAVAILABLE, "WRONGTYPE");
	HOLDS(r, !fixture_is_alive(r, &s, r->now));
	HOLDS(r, fixture_is_alive(r, &old, r->now));
	SAME(r, fixture_redis(r, "DBSIZE"), keys);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (i != (size_t)_i)
			SAME(r,
			     fixture_redis(r, "ZCARD %s",
					   index_of(kinds[i]).text),
			     1);
	fixture_close(r);
}
END_TEST

/* The session whose index is a text is the first one in each page. */
START_TEST(swept_without_an_index)
{
	struct fixture *r = fixture_open();
	struct session s[3];
	int64_t n;

	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		s[i] = fixture_create(r, "alice", r->now + (int64_t)i);
	OK(r,
	   store_touch(r->conn, NOW(r),
		       TOUCH(s[0].id, r->now + 1000, r->now + 5000), &r->err));
	spoil(r, kinds[_i]);
	OK(r, store_sweep(r->conn, AT(r, r->now + 3602), 2, &n, &r->err));
	SAME(r, n, 2);
	HOLDS(r, fixture_is_alive(r, &s[0], r->now + 3602));
	SAME(r,
	     fixture_redis(r, "ZCARD %s", fixture_index("alice", "ends").text),
	     1);
	OK(r, store_sweep(r->conn, AT(r, r->now + 5000), 2, &n, &r->err));
	SAME(r, n, 1);
	/* The text, and its name if it is a page. */
	SAME(r, fixture_redis(r, "DBSIZE"), _i == 0 ? 1 : 2);
	fixture_close(r);
}
END_TEST

/* A shard that cannot be swept does not stop the others. */
START_TEST(swept_without_a_shard)
{
	struct fixture *r = fixture_open();
	int64_t n;

	(void)fixture_create(r, "alice", r->now);
	for (int i = 0; i < 3; i++)
		(void)fixture_create(r, "bob", r->now);
	spoil(r, "ends");
	OK(r, store_sweep(r->conn, AT(r, r->now + 99999), 2, &n, &r->err));
	SAME(r, n, 2);
	FAILS(r, store_sweep(r->conn, AT(r, r->now + 99999), 2, &n, &r->err),
	      ERR_UNAVAILABLE, "WRONGTYPE");
	SAME(r,
	     fixture_redis(r, "EXISTS %s", fixture_index("bob", "ends").text),
	     0);
	fixture_close(r);
}
END_TEST

/* If attempts and denials cannot be swept, sessions are swept nevertheless. */
START_TEST(swept_without_the_others)
{
	static const char *const others[] = { "fcgiauth:ends",
					      "fcgiauth:bans" };
	struct fixture *r = fixture_open();
	int64_t n;

	for (int i = 0; i < 3; i++)
		(void)fixture_create(r, "alice", r->now);
	(void)fixture_redis(r, "SET %s x", others[_i]);
	OK(r, store_sweep(r->conn, AT(r, r->now + 99999), 2, &n, &r->err));
	SAME(r, n, 2);
	FAILS(r, store_sweep(r->conn, AT(r, r->now + 99999), 2, &n, &r->err),
	      ERR_UNAVAILABLE, "WRONGTYPE");
	SAME(r, fixture_redis(r, "DBSIZE"), 1);
	fixture_close(r);
}
END_TEST

/* A session was created by a clock that was ahead, and is seen again after the
 * clock was corrected. */
START_TEST(swept_after_a_clock_was_ahead)
{
	const int64_t year = INT64_C(31536000000);
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now + year);
	struct rotation use = fixture_rotation(r, &s);
	enum rotate_answer answer;

	if (_i == 0)
		OK(r, store_touch(r->conn, NOW(r),
				  TOUCH(s.id, r->now, r->now + 3600), &r->err));
	else
		OK(r, fixture_rotate(r, &s, &use, r->now, &answer));
	SAME(r, fixture_sweep(r, r->now + 3600), 1);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

/* Sessions that only get a later time come before one that is over. */
START_TEST(swept_without_memory)
{
	enum { N = 120 };
	struct fixture *r = fixture_open();
	struct session s, gone;
	int64_t n;

	for (int i = 0; i < N; i++) {
		s = fixture_create(r, "alice", r->now);
		OK(r, store_touch(r->conn, NOW(r),
				  TOUCH(s.id, r->now + 1, r->now + 9000),
				  &r->err));
	}
	gone = fixture_create(r, "alice", r->now + 1);
	(void)fixture_redis(r, "CONFIG SET maxmemory 1");
	OK(r, store_sweep(r->conn, AT(r, r->now + 3601), 100, &n, &r->err));
	SAME(r, n, 1);
	HOLDS(r, fixture_is_alive(r, &s, r->now + 3601));
	HOLDS(r, !fixture_is_alive(r, &gone, r->now));
	SAME(r, fixture_live(r, "alice", r->now + 3601), N);
	fixture_close(r);
}
END_TEST

/* All sessions are of one shard. Those of a clock that is behind come into an
 * earlier page. */
START_TEST(pages_are_small)
{
	enum { N = 450 };
	static struct session s[N];
	struct fixture *r = fixture_open();
	const struct fixture_key pages = fixture_index("alice", "pages");
	bool ended;
	int64_t n;

	for (int i = 0; i < N; i++) {
		s[i] = fixture_create(r, "alice", r->now + i - i % 7);
		arena_reset(r->a);
	}
	SAME(r, fixture_live(r, NULL, r->now + N), N);
	HOLDS(r, fixture_redis(r, "ZCARD %s", pages.text) <= 5);
	SAME(
	    r,
	    fixture_redis(r, "EVAL %s 1 %s %s",
			  "local n = 0 "
			  "for _, id in ipairs("
			  "redis.call('ZRANGE', KEYS[1], 0, -1)) do"
			  " n = math.max(n, redis.call('ZCARD', ARGV[1] .. id))"
			  "end return n > 120 and n or 0",
			  pages.text, fixture_index("alice", "p:").text),
	    0);
	for (int i = 0; i < N; i += 2) {
		OK(r, store_revoke(r->conn, NOW(r), &s[i * 7 % N].id, &ended,
				   &r->err));
		arena_reset(r->a);
	}
	SAME(r, fixture_live(r, NULL, r->now + N),
	     fixture_live(r, "alice", r->now + N));
	SAME(r, fixture_sweep(r, r->now + 99999), N / 2);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	for (int i = 9; i > 0; i--)
		(void)fixture_create(r, "alice", r->now + i);
	SAME(r, fixture_live(r, NULL, r->now + N), 9);
	OK(r,
	   store_revoke_user(r->conn, NOW(r), STR("alice"), NULL, &n, &r->err));
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

/* A session of a common browser takes less than 720 bytes with its entries. */
START_TEST(memory_of_a_session)
{
	enum { N = 20000 };
	struct fixture *r = fixture_open();
	long long bytes;
	char name[32];

	for (int i = 0; i < N; i++) {
		(void)snprintf(name, sizeof(name), "user%d", i / 2);
		(void)fixture_create(r, name, r->now);
		if (i % 1000 == 0)
			arena_reset(r->a);
	}
	bytes = fixture_redis(r, "EVAL %s 0",
			      "local n = 0 "
			      "for _, key in ipairs(redis.call('KEYS', '*')) do"
			      " n = n + redis.call('MEMORY', 'USAGE', key,"
			      " 'SAMPLES', 0) end return n");
	ck_assert_msg(bytes / N < 720, "%lld bytes a session", bytes / N);
	fixture_close(r);
}
END_TEST

TCase *
redis_index_cases(void)
{
	TCase *t = new_case("indices");

	tcase_add_loop_test(t, ended_without_an_index, 0, 3);
	tcase_add_loop_test(t, not_created_without_an_index, 0, 3);
	tcase_add_loop_test(t, swept_without_an_index, 0, 2);
	tcase_add_test(t, swept_without_a_shard);
	tcase_add_loop_test(t, swept_without_the_others, 0, 2);
	tcase_add_loop_test(t, swept_after_a_clock_was_ahead, 0, 2);
	tcase_add_test(t, swept_without_memory);
	tcase_add_test(t, pages_are_small);
	tcase_add_test(t, memory_of_a_session);
	return t;
}
