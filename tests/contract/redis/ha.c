/* SPDX-License-Identifier: MIT */
/* Sentinels name the present master. */
#include "tests/contract/redis/fake.h"
#include "tests/contract/redis/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define FAILOVER_MS 20000

struct watch {
	struct test_redis master, replica, sentinel;
	char address[32];
	struct str words[1];
	struct fixture r;
};

static void
use_sentinels(struct fixture *r, const struct str *words, size_t n)
{
	fixture_init(r, "");
	r->conf.sentinels = (struct words){ .v = words, .n = n };
	r->conf.sentinel_name = STR("mymaster");
}

static void
watch_start(struct watch *w, const char *lines)
{
	test_redis_start(&w->master, TEST_REDIS_TCP, NULL);
	test_redis_replica(&w->replica, &w->master, NULL);
	test_redis_sentinel(&w->sentinel, &w->master, lines);
	(void)snprintf(w->address, sizeof(w->address), "127.0.0.1:%d",
		       w->sentinel.port);
	w->words[0] = str_from(w->address);
	use_sentinels(&w->r, w->words, 1);
}

static void
watch_end(struct watch *w)
{
	fixture_end(&w->r);
	test_redis_end(&w->sentinel);
	test_redis_end(&w->replica);
	test_redis_end(&w->master);
}

/* Does what the callers do: disconnects after a failure and connects again.
 * Every failure on the way must be ERR_UNAVAILABLE. */
static void
set_until(struct fixture *r, const char *key, const char *value)
{
	int64_t end = process_now_ms() + FAILOVER_MS;

	while ((r->conn == NULL && fixture_connect(r) != 0) ||
	       fixture_set(r, key, value) != 0) {
		ck_assert_msg(r->err.code == ERR_UNAVAILABLE, "%s", r->err.msg);
		ck_assert_msg(process_now_ms() < end, "no end: %s", r->err.msg);
		fixture_disconnect(r);
		process_sleep_ms(50);
	}
}

START_TEST(master_dies)
{
	struct watch w;

	watch_start(&w, NULL);
	OK(&w.r, fixture_connect(&w.r));
	OK(&w.r, fixture_set(&w.r, "k", "kept"));
	test_redis_until(&w.replica, "GET t:k", "kept");
	test_redis_until(&w.sentinel, "INFO sentinel", "slaves=1");
	test_redis_stop(&w.master, SIGKILL);
	set_until(&w.r, "after", "x");
	test_redis_until(&w.replica, "GET t:after", "x");
	OK(&w.r, fixture_get(&w.r, "k"));
	ck_assert_str_eq(w.r.reply->str, "kept");
	watch_end(&w);
}
END_TEST

START_TEST(masters_are_swapped)
{
	struct watch w;

	watch_start(&w, NULL);
	OK(&w.r, fixture_connect(&w.r));
	/* The sentinel refuses until it knows the replica well enough. */
	test_redis_until(&w.sentinel, "SENTINEL FAILOVER mymaster", "OK");
	test_redis_until(&w.replica, "INFO replication", "role:master");
	test_redis_until(&w.master, "INFO replication", "role:slave");
	set_until(&w.r, "after", "x");
	test_redis_until(&w.replica, "GET t:after", "x");
	watch_end(&w);
}
END_TEST

START_TEST(sentinels_in_turn)
{
	struct redis_fake silent;
	struct watch w;
	struct str words[3];
	char dead[32], hung[32];

	watch_start(&w, NULL);
	redis_fake_start(&silent, NULL, 0);
	(void)snprintf(dead, sizeof(dead), "127.0.0.1:%d", process_free_port());
	(void)snprintf(hung, sizeof(hung), "127.0.0.1:%d", silent.port);
	words[0] = str_from(dead);
	words[1] = str_from(hung);
	words[2] = w.words[0];
	use_sentinels(&w.r, words, 3);
	/* The unresponsive sentinel leaves time for the next one. */
	OK(&w.r, fixture_connect(&w.r));
	redis_fake_wait(&silent, 1);
	/* The sentinel that named the master is the first one from now on. */
	OK(&w.r, fixture_connect(&w.r));
	ck_assert_uint_eq(atomic_load(&silent.accepted), 1);
	fixture_end(&w.r);
	use_sentinels(&w.r, words, 2);
	FAILS(&w.r, fixture_connect(&w.r), ERR_UNAVAILABLE, "sentinel: ");
	redis_fake_wait(&silent, 2);
	redis_fake_end(&silent);
	watch_end(&w);
}
END_TEST

START_TEST(sentinels_have_logins)
{
	struct watch w;

	watch_start(&w, "requirepass spw\nuser su on >upw ~* &* +@all\n");
	FAILS(&w.r, fixture_connect(&w.r), ERR_UNAVAILABLE, "NOAUTH");
	fixture_end(&w.r);
	w.r.conf.sentinel_password = STR("SECRET");
	FAILS(&w.r, fixture_connect(&w.r), ERR_UNAVAILABLE, "refuses the user");
	ck_assert_ptr_null(strstr(w.r.err.msg, "SECRET"));
	fixture_end(&w.r);
	w.r.conf.sentinel_password = STR("spw");
	OK(&w.r, fixture_connect(&w.r));
	fixture_end(&w.r);
	w.r.conf.sentinel_username = STR("su");
	w.r.conf.sentinel_password = STR("upw");
	OK(&w.r, fixture_connect(&w.r));
	OK(&w.r, fixture_set(&w.r, "k", "v"));
	fixture_end(&w.r);
	w.r.conf.sentinel_name = STR("other");
	FAILS(&w.r, fixture_connect(&w.r), ERR_UNAVAILABLE,
	      "has no master of the name other");
	watch_end(&w);
}
END_TEST

/* The server itself, and not the sentinel, must say that it is a master. */
START_TEST(sentinel_lags)
{
	static const char *const answers[] = {
		"+OK\r\n",
		"*1\r\n$9\r\n127.0.0.1\r\n",
		"*2\r\n$9\r\n127.0.0.1\r\n$1\r\n0\r\n",
		"*2\r\n$9\r\n127.0.0.1\r\n$5\r\n99999\r\n",
		"*2\r\n$0\r\n\r\n$4\r\n6379\r\n",
		"*2\r\n*0\r\n*0\r\n",
		"*-1\r\n",
		"-IDONTKNOW\r\n",
	};
	struct redis_line line = { .each_ms = 0 };
	struct redis_fake fake;
	struct watch w;
	struct str word;
	char address[32], answer[96];

	watch_start(&w, NULL);
	(void)snprintf(answer, sizeof(answer),
		       "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n%d\r\n", w.replica.port);
	for (size_t i = 0; i <= ARRAY_LEN(answers); i++) {
		bool last = i == ARRAY_LEN(answers);

		line.bytes = last ? answer : answers[i];
		redis_fake_start(&fake, &line, 1);
		(void)snprintf(address, sizeof(address), "127.0.0.1:%d",
			       fake.port);
		word = str_from(address);
		use_sentinels(&w.r, &word, 1);
		FAILS(&w.r, fixture_connect(&w.r), ERR_UNAVAILABLE,
		      last ? "must be a master" : "sentinel: 127.0.0.1");
		fixture_end(&w.r);
		redis_fake_end(&fake);
	}
	watch_end(&w);
}
END_TEST

/* A sentinel that names this server as the master. */
struct witness {
	struct redis_fake fake;
	struct redis_line line;
	char answer[64], address[32];
};

static void
witness_start(struct witness *w, const struct test_redis *master)
{
	(void)snprintf(w->answer, sizeof(w->answer),
		       "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n%05d\r\n", master->port);
	w->line = (struct redis_line){ .bytes = w->answer };
	redis_fake_start(&w->fake, &w->line, 1);
	(void)snprintf(w->address, sizeof(w->address), "127.0.0.1:%d",
		       w->fake.port);
}

/* A master that has lost its replicas may have been replaced. Once it refuses
 * a write, the sentinels are asked again, and nothing more is read from it. */
START_TEST(master_is_cut_off)
{
	struct test_redis master, replica;
	struct witness before, after;
	struct str words[2];
	struct fixture r;

	test_redis_start(&master, TEST_REDIS_TCP, NULL);
	test_redis_replica(&replica, &master, NULL);
	witness_start(&before, &master);
	witness_start(&after, &replica);
	words[0] = str_from(before.address);
	words[1] = str_from(after.address);
	use_sentinels(&r, words, 2);
	OK(&r, fixture_connect(&r));
	OK(&r, fixture_set(&r, "k", "old"));
	test_redis_until(&replica, "GET t:k", "old");
	test_redis_do(&replica, "REPLICAOF NO ONE");
	test_redis_do(&replica, "SET t:k new");
	test_redis_do(&master, "CONFIG SET min-replicas-to-write 1");
	test_redis_until(&master, "SET t:k old", "NOREPLICAS");
	redis_fake_end(&before.fake);
	FAILS(&r, fixture_set(&r, "other", "x"), ERR_BUSY, "NOREPLICAS");
	OK(&r, fixture_get(&r, "k"));
	ck_assert_str_eq(r.reply->str, "new");
	OK(&r, fixture_set(&r, "other", "x"));
	fixture_end(&r);
	redis_fake_end(&after.fake);
	test_redis_end(&replica);
	test_redis_end(&master);
}
END_TEST

/* If the sentinels still name it, it stays in use. */
START_TEST(master_without_replicas)
{
	struct watch w;

	watch_start(&w, NULL);
	OK(&w.r, fixture_connect(&w.r));
	OK(&w.r, fixture_set(&w.r, "k", "v"));
	test_redis_do(&w.master, "CONFIG SET min-replicas-to-write 2");
	for (int i = 0; i < 3; i++) {
		FAILS(&w.r, fixture_set(&w.r, "k", "x"), ERR_BUSY,
		      "NOREPLICAS");
		OK(&w.r, fixture_get(&w.r, "k"));
		ck_assert_str_eq(w.r.reply->str, "v");
	}
	watch_end(&w);
}
END_TEST

TCase *
redis_sentinel_cases(void)
{
	TCase *t = new_case("sentinel");

	tcase_add_test(t, master_dies);
	tcase_add_test(t, masters_are_swapped);
	tcase_add_test(t, sentinels_in_turn);
	tcase_add_test(t, sentinels_have_logins);
	tcase_add_test(t, sentinel_lags);
	tcase_add_test(t, master_is_cut_off);
	tcase_add_test(t, master_without_replicas);
	return t;
}
