/* SPDX-License-Identifier: MIT */
/* Sessions that an earlier version has created, or ended. */
#include "tests/contract/redis/store_fixture.h"
#include "tests/support/call.h"

#include <stdio.h>

#include "strategy/session_id.h"

/* Returns the index of ends of an earlier version. */
static struct fixture_key
earlier_ends(void)
{
	struct fixture_key key;

	(void)snprintf(key.text, sizeof(key.text), "fcgiauth:{%02x}ends",
		       session_shard_of(STR("alice")));
	return key;
}

/* Creates a session as an earlier version does. */
static struct session
create_earlier(struct fixture *r)
{
	static const char lua[] =
	    "local front = ARGV[1] "
	    "local e = redis.call('ZRANGE', front .. 'u:alice', -1, -1)[1] "
	    "local m = ARGV[2] .. 'alice' "
	    "local ends = redis.call('ZSCORE', KEYS[1], m) "
	    "redis.call('ZADD', front .. 'sessions', 0, e) "
	    "redis.call('ZADD', front .. 'ends', ends, e .. ':alice') "
	    "local name = redis.call('ZRANGE', front .. 'pages', -1, -1)[1] "
	    "redis.call('ZREM', front .. 'pages', name) "
	    "redis.call('DEL', front .. 'p:' .. name) "
	    "return redis.call('ZREM', KEYS[1], m)";
	struct session s = fixture_create(r, "alice", r->now);

	SAME(r,
	     fixture_redis(r, "EVAL %s 1 %s %s %b", lua,
			   fixture_index("alice", "ends").text,
			   fixture_index("alice", "").text,
			   (const char *)s.id.b, sizeof(s.id.b)),
	     1);
	return s;
}

START_TEST(swept_after_an_earlier_version)
{
	struct fixture *r = fixture_open();
	struct session s = create_earlier(r), other;

	other = fixture_create(r, "alice", r->now + 1);
	SAME(r, fixture_live(r, NULL, r->now), 2);
	OK(r, store_touch(r->conn, NOW(r),
			  TOUCH(s.id, r->now + 1, r->now + 5000), &r->err));
	SAME(r, fixture_sweep(r, r->now + 3601), 1);
	HOLDS(r, fixture_is_alive(r, &s, r->now + 3601));
	HOLDS(r, !fixture_is_alive(r, &other, r->now + 3601));
	SAME(r, fixture_sweep(r, r->now + 5000), 1);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

/* Ends the session, whose user has another one. */
static void
end_one(struct fixture *r, struct session *s, const struct session *other,
	int how)
{
	struct rotation use = fixture_rotation(r, s);
	enum rotate_answer answer;
	bool ended;
	int64_t n;

	use.presented.b[0] ^= 1;
	if (how == 0) {
		OK(r, store_revoke(r->conn, NOW(r), &s->id, &ended, &r->err));
	} else if (how == 1) {
		OK(r, store_revoke_user(r->conn, NOW(r), STR("alice"),
					&other->id, &n, &r->err));
		SAME(r, n, 1);
	} else {
		OK(r, fixture_rotate(r, s, &use, r->now, &answer));
		SAME(r, answer, ROTATE_REUSED);
	}
}

START_TEST(ended_after_an_earlier_version)
{
	struct fixture *r = fixture_open();
	struct session s = create_earlier(r);
	struct session other = fixture_create(r, "alice", r->now);
	bool ended;

	SAME(r, fixture_redis(r, "ZCARD %s", earlier_ends().text), 1);
	end_one(r, &s, &other, _i);
	SAME(r, fixture_redis(r, "EXISTS %s", earlier_ends().text), 0);
	SAME(r, fixture_live(r, NULL, r->now), 1);
	OK(r, store_revoke(r->conn, NOW(r), &other.id, &ended, &r->err));
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

/* An earlier version does not know the new indices. */
START_TEST(ended_by_an_earlier_version)
{
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now);

	(void)fixture_redis(r, "DEL %s %s", fixture_key(&s).text,
			    fixture_index("alice", "u:alice").text);
	SAME(r, fixture_live(r, NULL, r->now), 0);
	SAME(r, fixture_sweep(r, r->now + 3600), 1);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

START_TEST(in_both_indices)
{
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now);

	(void)fixture_create(r, "bob", r->now + 1);
	(void)fixture_redis(r, "COPY %s %s",
			    fixture_index("alice", "u:alice").text,
			    fixture_index("alice", "sessions").text);
	SAME(r, fixture_live(r, NULL, r->now), 2);
	HOLDS(r, fixture_is_alive(r, &s, r->now));
	(void)fixture_sweep(r, r->now + 99999);
	SAME(r, fixture_live(r, NULL, r->now), 0);
	fixture_close(r);
}
END_TEST

/* The id does not begin with the time of the entry, so the sweep needs the
 * whole entry. */
START_TEST(an_id_with_another_time)
{
	struct fixture *r = fixture_open();
	struct session s = fixture_session(r, "alice", r->now);

	s.created_ms--;
	OK(r, store_create(r->conn, NOW(r), &s, 0, NULL, &r->err));
	HOLDS(r, fixture_is_alive(r, &s, r->now));
	SAME(r, fixture_live(r, "alice", r->now), 1);
	(void)fixture_redis(r, "DEL %s", fixture_key(&s).text);
	SAME(r, fixture_sweep(r, r->now + 3600), 1);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

TCase *
redis_earlier_cases(void)
{
	TCase *t = new_case("earlier");

	tcase_add_test(t, swept_after_an_earlier_version);
	tcase_add_loop_test(t, ended_after_an_earlier_version, 0, 3);
	tcase_add_test(t, ended_by_an_earlier_version);
	tcase_add_test(t, in_both_indices);
	tcase_add_test(t, an_id_with_another_time);
	return t;
}
