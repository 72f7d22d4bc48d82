/* SPDX-License-Identifier: MIT */
/* The watch of one server: what is reported, and what makes it fail. */
#include "tests/contract/redis/fake.h"
#include "tests/contract/redis/watcher.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct server {
	struct test_redis redis;
	struct fixture r;
	struct watcher w;
};

static void
server_start(struct server *s, unsigned flags, const char *lines)
{
	*s = (struct server){ .r = { .name = NULL } };
	test_redis_start(&s->redis, flags, lines);
	fixture_init(&s->r, s->redis.url);
}

static void
server_end(struct server *s)
{
	watcher_close(&s->w);
	fixture_end(&s->r);
	test_redis_end(&s->redis);
}

START_TEST(watched_keys_are_reported)
{
	struct server s;

	server_start(&s, 0, NULL);
	OK(&s.r, watcher_open(&s.w, &s.r));
	watcher_begin(&s.w);
	test_redis_do(&s.redis, "SET t:k1 1");
	test_redis_do(&s.redis, "SET t:x 1");
	test_redis_do(&s.redis, "SET k 1");
	test_redis_do(&s.redis, "GET t:k1");
	OK(&s.r, watcher_prove(&s.w));
	SAME(&s.r, s.w.keys, 1);
	ck_assert_str_eq(s.w.last, "t:k1");
	test_redis_do(&s.redis, "MSET t:k1 2 t:{a} 2");
	OK(&s.r, watcher_prove(&s.w));
	SAME(&s.r, s.w.keys, 3);
	HOLDS(&s.r, !s.w.all);
	test_redis_do(&s.redis, "FLUSHALL");
	OK(&s.r, watcher_prove(&s.w));
	HOLDS(&s.r, s.w.all);
	server_end(&s);
}
END_TEST

/* Each connection that is lost ends the watch, and a new one can be opened. */
START_TEST(a_lost_connection_is_noticed)
{
	struct server s;

	server_start(&s, TEST_REDIS_TCP, NULL);
	OK(&s.r, watcher_open(&s.w, &s.r));
	watcher_begin(&s.w);
	test_redis_do(&s.redis, "CLIENT KILL TYPE pubsub");
	watcher_wait_for_failure(&s.w, "closed the connection");
	watcher_close(&s.w);
	OK(&s.r, watcher_open(&s.w, &s.r));
	watcher_begin(&s.w);
	test_redis_do(&s.redis, "CLIENT KILL TYPE pubsub");
	FAILS(&s.r, watcher_prove(&s.w), ERR_UNAVAILABLE, "");
	watcher_close(&s.w);
	OK(&s.r, watcher_open(&s.w, &s.r));
	watcher_begin(&s.w);
	test_redis_do(&s.redis, "CLIENT KILL TYPE normal SKIPME yes");
	FAILS(&s.r, watcher_prove(&s.w), ERR_UNAVAILABLE, "");
	watcher_close(&s.w);
	OK(&s.r, watcher_open(&s.w, &s.r));
	watcher_begin(&s.w);
	test_redis_stop(&s.redis, SIGKILL);
	watcher_wait_for_failure(&s.w, "");
	watcher_close(&s.w);
	FAILS(&s.r, watcher_open(&s.w, &s.r), ERR_UNAVAILABLE, "");
	server_end(&s);
}
END_TEST

START_TEST(a_stopped_server_is_noticed)
{
	struct server s;
	int64_t began;

	server_start(&s, 0, NULL);
	s.w.timeout_ms = 200;
	OK(&s.r, watcher_open(&s.w, &s.r));
	watcher_begin(&s.w);
	process_signal_all(&s.redis.process, SIGSTOP);
	began = process_now_ms();
	OK(&s.r, redis_watch_wait(s.w.watch, 10, &s.r.err));
	FAILS(&s.r, watcher_prove(&s.w), ERR_UNAVAILABLE, "in time");
	HOLDS(&s.r, process_now_ms() - began < 10000);
	watcher_close(&s.w);
	FAILS(&s.r, watcher_open(&s.w, &s.r), ERR_UNAVAILABLE, "in time");
	process_signal_all(&s.redis.process, SIGCONT);
	OK(&s.r, watcher_open(&s.w, &s.r));
	watcher_begin(&s.w);
	server_end(&s);
}
END_TEST

/* A server closes the connection of a client that does not read. */
START_TEST(a_slow_reader_is_cut_off)
{
	struct server s;

	server_start(&s, TEST_REDIS_TCP,
		     "client-output-buffer-limit pubsub 64kb 0 0\n");
	OK(&s.r, watcher_open(&s.w, &s.r));
	watcher_begin(&s.w);
	/* One script changes many keys, and all are in one message. */
	test_redis_do(&s.redis, "EVAL for\ni=1,99999\ndo\nredis.call("
				"'SET','t:k'..i,'')end 0");
	FAILS(&s.r, watcher_prove(&s.w), ERR_UNAVAILABLE, "");
	server_end(&s);
}
END_TEST

START_TEST(a_server_that_becomes_a_replica_is_noticed)
{
	struct server s;

	server_start(&s, 0, NULL);
	OK(&s.r, watcher_open(&s.w, &s.r));
	watcher_begin(&s.w);
	test_redis_do(&s.redis, "REPLICAOF 127.0.0.1 1");
	FAILS(&s.r, watcher_prove(&s.w), ERR_UNAVAILABLE, "must be a master");
	watcher_close(&s.w);
	FAILS(&s.r, watcher_open(&s.w, &s.r), ERR_UNAVAILABLE,
	      "must be a master");
	test_redis_do(&s.redis, "REPLICAOF NO ONE");
	OK(&s.r, watcher_open(&s.w, &s.r));
	watcher_begin(&s.w);
	/* Back before the next proof: it may have got other data. */
	test_redis_do(&s.redis, "REPLICAOF 127.0.0.1 1");
	test_redis_do(&s.redis, "REPLICAOF NO ONE");
	FAILS(&s.r, watcher_prove(&s.w), ERR_UNAVAILABLE, "replication id");
	server_end(&s);
}
END_TEST

/* Each right that is named in the message is needed. */
START_TEST(rights_of_a_watch)
{
	static const char *const rights[] = {
		"+info",
		"+client|id",
		"+client|tracking",
		"+subscribe",
		"&__redis__:invalidate",
	};
	struct server s;
	char line[256];

	server_start(&s, 0, NULL);
	s.r.conf.username = STR("u");
	s.r.conf.password = STR("p");
	for (size_t without = 0; without <= ARRAY_LEN(rights); without++) {
		int n = snprintf(line, sizeof(line),
				 "ACL SETUSER u reset on >p ~t:* +ping"
				 " resetchannels");

		for (size_t i = 0; i < ARRAY_LEN(rights); i++)
			if (i != without)
				n +=
				    snprintf(line + n, sizeof(line) - (size_t)n,
					     " %s", rights[i]);
		test_redis_do(&s.redis, line);
		if (without == ARRAY_LEN(rights)) {
			OK(&s.r, watcher_open(&s.w, &s.r));
			watcher_begin(&s.w);
		} else {
			FAILS(&s.r, watcher_open(&s.w, &s.r), ERR_CONFIG,
			      rights[without]);
		}
	}
	server_end(&s);
}
END_TEST

/* A managed server, or one that is older than version 6. */
START_TEST(a_server_without_tracking)
{
	struct server s;

	server_start(&s, 0, "rename-command CLIENT \"\"\n");
	FAILS(&s.r, watcher_open(&s.w, &s.r), ERR_CONFIG,
	      "refuses CLIENT, which the change feed needs");
	server_end(&s);
}
END_TEST

static const struct {
	const char *reply;
	const char *text;
} odd[] = {
	{ "-LOADING x\r\n", "LOADING" },
	{ "*0\r\n", "must be a master" },
	{ "$12\r\nrole:slave\r\n\r\n", "but INFO says slave" },
};

START_TEST(odd_replies)
{
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		const struct redis_line line = { .bytes = odd[i].reply };
		struct fixture r;
		struct watcher w = { .timeout_ms = 2000 };
		struct redis_fake fake;

		redis_fake_start(&fake, &line, 1);
		fixture_init(&r, fake.url);
		FAILS(&r, watcher_open(&w, &r), ERR_UNAVAILABLE, odd[i].text);
		fixture_end(&r);
		redis_fake_end(&fake);
	}
}
END_TEST

TCase *
redis_watch_cases(void)
{
	TCase *t = new_case("watch");

	tcase_add_test(t, watched_keys_are_reported);
	tcase_add_test(t, a_lost_connection_is_noticed);
	tcase_add_test(t, a_stopped_server_is_noticed);
	tcase_add_test(t, a_slow_reader_is_cut_off);
	tcase_add_test(t, a_server_that_becomes_a_replica_is_noticed);
	tcase_add_test(t, rights_of_a_watch);
	tcase_add_test(t, a_server_without_tracking);
	tcase_add_test(t, odd_replies);
	return t;
}
