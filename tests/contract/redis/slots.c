/* SPDX-License-Identifier: MIT */
/* A Redis Cluster: every key is found while slots and servers move. */
#include "tests/contract/redis/fake.h"
#include "tests/contract/redis/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "backends/redis/client/cluster.h"

#define KEYS	    300
#define FAILOVER_MS 30000

static void
start(struct test_cluster *c, struct fixture *r, size_t replicas)
{
	test_cluster_start(c, 3, replicas, NULL);
	fixture_init(r, c->nodes[0].url);
	r->conf.cluster = true;
}

static long long
number(const struct test_redis *s, const char *command)
{
	redisReply *reply = test_redis_ask(s, command);
	long long n = reply->integer;

	ck_assert_msg(reply->type == REDIS_REPLY_INTEGER, "%s: %s", command,
		      reply->str);
	freeReplyObject(reply);
	return n;
}

START_TEST(slots_of_keys)
{
	static const char *const keys[] = {
		"",	 "a",	    "123456789",    "foo{bar}x",
		"{}a",	 "{a}{b}",  "a{b",	    "a}b{c}",
		"{{a}}", "a{}b{c}", "{user1000}.f",
	};
	struct test_redis s;
	char command[64];

	test_redis_start(&s, TEST_REDIS_CLUSTER, NULL);
	ck_assert_uint_eq(redis_slot(STR("123456789")), 0x31c3);
	ck_assert_uint_eq(redis_slot(STR("x{123456789}y")), 0x31c3);
	for (size_t i = 1; i < ARRAY_LEN(keys); i++) {
		(void)snprintf(command, sizeof(command), "CLUSTER KEYSLOT %s",
			       keys[i]);
		SAME(&(struct fixture){ .name = keys[i] },
		     (long long)redis_slot(str_from(keys[i])),
		     number(&s, command));
	}
	test_redis_end(&s);
}
END_TEST

/* Sends commands and scripts to all servers in one run. */
static void
set_all(struct fixture *r)
{
	static char keys[KEYS][16];
	static struct redis_step steps[2 * KEYS];
	static redisReply *replies[2 * KEYS];

	for (size_t i = 0; i < KEYS; i++) {
		int n = snprintf(keys[i], sizeof(keys[i]), "t:%zu", i);

		steps[i] = (struct redis_step){
			.command = i % 2 == 0 ? "SET" : NULL,
			.script = SCRIPT_SET,
			.key = { .p = keys[i], .n = (size_t)n },
			.nargs = 1,
		};
		steps[i].args = &steps[i].key;
		steps[i + KEYS] = (struct redis_step){ .command = "GET",
						       .key = steps[i].key };
	}
	OK(r, redis_run(r->conn, steps, KEYS, replies, &r->err));
	OK(r, redis_run(r->conn, steps, ARRAY_LEN(steps), replies, &r->err));
	for (size_t i = 0; i < KEYS; i++)
		ck_assert_msg(strcmp(replies[i + KEYS]->str, keys[i]) == 0,
			      "%s: %s", keys[i], replies[i + KEYS]->str);
}

static int
count(void *ctx, const struct str *keys, size_t n, struct err *err)
{
	bool *seen = ctx;
	int64_t i;

	(void)err;
	for (size_t k = 0; k < n; k++) {
		ck_assert(str_to_uint(str_skip(keys[k], 2), KEYS - 1, &i));
		seen[i] = true;
	}
	return 0;
}

START_TEST(keys_on_all_servers)
{
	struct test_cluster c;
	struct fixture r;
	bool seen[KEYS] = { false };
	char url[128];

	start(&c, &r, 0);
	OK(&r, fixture_connect(&r));
	OK(&r, redis_ping(r.conn, &r.err));
	set_all(&r);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_gt(number(&c.nodes[i], "DBSIZE"), KEYS / 6);
	OK(&r, redis_scan(r.conn, STR(""), count, seen, &r.err));
	for (size_t i = 0; i < KEYS; i++)
		ck_assert_msg(seen[i], "key %zu", i);
	test_redis_do(&c.nodes[1], "SCRIPT FLUSH");
	test_redis_do(&c.nodes[2], "CLIENT KILL TYPE normal SKIPME yes");
	set_all(&r);
	fixture_end(&r);

	/* One reachable server is enough, and a cluster needs cluster = yes. */
	(void)snprintf(url, sizeof(url), "redis://127.0.0.1:%d,127.0.0.1:%d",
		       process_free_port(), c.nodes[2].port);
	r.conf.url = str_from(url);
	OK(&r, fixture_connect(&r));
	set_all(&r);
	fixture_end(&r);
	r.conf.url = str_from(c.nodes[0].url);
	r.conf.cluster = false;
	FAILS(&r, fixture_connect(&r), ERR_CONFIG, "cluster = yes");
	fixture_end(&r);
	test_cluster_end(&c);
}
END_TEST

START_TEST(not_a_cluster)
{
	struct test_redis s;
	struct fixture r;

	test_redis_start(&s, TEST_REDIS_TCP, NULL);
	fixture_init(&r, s.url);
	r.conf.cluster = true;
	FAILS(&r, fixture_connect(&r), ERR_CONFIG, "leave cluster out");
	fixture_end(&r);
	test_redis_end(&s);
	test_redis_start(&s, TEST_REDIS_CLUSTER, NULL);
	fixture_init(&r, s.url);
	r.conf.cluster = true;
	FAILS(&r, fixture_connect(&r), ERR_UNAVAILABLE, "no server has a slot");
	fixture_end(&r);
	test_redis_end(&s);
}
END_TEST

static void
tell(const struct test_cluster *c, size_t node, unsigned slot, const char *how,
     size_t other)
{
	char text[128], id[41];

	test_cluster_id(&c->nodes[other], id);
	(void)snprintf(text, sizeof(text), "CLUSTER SETSLOT %u %s %s", slot,
		       how, id);
	test_redis_do(&c->nodes[node], text);
}

static size_t
owner_of(unsigned slot)
{
	return slot * 3 / REDIS_SLOTS;
}

/* A slot moves from one server to the next, as redis-cli does it. */
START_TEST(slot_moves)
{
	const struct str x = STR("x"), other = STR("t:{tag}goes");
	struct test_cluster c;
	struct fixture r;
	const unsigned slot = redis_slot(STR("tag"));
	const size_t from = owner_of(slot), to = (from + 1) % 3;
	char text[128];

	start(&c, &r, 0);
	OK(&r, fixture_connect(&r));
	OK(&r, fixture_set(&r, "{tag}stays", "1"));
	OK(&r, fixture_set(&r, "{tag}goes", "2"));
	tell(&c, to, slot, "IMPORTING", from);
	tell(&c, from, slot, "MIGRATING", to);
	(void)snprintf(text, sizeof(text),
		       "MIGRATE 127.0.0.1 %d t:{tag}goes 0 2000",
		       c.nodes[to].port);
	test_redis_do(&c.nodes[from], text);
	/* Commands and scripts follow ASK to a server that does not know the
	 * script. */
	OK(&r, fixture_get(&r, "{tag}goes"));
	ck_assert_str_eq(r.reply->str, "2");
	OK(&r, fixture_get(&r, "{tag}stays"));
	ck_assert_str_eq(r.reply->str, "1");
	OK(&r, fixture_script(&r, SCRIPT_SET, "{tag}new", &x, 1));
	OK(&r, fixture_get(&r, "{tag}new"));
	ck_assert_str_eq(r.reply->str, "x");
	set_all(&r);
	/* The two keys are on two servers, so no server can execute the
	 * step. */
	FAILS(&r, fixture_run(&r, "EXISTS", "{tag}stays", &other, 1), ERR_BUSY,
	      "moving its slot");
	FAILS(&r, fixture_script(&r, SCRIPT_BOTH, "{tag}stays", &other, 1),
	      ERR_BUSY, "moving its slot");
	set_all(&r);
	/* The other key moves, and the servers redirect with MOVED. */
	(void)snprintf(text, sizeof(text),
		       "MIGRATE 127.0.0.1 %d t:{tag}stays 0 2000",
		       c.nodes[to].port);
	test_redis_do(&c.nodes[from], text);
	for (size_t i = 0; i < 3; i++)
		tell(&c, (to + i) % 3, slot, "NODE", to);
	OK(&r, fixture_get(&r, "{tag}stays"));
	ck_assert_str_eq(r.reply->str, "1");
	OK(&r, fixture_script(&r, SCRIPT_SET, "{tag}new", &x, 1));
	OK(&r, fixture_script(&r, SCRIPT_BOTH, "{tag}stays", &other, 1));
	ck_assert_int_eq(r.reply->integer, 2);
	set_all(&r);
	test_redis_until(&c.nodes[to], "INFO commandstats", "cmdstat_asking");
	fixture_end(&r);
	test_cluster_end(&c);
}
END_TEST

START_TEST(master_without_replica_dies)
{
	struct test_cluster c;
	struct fixture r;
	const unsigned slot = redis_slot(STR("tag"));
	const size_t victim = owner_of(slot);

	start(&c, &r, 0);
	r.conf.timeout = 1;
	OK(&r, fixture_connect(&r));
	set_all(&r);
	process_signal_all(&c.nodes[victim].process, SIGSTOP);
	FAILS(&r, fixture_get(&r, "{tag}"), ERR_UNAVAILABLE, "in time");
	test_redis_stop(&c.nodes[victim], SIGKILL);
	test_redis_until(&c.nodes[(victim + 1) % 3], "CLUSTER INFO",
			 "cluster_state:fail");
	fixture_end(&r);
	r.conf.url = str_from(c.nodes[(victim + 1) % 3].url);
	OK(&r, fixture_connect(&r));
	FAILS(&r, fixture_get(&r, "{tag}"), ERR_UNAVAILABLE, "");
	/* The server comes back with its slots and its keys. */
	test_redis_again(&c.nodes[victim]);
	for (size_t i = 0; i < 3; i++)
		test_redis_until(&c.nodes[i], "CLUSTER INFO",
				 "cluster_state:ok");
	OK(&r, fixture_connect(&r));
	set_all(&r);
	fixture_end(&r);
	test_cluster_end(&c);
}
END_TEST

START_TEST(replica_takes_over)
{
	struct test_cluster c;
	struct fixture r;
	int64_t end;

	start(&c, &r, 1); /* the first master, which url names, has a replica */
	OK(&r, fixture_connect(&r));
	OK(&r, fixture_set(&r, "{06S}", "kept")); /* slot 0 */
	ck_assert_uint_eq(redis_slot(STR("{06S}")), 0);
	test_redis_until(&c.nodes[3], "INFO replication",
			 "master_link_status:up");
	/* A write is acknowledged before the replica has it. */
	test_redis_until(&c.nodes[3], "INFO keyspace", "db0:keys=1");
	test_redis_stop(&c.nodes[0], SIGKILL);
	end = process_now_ms() + FAILOVER_MS;
	while (fixture_set(&r, "{06S}x", "v") != 0) {
		ck_assert_msg(r.err.code == ERR_UNAVAILABLE, "%s", r.err.msg);
		ck_assert_msg(process_now_ms() < end, "no end: %s", r.err.msg);
		process_sleep_ms(50);
	}
	OK(&r, fixture_get(&r, "{06S}"));
	ck_assert_str_eq(r.reply->str, "kept");
	set_all(&r);
	fixture_end(&r);
	test_cluster_end(&c);
}
END_TEST

/* Maps and redirections that are not valid. */
static const struct {
	const char *map, *answer;
	const char *message;
} fakes[] = {
	{ "+OK\r\n", NULL, "no server has a slot" },
	{ "*0\r\n", NULL, "no server has a slot" },
	{ "*1\r\n*2\r\n:0\r\n:1\r\n", NULL, "unexpected reply" },
	{ "*1\r\n+x\r\n", NULL, "unexpected reply" },
	{ "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$0\r\n\r\n:1\r\n", NULL,
	  "slots out of range" },
	{ "*1\r\n*3\r\n:-1\r\n:3\r\n*2\r\n$0\r\n\r\n:1\r\n", NULL,
	  "slots out of range" },
	{ "*1\r\n*3\r\n:0\r\n:3\r\n*2\r\n$0\r\n\r\n:0\r\n", NULL,
	  "address is missing" },
	{ "*1\r\n*3\r\n:0\r\n:3\r\n*0\r\n", NULL, "address is missing" },
	{ NULL, "-MOVED x\r\n", "unexpected reply" },
	{ NULL, "-MOVED 16384 h:1\r\n", "unexpected reply" },
	{ NULL, "-MOVED 1 h\r\n", "address is missing" },
	{ NULL, "-ASK 1 h:x\r\n", "address is missing" },
	{ NULL, "-ASK 1 :0\r\n", "address is missing" },
	{ NULL, "-TRYAGAIN x\r\n",
	  "TRYAGAIN x; the cluster is moving its slot" },
	{ NULL,
	  "-ERR Script attempted to access a non local key in a cluster"
	  " node script: f, on @user_script:1.\r\n",
	  "moving its slot" },
	{ NULL,
	  "-ERR Error running script (call to f_1): @user_script:1:"
	  " @user_script: 1: Script attempted to access a non local"
	  " key in a cluster node\r\n",
	  "moving its slot" },
	{ NULL, "-CLUSTERDOWN x\r\n", "CLUSTERDOWN" },
};

START_TEST(fake_maps)
{
	for (size_t i = 0; i < ARRAY_LEN(fakes); i++) {
		const enum err_code code =
		    strstr(fakes[i].message, "moving its slot") != NULL ?
			ERR_BUSY :
			ERR_UNAVAILABLE;
		struct redis_line lines[12];
		struct redis_fake f;
		struct fixture r;
		char map[96];

		for (size_t k = 0; k < ARRAY_LEN(lines); k++)
			lines[k] = (struct redis_line){
				.bytes = k == 0 ? map : fakes[i].answer
			};
		redis_fake_start(&f, lines, ARRAY_LEN(lines));
		(void)snprintf(map, sizeof(map),
			       "*1\r\n*3\r\n:0\r\n:16383\r\n"
			       "*2\r\n$-1\r\n:%d\r\n",
			       f.port);
		if (fakes[i].map != NULL)
			lines[0].bytes = fakes[i].map;
		fixture_init(&r, f.url);
		r.conf.cluster = true;
		ck_assert_msg((fixture_connect(&r) == 0) ==
				  (fakes[i].map == NULL),
			      "row %zu: %s", i, r.err.msg);
		ck_assert_msg((fakes[i].map != NULL ||
			       fixture_get(&r, "k") == -1) &&
				  r.err.code == code &&
				  strstr(r.err.msg, fakes[i].message) != NULL,
			      "row %zu: %s", i, r.err.msg);
		fixture_end(&r);
		redis_fake_end(&f);
	}
}
END_TEST

/* The server redirects to itself. The cluster is at fault, so this is not an
 * internal error. */
START_TEST(moved_for_ever)
{
	struct redis_line lines[32] = { { .bytes = NULL } };
	struct redis_fake f;
	struct fixture r;
	char map[96], moved[64];

	for (size_t k = 0; k < ARRAY_LEN(lines); k++)
		lines[k].bytes = k == 0 ? map : moved;
	redis_fake_start(&f, lines, ARRAY_LEN(lines));
	(void)snprintf(map, sizeof(map),
		       "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$-1\r\n:%d\r\n",
		       f.port);
	(void)snprintf(moved, sizeof(moved), "-MOVED 1 127.0.0.1:%d\r\n",
		       f.port);
	fixture_init(&r, f.url);
	r.conf.cluster = true;
	OK(&r, fixture_connect(&r));
	FAILS(&r, fixture_get(&r, "k"), ERR_UNAVAILABLE, "MOVED");
	fixture_end(&r);
	redis_fake_end(&f);
}
END_TEST

/* The first server closes the connection after it was chosen for the first
 * step, while the second one is still being connected. */
START_TEST(hangs_up_while_others_connect)
{
	char map[160];
	const struct redis_line first[] = {
		{ .bytes = "+OK\r\n" },
		{ .bytes = map, .hang_up = true, .hang_up_ms = 200 },
	};
	static const struct redis_line second[] = {
		{ .bytes = "+OK\r\n", .each_ms = 100 },
	};
	/* Their slots are 12182, 5061 and 12182. */
	const struct redis_step steps[] = {
		{ .command = "GET", .key = STR("foo") },
		{ .command = "GET", .key = STR("bar") },
		{ .command = "GET", .key = STR("foo") },
	};
	redisReply *replies[ARRAY_LEN(steps)];
	struct redis_fake f[2];
	struct fixture r;

	redis_fake_start(&f[0], first, ARRAY_LEN(first));
	redis_fake_start(&f[1], second, ARRAY_LEN(second));
	(void)snprintf(map, sizeof(map),
		       "*2\r\n*3\r\n:0\r\n:8191\r\n*2\r\n$0\r\n\r\n:%d\r\n"
		       "*3\r\n:8192\r\n:16383\r\n*2\r\n$0\r\n\r\n:%d\r\n",
		       f[1].port, f[0].port);
	fixture_init(&r, f[0].url);
	r.conf.cluster = true;
	r.conf.password = STR("p");
	OK(&r, fixture_connect(&r));
	FAILS(&r, redis_run(r.conn, steps, ARRAY_LEN(steps), replies, &r.err),
	      ERR_UNAVAILABLE, "closed");
	fixture_end(&r);
	redis_fake_end(&f[0]);
	redis_fake_end(&f[1]);
}
END_TEST

/* A server joins after the map was read. The scan must find its keys. */
START_TEST(keys_on_a_server_that_is_new)
{
	struct test_cluster c;
	struct test_redis *more;
	struct fixture r, other;
	bool seen[KEYS] = { false };
	const unsigned slot = redis_slot(STR("t:0"));
	const size_t from = owner_of(slot);
	char text[128];

	start(&c, &r, 0);
	OK(&r, fixture_connect(&r));
	more = &c.nodes[c.n++];
	test_redis_start(more, TEST_REDIS_CLUSTER, NULL);
	(void)snprintf(text, sizeof(text), "CLUSTER MEET 127.0.0.1 %d %d",
		       more->port, more->bus);
	test_redis_do(&c.nodes[0], text);
	for (size_t i = 0; i < c.n; i++)
		test_redis_until(&c.nodes[i], "CLUSTER INFO",
				 "cluster_known_nodes:4");
	for (size_t i = 0; i < c.n; i++)
		tell(&c, (3 + i) % 4, slot, "NODE", 3);
	for (size_t i = 0; i < c.n; i++)
		test_redis_until(&c.nodes[i], "CLUSTER INFO",
				 "cluster_state:ok");
	fixture_init(&other, c.nodes[0].url);
	other.conf.cluster = true;
	OK(&other, fixture_connect(&other));
	set_all(&other);
	fixture_end(&other);
	ck_assert_int_gt(number(more, "DBSIZE"), 0);
	ck_assert_uint_ne(from, 3);
	OK(&r, redis_scan(r.conn, STR(""), count, seen, &r.err));
	for (size_t i = 0; i < KEYS; i++)
		ck_assert_msg(seen[i], "key %zu", i);
	fixture_end(&r);
	test_cluster_end(&c);
}
END_TEST

TCase *
redis_cluster_cases(void)
{
	TCase *t = new_case("cluster");

	tcase_add_test(t, slots_of_keys);
	tcase_add_test(t, keys_on_all_servers);
	tcase_add_test(t, not_a_cluster);
	tcase_add_test(t, slot_moves);
	tcase_add_test(t, master_without_replica_dies);
	tcase_add_test(t, replica_takes_over);
	tcase_add_test(t, fake_maps);
	tcase_add_test(t, moved_for_ever);
	tcase_add_test(t, hangs_up_while_others_connect);
	tcase_add_test(t, keys_on_a_server_that_is_new);
	return t;
}
