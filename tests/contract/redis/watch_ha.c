/* SPDX-License-Identifier: MIT */
/* The watch behind Sentinel and of a cluster: it ends when the masters are
 * others. */
#include "tests/contract/redis/fake.h"
#include "tests/contract/redis/watcher.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "backends/redis/client/cluster.h"

#define MASTERS	    3
#define FAILOVER_MS 30000

#define NAMED_FIRST 3 /* answers of a sentinel before it names another one */

/* A sentinel that names one master, and then another one on the same
 * connection. */
struct namer {
	struct redis_fake fake;
	struct redis_line lines[64];
	char answers[2][64], address[32];
};

static void
namer_start(struct namer *n, const struct test_redis *first,
	    const struct test_redis *then)
{
	const int ports[] = { first->port, then->port };

	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		(void)snprintf(n->answers[i], sizeof(n->answers[i]),
			       "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n%05d\r\n",
			       ports[i]);
	for (size_t i = 0; i < ARRAY_LEN(n->lines); i++)
		n->lines[i] = (struct redis_line){
			.bytes = n->answers[i < NAMED_FIRST ? 0 : 1]
		};
	redis_fake_start(&n->fake, n->lines, ARRAY_LEN(n->lines));
	(void)snprintf(n->address, sizeof(n->address), "127.0.0.1:%d",
		       n->fake.port);
}

static void
init_with_sentinels(struct fixture *r, const struct str *words, size_t n)
{
	fixture_init(r, "");
	r->conf.sentinels = (struct words){ .v = words, .n = n };
	r->conf.sentinel_name = STR("mymaster");
}

START_TEST(a_failover_ends_the_watch)
{
	struct test_redis master, replica, sentinel;
	struct watcher w = { .all = false };
	struct fixture r;
	char address[32];
	struct str word;

	test_redis_start(&master, TEST_REDIS_TCP, NULL);
	test_redis_replica(&replica, &master, NULL);
	test_redis_sentinel(&sentinel, &master, NULL);
	(void)snprintf(address, sizeof(address), "127.0.0.1:%d", sentinel.port);
	word = str_from(address);
	init_with_sentinels(&r, &word, 1);
	OK(&r, watcher_open(&w, &r));
	watcher_begin(&w);
	test_redis_do(&master, "SET t:k1 1");
	OK(&r, watcher_prove(&w));
	SAME(&r, w.keys, 1);
	/* The sentinel refuses until it knows the replica well enough. */
	test_redis_until(&sentinel, "SENTINEL FAILOVER mymaster", "OK");
	test_redis_until(&replica, "INFO replication", "role:master");
	test_redis_until(&master, "INFO replication", "role:slave");
	FAILS(&r, watcher_prove(&w), ERR_UNAVAILABLE, "");
	watcher_close(&w);
	OK(&r, watcher_open(&w, &r));
	watcher_begin(&w);
	test_redis_do(&replica, "SET t:k2 1");
	OK(&r, watcher_prove(&w));
	ck_assert_str_eq(w.last, "t:k2");
	watcher_close(&w);
	fixture_end(&r);
	test_redis_end(&sentinel);
	test_redis_end(&replica);
	test_redis_end(&master);
}
END_TEST

/* A former master that does not know of its successor still answers. Of two
 * sentinels the other one is asked at each proof. */
START_TEST(a_sentinel_names_another_master)
{
	struct test_redis old, new;
	struct namer lags, knows;
	struct watcher w = { .all = false };
	struct fixture r;
	struct str words[2];
	int proofs = 0;

	test_redis_start(&old, TEST_REDIS_TCP, NULL);
	test_redis_start(&new, TEST_REDIS_TCP, NULL);
	namer_start(&lags, &old, &old);
	namer_start(&knows, &old, &new);
	words[0] = str_from(lags.address);
	words[1] = str_from(knows.address);
	init_with_sentinels(&r, words, 2);
	OK(&r, watcher_open(&w, &r));
	while (proofs < 4 * NAMED_FIRST && watcher_prove(&w) == 0)
		proofs++;
	HOLDS(&r, proofs >= NAMED_FIRST && proofs < 4 * NAMED_FIRST);
	HOLDS(&r, strstr(r.err.msg, "name another master") != NULL);
	watcher_close(&w);
	fixture_end(&r);
	redis_fake_end(&lags.fake);
	redis_fake_end(&knows.fake);
	test_redis_end(&new);
	test_redis_end(&old);
}
END_TEST

/* An unresponsive sentinel leaves time for the next one. Without any sentinel
 * nothing is proven. */
START_TEST(sentinels_that_do_not_answer)
{
	struct test_redis master;
	struct redis_fake silent;
	struct namer namer;
	struct watcher w = { .timeout_ms = 2000 };
	struct fixture r;
	struct str words[3];
	char dead[32], hung[32];

	test_redis_start(&master, TEST_REDIS_TCP, NULL);
	namer_start(&namer, &master, &master);
	redis_fake_start(&silent, NULL, 0);
	(void)snprintf(dead, sizeof(dead), "127.0.0.1:%d", process_free_port());
	(void)snprintf(hung, sizeof(hung), "127.0.0.1:%d", silent.port);
	words[0] = str_from(dead);
	words[1] = str_from(hung);
	words[2] = str_from(namer.address);
	init_with_sentinels(&r, words, 3);
	OK(&r, watcher_open(&w, &r));
	for (int i = 0; i < 12; i++)
		watcher_begin(&w);
	/* Once by the open, once by the first proof that had its turn. */
	ck_assert_uint_le(atomic_load(&silent.accepted), 2);
	redis_fake_end(&namer.fake);
	FAILS(&r, watcher_prove(&w), ERR_UNAVAILABLE, "sentinel: ");
	watcher_close(&w);
	fixture_end(&r);
	redis_fake_end(&silent);
	test_redis_end(&master);
}
END_TEST

static void
cluster_start(struct test_cluster *c, struct fixture *r, struct watcher *w,
	      size_t replicas)
{
	*w = (struct watcher){ .all = false };
	test_cluster_start(c, MASTERS, replicas, NULL);
	fixture_init(r, c->nodes[1].url);
	r->conf.cluster = true;
	OK(r, watcher_open(w, r));
	watcher_begin(w);
}

static void
cluster_end(struct test_cluster *c, struct fixture *r, struct watcher *w)
{
	watcher_close(w);
	fixture_end(r);
	test_cluster_end(c);
}

/* Proves until that fails, which it does at the latest when each master was
 * asked. */
static void
prove_until_failure(struct watcher *w, const char *text)
{
	for (int i = 0; i < MASTERS; i++)
		if (watcher_prove(w) != 0)
			break;
	ck_assert_msg(strstr(w->r->err.msg, text) != NULL, "%s", w->r->err.msg);
}

static const struct test_redis *
owner(const struct test_cluster *c, const char *key)
{
	return &c->nodes[redis_slot(str_from(key)) * MASTERS / REDIS_SLOTS];
}

START_TEST(all_masters_are_watched)
{
	struct test_cluster c;
	struct watcher w;
	struct fixture r;
	char key[16], command[32];

	cluster_start(&c, &r, &w, 0);
	for (unsigned i = 0; i < 30; i++) {
		(void)snprintf(key, sizeof(key), "t:{%u}", i);
		(void)snprintf(command, sizeof(command), "SET %s 1", key);
		test_redis_do(owner(&c, key), command);
		OK(&r, watcher_prove(&w));
		SAME(&r, w.keys, i + 1);
		ck_assert_str_eq(w.last, key);
	}
	test_redis_do(&c.nodes[2], "FLUSHALL");
	OK(&r, watcher_prove(&w));
	HOLDS(&r, w.all);
	cluster_end(&c, &r, &w);
}
END_TEST

START_TEST(a_slot_that_moves_ends_the_watch)
{
	const unsigned slot = redis_slot(STR("tag"));
	const size_t from = slot * MASTERS / REDIS_SLOTS,
		     to = (from + 1) % MASTERS;
	struct test_cluster c;
	struct watcher w;
	struct fixture r;
	char text[128], id[41];

	cluster_start(&c, &r, &w, 0);
	test_redis_do(&c.nodes[from], "SET t:{tag} 1");
	test_cluster_id(&c.nodes[from], id);
	(void)snprintf(text, sizeof(text), "CLUSTER SETSLOT %u IMPORTING %s",
		       slot, id);
	test_redis_do(&c.nodes[to], text);
	test_cluster_id(&c.nodes[to], id);
	(void)snprintf(text, sizeof(text), "CLUSTER SETSLOT %u MIGRATING %s",
		       slot, id);
	test_redis_do(&c.nodes[from], text);
	watcher_begin(&w);
	(void)snprintf(text, sizeof(text),
		       "MIGRATE 127.0.0.1 %d t:{tag} 0 2000", c.nodes[to].port);
	test_redis_do(&c.nodes[from], text);
	/* The move itself is reported, and so are changes by both sides. */
	OK(&r, watcher_prove(&w));
	HOLDS(&r, w.keys > 0);
	ck_assert_str_eq(w.last, "t:{tag}");
	for (size_t i = 0; i < MASTERS; i++) {
		(void)snprintf(text, sizeof(text), "CLUSTER SETSLOT %u NODE %s",
			       slot, id);
		test_redis_do(&c.nodes[(to + i) % MASTERS], text);
	}
	w.keys = 0;
	test_redis_do(&c.nodes[to], "DEL t:{tag}");
	OK(&r, redis_watch_wait(w.watch, FAILOVER_MS, &r.err));
	SAME(&r, w.keys, 1);
	prove_until_failure(&w, "their slots have changed");
	watcher_close(&w);
	OK(&r, watcher_open(&w, &r));
	for (int i = 0; i < MASTERS; i++)
		watcher_begin(&w);
	test_redis_do(&c.nodes[to], "SET t:{tag} 2");
	OK(&r, watcher_prove(&w));
	ck_assert_str_eq(w.last, "t:{tag}");
	cluster_end(&c, &r, &w);
}
END_TEST

START_TEST(a_master_that_dies_ends_the_watch)
{
	struct test_cluster c;
	struct watcher w;
	struct fixture r;
	const int64_t end = process_now_ms() + FAILOVER_MS;

	cluster_start(&c, &r, &w, 1);
	test_redis_stop(&c.nodes[0], SIGKILL);
	FAILS(&r, watcher_prove(&w), ERR_UNAVAILABLE, "");
	watcher_close(&w);
	/* The replica takes over. */
	while (watcher_open(&w, &r) != 0) {
		ck_assert_msg(r.err.code == ERR_UNAVAILABLE, "%s", r.err.msg);
		ck_assert_msg(process_now_ms() < end, "%s", r.err.msg);
		process_sleep_ms(50);
	}
	watcher_begin(&w);
	test_redis_do(&c.nodes[3], "SET t:{06S} 1"); /* slot 0 */
	OK(&r, watcher_prove(&w));
	ck_assert_str_eq(w.last, "t:{06S}");
	cluster_end(&c, &r, &w);
}
END_TEST

START_TEST(a_master_that_is_replaced_ends_the_watch)
{
	struct test_cluster c;
	struct watcher w;
	struct fixture r;

	cluster_start(&c, &r, &w, 1);
	test_redis_until(&c.nodes[3], "CLUSTER FAILOVER", "OK");
	test_redis_until(&c.nodes[3], "INFO replication", "role:master");
	test_redis_until(&c.nodes[0], "INFO replication", "role:slave");
	FAILS(&r, watcher_prove(&w), ERR_UNAVAILABLE, "must be a master");
	cluster_end(&c, &r, &w);
}
END_TEST

/* A master says so when its cluster is not complete. */
START_TEST(a_cluster_that_fails_ends_the_watch)
{
	struct test_cluster c;
	struct watcher w;
	struct fixture r;

	cluster_start(&c, &r, &w, 0);
	test_redis_do(&c.nodes[0], "CLUSTER DELSLOTS 0");
	FAILS(&r, watcher_prove(&w), ERR_UNAVAILABLE,
	      "cluster_state: must be ok");
	cluster_end(&c, &r, &w);
}
END_TEST

START_TEST(rights_of_a_watch_in_a_cluster)
{
	struct test_cluster c;
	struct watcher w;
	struct fixture r;

	cluster_start(&c, &r, &w, 0);
	watcher_close(&w);
	fixture_end(&r);
	for (size_t i = 0; i < MASTERS; i++)
		test_redis_do(&c.nodes[i],
			      "ACL SETUSER u reset on >p ~t:* resetchannels"
			      " &__redis__:invalidate +ping +info +client|id"
			      " +client|tracking +subscribe +cluster|slots");
	r.conf.username = STR("u");
	r.conf.password = STR("p");
	FAILS(&r, watcher_open(&w, &r), ERR_CONFIG, "+cluster|info");
	for (size_t i = 0; i < MASTERS; i++)
		test_redis_do(&c.nodes[i], "ACL SETUSER u +cluster|info");
	OK(&r, watcher_open(&w, &r));
	watcher_begin(&w);
	cluster_end(&c, &r, &w);
}
END_TEST

TCase *
redis_watch_ha_cases(void)
{
	TCase *t = new_case("watch_ha");

	tcase_add_test(t, a_failover_ends_the_watch);
	tcase_add_test(t, a_sentinel_names_another_master);
	tcase_add_test(t, sentinels_that_do_not_answer);
	tcase_add_test(t, all_masters_are_watched);
	tcase_add_test(t, a_slot_that_moves_ends_the_watch);
	tcase_add_test(t, a_master_that_dies_ends_the_watch);
	tcase_add_test(t, a_master_that_is_replaced_ends_the_watch);
	tcase_add_test(t, a_cluster_that_fails_ends_the_watch);
	tcase_add_test(t, rights_of_a_watch_in_a_cluster);
	return t;
}
