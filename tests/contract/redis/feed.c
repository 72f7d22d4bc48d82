/* SPDX-License-Identifier: MIT */
/* What the change feed of Redis reports besides the operations of the store,
 * which the contract suite changes (tests/contract/store/feed.c). */
#include "strategy/feed.h"
#include "tests/contract/redis/store_fixture.h"
#include "tests/support/call.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 20000
#define ROUNDS	   2000

/* What a feed has reported. */
struct reported {
	bool all;
	size_t sessions, users;
	struct session_id last;
};

static void
record(void *ctx, const struct change *change)
{
	struct reported *seen = ctx;

	seen->all = seen->all || change->kind == CHANGE_ALL;
	seen->sessions += change->kind == CHANGE_SESSION;
	seen->users += change->kind == CHANGE_USER;
	if (change->kind == CHANGE_SESSION)
		seen->last = change->session;
}

struct listener {
	struct change_sink sink;
	struct reported seen;
	void *feed;
};

static void
listen_to(struct fixture *r, struct listener *l)
{
	const struct feed_conf conf = { .sink = &l->sink,
					.timeout_ms = TIMEOUT_MS,
					.wake = -1 };

	*l =
	    (struct listener){ .sink = { .changed = record, .ctx = &l->seen } };
	OK(r,
	   store_redis.feed->open(r->store->opened, &conf, &l->feed, &r->err));
}

static void
prove(struct fixture *r, struct listener *l)
{
	OK(r, store_redis.feed->prove(l->feed, &r->err));
}

static void
forget(struct listener *l)
{
	l->seen = (struct reported){ .all = false };
}

/* Commands of an administrator. %s is the key of the session. */
static const struct {
	const char *command;
	bool all, session;
} by_hand[] = {
	{ "DEL %s", false, true },
	{ "UNLINK %s", false, true },
	{ "EXPIRE %s 0", false, true },
	{ "RENAME %s elsewhere", false, true },
	{ "SET %s damaged", false, true },
	{ "MOVE %s 1", false, true },
	{ "FLUSHDB", true, false },
	{ "SWAPDB 0 1", true, false },
	{ "EVAL return(redis.call('SWAPDB',0,1)) 0", true, false },
	{ "FLUSHALL ASYNC", true, false },
	{ "DEBUG RELOAD", true, false },
	{ "GET %s", false, false },
	{ "DEL x%s", false, false },
	{ "SET x%s 1", false, false },
	{ "SET fcgiauth:{00}x 1", false, false },
	{ "SET fcgiauth:{ping}s:1 1", false, false },
	{ "SET fcgiauth:{00}s:1 1", true, false },
	{ "SET fcgiauth:d 1", false, false },
	{ "SET fcgiauth:d:x 1", true, false },
	{ "DEL fcgiauth:sessions", false, false },
};

START_TEST(commands_by_hand_are_reported)
{
	struct fixture *r = fixture_open();
	struct listener l;

	(void)fixture_redis(r, "CONFIG SET notify-keyspace-events %s", "");
	listen_to(r, &l);
	for (size_t i = 0; i < ARRAY_LEN(by_hand); i++) {
		struct session s = fixture_create(r, "alice", r->now);

		prove(r, &l);
		forget(&l);
		(void)fixture_redis(r, by_hand[i].command,
				    fixture_key(&s).text);
		prove(r, &l);
		ck_assert_msg(l.seen.all == by_hand[i].all &&
				  (l.seen.sessions > 0) == by_hand[i].session,
			      "%s", by_hand[i].command);
		if (by_hand[i].session)
			ck_assert_mem_eq(&l.seen.last, &s.id, sizeof(s.id));
	}
	store_redis.feed->close(l.feed);
	fixture_close(r);
}
END_TEST

static void
wait_for_session(struct fixture *r, struct listener *l, const struct session *s)
{
	const int64_t end = process_now_ms() + TIMEOUT_MS;

	while (memcmp(&l->seen.last, &s->id, sizeof(s->id)) != 0 &&
	       process_now_ms() < end)
		OK(r, store_redis.feed->wait(l->feed, 100, &r->err));
	HOLDS(r, process_now_ms() < end);
}

START_TEST(expiry_and_eviction_are_reported)
{
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now);
	struct listener l;

	listen_to(r, &l);
	(void)fixture_redis(r, "PEXPIRE %s 20", fixture_key(&s).text);
	prove(r, &l);
	forget(&l);
	wait_for_session(r, &l, &s);
	s = fixture_create(r, "alice", r->now);
	(void)fixture_redis(r, "CONFIG SET maxmemory-policy volatile-ttl");
	prove(r, &l);
	forget(&l);
	(void)fixture_redis(r, "CONFIG SET maxmemory 1");
	wait_for_session(r, &l, &s);
	store_redis.feed->close(l.feed);
	fixture_close(r);
}
END_TEST

/* The server deletes an expired key sooner or later. */
START_TEST(a_session_ends_with_its_key)
{
	struct fixture *r = fixture_open();
	struct session s = fixture_create(r, "alice", r->now);
	struct session_answer is;

	(void)fixture_redis(r, "PEXPIRE %s 59999", fixture_key(&s).text);
	OK(r, store_find(r->conn, AT(r, r->now + 2000), &s.id, &s.token, &is,
			 &r->err));
	HOLDS(r, is.found && is.session.expires_ms == s.expires_ms);
	(void)fixture_redis(r, "PEXPIRE %s 20000", fixture_key(&s).text);
	OK(r, store_find(r->conn, AT(r, r->now + 2000), &s.id, &s.token, &is,
			 &r->err));
	HOLDS(r, is.found && is.session.expires_ms <= r->now + 22000 &&
		     is.session.expires_ms > r->now + 2000);
	ck_assert_mem_eq(&is.session.id, &s.id, sizeof(s.id));
	fixture_close(r);
}
END_TEST

/* Writes until it is told to stop, so that the server has several clients to
 * serve at once. */
struct writer {
	struct test_redis *server;
	atomic_bool stop;
	pthread_t thread;
};

static void *
write_on(void *writer)
{
	struct writer *w = writer;

	while (!atomic_load(&w->stop))
		test_redis_do(w->server, "SET fcgiauth:d:user:x 1");
	return NULL;
}

/* A change that was acknowledged before a proof is reported by it, also if the
 * server writes with several threads. */
static void
prove_each_end(const char *lines)
{
	struct fixture r = { .name = "redis" };
	struct writer w = { .server = &r.server };
	struct listener l;

	test_redis_start(&r.server, 0, lines);
	fixture_at(&r, r.server.url, false);
	listen_to(&r, &l);
	ck_assert_int_eq(pthread_create(&w.thread, NULL, write_on, &w), 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct session s = fixture_create(&r, "alice", r.now);
		bool ended;

		prove(&r, &l);
		forget(&l);
		OK(&r, store_revoke(r.conn, NOW(&r), &s.id, &ended, &r.err));
		HOLDS(&r, ended);
		prove(&r, &l);
		ck_assert_msg(l.seen.sessions == 1 &&
				  memcmp(&l.seen.last, &s.id, sizeof(s.id)) ==
				      0,
			      "%d: not reported", i);
		arena_reset(r.a);
	}
	atomic_store(&w.stop, true);
	ck_assert_int_eq(pthread_join(w.thread, NULL), 0);
	store_redis.feed->close(l.feed);
	fixture_leave(&r);
	test_redis_end(&r.server);
}

START_TEST(a_proof_reports_each_acknowledged_end)
{
	prove_each_end(NULL);
	prove_each_end("io-threads 4\nio-threads-do-reads yes\n");
}
END_TEST

TCase *
redis_feed_cases(void)
{
	TCase *t = new_case("feed");

	tcase_add_test(t, commands_by_hand_are_reported);
	tcase_add_test(t, expiry_and_eviction_are_reported);
	tcase_add_test(t, a_session_ends_with_its_key);
	tcase_add_test(t, a_proof_reports_each_acknowledged_end);
	return t;
}
