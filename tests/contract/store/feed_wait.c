/* SPDX-License-Identifier: MIT */
/* Contract: when the change feed of a store reports. */
#include "tests/contract/store/follower.h"
#include "tests/support/call.h"

#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LONG_MS = 60000, SHORT_MS = 50 };

static int64_t
real_ms(void)
{
	struct timespec t;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until the feed has reported the end of the session. No single wait may
 * last until its end. */
static void
wait_for(struct follower *f, const struct session *s)
{
	struct fixture *r = f->r;

	while (!follower_covers(f, s)) {
		int64_t began = real_ms();

		OK(r, r->ops->feed->wait(f->feed, LONG_MS, &r->err));
		HOLDS(r, real_ms() - began < LONG_MS);
	}
}

START_TEST(a_wait_ends_when_a_change_arrives)
{
	struct watched w = watch_store(_i);
	struct fixture *r = w.r;

	for (int i = 0; fixture_has_feed(r) && i < 20; i++) {
		struct session s = fixture_create(r, "alice", r->now);
		bool ended;

		OK(r, store_revoke(w.other, NOW(r), &s.id, &ended, &r->err));
		wait_for(w.follower, &s);
	}
	unwatch_store(&w);
}
END_TEST

struct revoker {
	struct fixture *r;
	struct store_conn *conn;
	struct arena *a;
	struct session s[20];
	int step[2]; /* a pipe: one byte for each session to revoke */
	int fails;
};

static void *
revoke_later(void *arg)
{
	struct revoker *v = arg;
	struct err err;
	char step;

	for (size_t i = 0; i < ARRAY_LEN(v->s); i++) {
		bool ended;

		v->fails += read(v->step[0], &step, 1) != 1;
		(void)poll(NULL, 0, (int)i % 4); /* so that a wait has begun */
		v->fails += store_revoke(v->conn, CALL_AT(v->a, v->r->now),
					 &v->s[i].id, &ended, &err) != 0;
	}
	return NULL;
}

START_TEST(a_change_during_a_wait_is_reported)
{
	struct watched w = watch_store(_i);
	struct fixture *r = w.r;
	struct revoker v = { .r = r, .conn = w.other, .a = arena_new(1 << 20) };
	pthread_t thread;

	if (fixture_has_feed(r)) {
		ck_assert_int_eq(pipe(v.step), 0);
		for (size_t i = 0; i < ARRAY_LEN(v.s); i++)
			v.s[i] = fixture_create(r, "alice", r->now);
		HOLDS(r, pthread_create(&thread, NULL, revoke_later, &v) == 0);
		for (size_t i = 0; i < ARRAY_LEN(v.s); i++) {
			ck_assert_int_eq(write(v.step[1], "x", 1), 1);
			wait_for(w.follower, &v.s[i]);
		}
		HOLDS(r, pthread_join(thread, NULL) == 0);
		SAME(r, v.fails, 0);
		ck_assert_int_eq(close(v.step[0]) + close(v.step[1]), 0);
	}
	arena_free(v.a);
	unwatch_store(&w);
}
END_TEST

START_TEST(a_wait_ends_when_it_is_woken)
{
	struct watched w = watch_store(_i);
	struct fixture *r = w.r;
	const uint64_t one = 1;

	if (fixture_has_feed(r)) {
		struct pollfd woken = { .fd = w.follower->wake,
					.events = POLLIN };
		int64_t began = real_ms();

		ck_assert_int_eq(write(w.follower->wake, &one, sizeof(one)),
				 sizeof(one));
		OK(r, r->ops->feed->wait(w.follower->feed, LONG_MS, &r->err));
		HOLDS(r, real_ms() - began < LONG_MS);
		SAME(r, poll(&woken, 1, 0), 1); /* it was not read */
		SAME(r, w.follower->n, 0);
	}
	unwatch_store(&w);
}
END_TEST

/* A feed may end a wait early. Together the waits take time, so that the
 * caller does not spin. */
START_TEST(a_wait_without_changes_takes_its_time)
{
	struct watched w = watch_store(_i);
	struct fixture *r = w.r;

	if (fixture_has_feed(r)) {
		int64_t began = real_ms();

		for (int i = 0; i < 4; i++)
			OK(r, r->ops->feed->wait(w.follower->feed, SHORT_MS,
						 &r->err));
		HOLDS(r, real_ms() - began >= SHORT_MS);
		SAME(r, w.follower->n, 0);
		HOLDS(r, !w.follower->all);
		follower_prove(w.follower);
	}
	unwatch_store(&w);
}
END_TEST

/* Revokes the session when the parent says so. */
static int
revoke_in_process(struct fixture *r, const struct session *s, int go)
{
	struct store_conn *conn = store_conn_new(r->env);
	struct backend *store;
	char byte;
	bool ended;

	if (conn == NULL || read(go, &byte, 1) != 1 ||
	    fixture_try_store(r, &store) != 0)
		return 1;
	store_conn_bind(conn, store);
	return store_revoke(conn, NOW(r), &s->id, &ended, &r->err) == 0 &&
		       ended ?
		   0 :
		   2;
}

START_TEST(another_process_is_followed)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now);
	int go[2], status;

	if (fixture_has_feed(r)) {
		struct follower *f;
		pid_t pid;

		ck_assert_int_eq(pipe(go), 0);
		fixture_shut(r);
		pid = fork();
		HOLDS(r, pid >= 0);
		if (pid == 0)
			_exit(revoke_in_process(r, &s, go[0]));
		fixture_reopen(r);
		f = follower_open(r, r->store);
		follower_prove(f);
		HOLDS(r, !follower_covers(f, &s));
		ck_assert_int_eq(write(go[1], "x", 1), 1);
		wait_for(f, &s);
		HOLDS(r, waitpid(pid, &status, 0) == pid);
		SAME(r, status, 0);
		follower_prove(f);
		follower_close(f);
		ck_assert_int_eq(close(go[0]) + close(go[1]), 0);
	}
	fixture_close(r);
}
END_TEST

TCase *
store_feed_wait_cases(void)
{
	TCase *t = new_case("feed_wait");
	int n = fixture_count();

	tcase_add_loop_test(t, a_wait_ends_when_a_change_arrives, 0, n);
	tcase_add_loop_test(t, a_change_during_a_wait_is_reported, 0, n);
	tcase_add_loop_test(t, a_wait_ends_when_it_is_woken, 0, n);
	tcase_add_loop_test(t, a_wait_without_changes_takes_its_time, 0, n);
	tcase_add_loop_test(t, another_process_is_followed, 0, n);
	return t;
}
