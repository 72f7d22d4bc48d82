/* SPDX-License-Identifier: MIT */
/* Touches: most of them do not change the record of the session, so the change
 * feed does not report them. */
#include "tests/contract/redis/store_fixture.h"
#include "tests/support/call.h"

#include "strategy/feed.h"

#include <stdio.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

static struct fixture_key
seen(void)
{
	return fixture_index("alice", "seen");
}

/* How many times are not in the record yet. */
static long long
waiting(struct fixture *r)
{
	return fixture_redis(r, "ZCARD %s", seen().text);
}

/* Creates a session of alice with an idle time of an hour. */
static struct session
create_long(struct fixture *r)
{
	struct session s = fixture_session(r, "alice", r->now);

	s.idle_expires_ms = r->now + HOUR;
	s.expires_ms = r->now + 10 * HOUR;
	OK(r, store_create(r->conn, NOW(r), &s, 0, NULL, &r->err));
	return s;
}

/* Touches the session `after` its creation. */
static void
touch_after(struct fixture *r, const struct session *s, int64_t after)
{
	const int64_t at = r->now + after;

	OK(r, store_touch(r->conn, AT(r, at), TOUCH(s->id, at, at + HOUR),
			  &r->err));
}

static void
expect_times(struct fixture *r, const struct session *s, int64_t seen_ms,
	     int64_t idle_ms)
{
	struct session_cursor cursor = { .created_ms = 0 };
	struct session_answer is;
	struct session_list list;

	OK(r, store_find(r->conn, NOW(r), &s->id, &s->token, &is, &r->err));
	HOLDS(r, is.found);
	SAME(r, is.session.last_seen_ms, seen_ms);
	SAME(r, is.session.idle_expires_ms, idle_ms);
	for (int i = 0; i < 2; i++) {
		const struct str all = { .p = NULL };

		cursor = (struct session_cursor){ .created_ms = 0 };
		OK(r, store_list(r->conn, NOW(r),
				 LISTED(i == 0 ? all : s->who.name, 9), &cursor,
				 &list, &r->err));
		SAME(r, list.n, 1);
		SAME(r, list.v[0].last_seen_ms, seen_ms);
		SAME(r, list.v[0].idle_expires_ms, idle_ms);
	}
}

/* Without `seen`, an earlier version has the times of the record. */
static void
expect_record(struct fixture *r, const struct session *s, int64_t seen_ms)
{
	(void)fixture_redis(r, "RENAME %s elsewhere", seen().text);
	expect_times(r, s, seen_ms, seen_ms + HOUR);
	(void)fixture_redis(r, "RENAME elsewhere %s", seen().text);
}

static void
count_sessions(void *ctx, const struct change *change)
{
	int *n = ctx;

	*n += change->kind != CHANGE_USER;
}

/* Ends after a touch are reported as always. */
static const char *const ends[] = {
	"DEL %s",   "EXPIRE %s 0",     "EXPIRE %s 9", "RENAME %s x",
	"SET %s x", "SETRANGE %s 0 x", "FLUSHDB",
};

START_TEST(touches_are_not_reported)
{
	struct fixture *r = fixture_open();
	int n = 0;
	const struct change_sink sink = { .changed = count_sessions,
					  .ctx = &n };
	const struct feed_conf conf = { .sink = &sink,
					.timeout_ms = 20000,
					.wake = -1 };
	void *feed;

	OK(r, store_redis.feed->open(r->store->opened, &conf, &feed, &r->err));
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct session s = create_long(r);

		OK(r, store_redis.feed->prove(feed, &r->err));
		n = 0;
		for (int k = 1; k < 10; k++)
			touch_after(r, &s, k * MINUTE);
		OK(r, store_redis.feed->prove(feed, &r->err));
		SAME(r, n, 0);
		(void)fixture_redis(r, ends[i], fixture_key(&s).text);
		OK(r, store_redis.feed->prove(feed, &r->err));
		ck_assert_msg(n > 0, "%s", ends[i]);
	}
	store_redis.feed->close(feed);
	fixture_close(r);
}
END_TEST

START_TEST(every_reader_has_the_time)
{
	struct fixture *r = fixture_open();
	struct session s = create_long(r), other;
	struct rotation use = fixture_rotation(r, &s);
	const int64_t late = r->now + HOUR + MINUTE;
	enum rotate_answer answer;
	int64_t n;

	for (int i = 0; i < 3; i++)
		touch_after(r, &s, (2 + i) * MINUTE);
	touch_after(r, &s, 3 * MINUTE);
	SAME(r, waiting(r), 1);
	expect_times(r, &s, r->now + 4 * MINUTE, r->now + 4 * MINUTE + HOUR);
	/* The record alone says that the session is over. */
	HOLDS(r, fixture_is_alive(r, &s, late));
	SAME(r, fixture_live(r, "alice", late), 1);
	SAME(r, fixture_live(r, NULL, late), 1);
	other = fixture_session(r, "alice", late);
	OK(r, store_create(r->conn, AT(r, late), &other, 2, &n, &r->err));
	SAME(r, n, 0);
	HOLDS(r, fixture_is_alive(r, &s, late));
	use.idle_ms = HOUR;
	OK(r, fixture_rotate(r, &s, &use, late, &answer));
	SAME(r, answer, ROTATE_DONE);
	SAME(r, s.last_seen_ms, late);
	SAME(r, waiting(r), 0);
	fixture_close(r);
}
END_TEST

START_TEST(a_live_session_is_not_swept)
{
	struct fixture *r = fixture_open();
	struct session s = create_long(r);

	touch_after(r, &s, 10 * MINUTE);
	SAME(r, fixture_sweep(r, r->now + HOUR + MINUTE), 0);
	HOLDS(r, fixture_is_alive(r, &s, r->now + HOUR + MINUTE));
	SAME(r, fixture_live(r, "alice", r->now + HOUR + MINUTE), 1);
	SAME(r, fixture_sweep(r, r->now + HOUR + 10 * MINUTE), 1);
	SAME(r, fixture_redis(r, "EXISTS %s", seen().text), 0);
	fixture_close(r);
}
END_TEST

/* The record is written when it is a quarter of the idle time old, and when
 * the session was not used for two minutes. */
START_TEST(the_record_follows)
{
	struct fixture *r = fixture_open();
	struct session s = create_long(r);

	touch_after(r, &s, 15 * MINUTE);
	SAME(r, waiting(r), 1);
	expect_record(r, &s, r->now);
	touch_after(r, &s, 16 * MINUTE);
	SAME(r, waiting(r), 0);
	expect_times(r, &s, r->now + 16 * MINUTE, r->now + 16 * MINUTE + HOUR);
	touch_after(r, &s, 17 * MINUTE);
	SAME(r, fixture_sweep(r, r->now + 19 * MINUTE - 1), 0);
	expect_record(r, &s, r->now + 16 * MINUTE);
	SAME(r, fixture_sweep(r, r->now + 19 * MINUTE), 0);
	SAME(r, waiting(r), 0);
	expect_times(r, &s, r->now + 17 * MINUTE, r->now + 17 * MINUTE + HOUR);
	fixture_close(r);
}
END_TEST

/* An idle_expires_ms that does not follow from the record is written there. */
START_TEST(other_times_change_the_record)
{
	struct fixture *r = fixture_open();
	struct session s = create_long(r);

	OK(r, store_touch(r->conn, NOW(r),
			  TOUCH(s.id, r->now + MINUTE, r->now + 2 * HOUR),
			  &r->err));
	SAME(r, waiting(r), 0);
	expect_times(r, &s, r->now + MINUTE, r->now + 2 * HOUR);
	/* The next one counts from there, and is never back. */
	OK(r, store_touch(r->conn, NOW(r),
			  TOUCH(s.id, r->now + 2 * MINUTE, r->now + HOUR),
			  &r->err));
	expect_times(r, &s, r->now + 2 * MINUTE, r->now + 2 * HOUR);
	fixture_close(r);
}
END_TEST

/* At the end of the session idle_expires_ms stays. */
START_TEST(the_end_stays)
{
	struct fixture *r = fixture_open();
	struct session s = fixture_session(r, "alice", r->now);

	s.idle_expires_ms = s.expires_ms = r->now + HOUR;
	OK(r, store_create(r->conn, NOW(r), &s, 0, NULL, &r->err));
	OK(r,
	   store_touch(r->conn, NOW(r),
		       TOUCH(s.id, r->now + MINUTE, r->now + HOUR), &r->err));
	SAME(r, waiting(r), 1);
	expect_times(r, &s, r->now + MINUTE, r->now + HOUR);
	HOLDS(r, !fixture_is_alive(r, &s, r->now + HOUR));
	fixture_close(r);
}
END_TEST

START_TEST(a_clock_that_was_ahead_is_corrected)
{
	struct fixture *r = fixture_open();
	struct session s = create_long(r);

	touch_after(r, &s, 10 * MINUTE);
	SAME(r, waiting(r), 1);
	touch_after(r, &s, 0);
	SAME(r, waiting(r), 0);
	expect_times(r, &s, r->now, r->now + HOUR);
	fixture_close(r);
}
END_TEST

/* An earlier version writes each time into the record. */
START_TEST(a_later_record_counts)
{
	struct fixture *r = fixture_open();
	struct session s = create_long(r);
	char times[48];

	touch_after(r, &s, MINUTE);
	(void)snprintf(times, sizeof(times), "%019lld%019lld",
		       (long long)(r->now + 2 * MINUTE),
		       (long long)(r->now + 2 * MINUTE + HOUR));
	(void)fixture_redis(r, "SETRANGE %s 40 %s", fixture_key(&s).text,
			    times);
	expect_times(r, &s, r->now + 2 * MINUTE, r->now + 2 * MINUTE + HOUR);
	SAME(r, fixture_sweep(r, r->now + 3 * MINUTE), 0);
	SAME(r, waiting(r), 0);
	expect_times(r, &s, r->now + 2 * MINUTE, r->now + 2 * MINUTE + HOUR);
	/* Nothing comes back after an end that it has not seen. */
	touch_after(r, &s, 3 * MINUTE);
	(void)fixture_redis(r, "DEL %s", fixture_key(&s).text);
	HOLDS(r, !fixture_is_alive(r, &s, r->now));
	(void)fixture_sweep(r, r->now + 20 * HOUR);
	SAME(r, fixture_redis(r, "DBSIZE"), 0);
	fixture_close(r);
}
END_TEST

START_TEST(an_end_leaves_no_time)
{
	struct fixture *r = fixture_open();
	int64_t n;

	for (int i = 0; i < 3; i++) {
		struct session s = create_long(r);
		struct rotation use = fixture_rotation(r, &s);
		enum rotate_answer answer;
		bool ended;

		touch_after(r, &s, MINUTE);
		SAME(r, waiting(r), 1);
		if (i == 0) {
			OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended,
					   &r->err));
		} else if (i == 1) {
			OK(r, store_revoke_user(r->conn, NOW(r), STR("alice"),
						NULL, &n, &r->err));
		} else {
			use.presented.b[0] ^= 1;
			OK(r, fixture_rotate(r, &s, &use, r->now, &answer));
			SAME(r, answer, ROTATE_REUSED);
		}
		SAME(r, fixture_redis(r, "DBSIZE"), 0);
	}
	fixture_close(r);
}
END_TEST

/* `seen` is a text. */
START_TEST(it_works_without_seen)
{
	struct fixture *r = fixture_open();
	struct session s = create_long(r);
	int64_t n;

	(void)fixture_redis(r, "SET %s x", seen().text);
	touch_after(r, &s, MINUTE);
	expect_times(r, &s, r->now + MINUTE, r->now + MINUTE + HOUR);
	s = create_long(r);
	OK(r,
	   store_revoke_user(r->conn, NOW(r), STR("alice"), NULL, &n, &r->err));
	SAME(r, n, 2);
	s = create_long(r);
	FAILS(r, store_sweep(r->conn, AT(r, r->now + HOUR), 99, &n, &r->err),
	      ERR_UNAVAILABLE, "WRONGTYPE");
	SAME(r, fixture_redis(r, "DBSIZE"), 1);
	fixture_close(r);
}
END_TEST

TCase *
redis_seen_cases(void)
{
	TCase *t = new_case("seen");

	tcase_add_test(t, touches_are_not_reported);
	tcase_add_test(t, every_reader_has_the_time);
	tcase_add_test(t, a_live_session_is_not_swept);
	tcase_add_test(t, the_record_follows);
	tcase_add_test(t, other_times_change_the_record);
	tcase_add_test(t, the_end_stays);
	tcase_add_test(t, a_clock_that_was_ahead_is_corrected);
	tcase_add_test(t, a_later_record_counts);
	tcase_add_test(t, an_end_leaves_no_time);
	tcase_add_test(t, it_works_without_seen);
	return t;
}
