/* SPDX-License-Identifier: MIT */
/* The connection to one Redis server: authentication, databases, bytes,
 * scripts, keys. */
#include "tests/contract/redis/fixture.h"
#include "tests/support/run.h"

#include <stdio.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/redis/client/wire_socket.h"

START_TEST(commands_and_scripts)
{
	static const char bytes[] = "a\r\n$3\r\nx\0y*1\r\n\xff";
	const struct str value = { .p = bytes, .n = sizeof(bytes) };
	struct test_redis s;
	struct fixture r;

	test_redis_start(&s, 0, NULL);
	fixture_init(&r, s.url);
	OK(&r, fixture_connect(&r));
	OK(&r, redis_ping(r.conn, &r.err));
	OK(&r, fixture_get(&r, "none"));
	ck_assert_int_eq(r.reply->type, REDIS_REPLY_NIL);
	OK(&r, fixture_run(&r, "SET", "k", &value, 1));
	OK(&r, fixture_get(&r, "k"));
	ck_assert_uint_eq(r.reply->len, value.n);
	ck_assert_mem_eq(r.reply->str, value.p, value.n);
	/* The script is sent by EVAL, by its SHA-1, and by EVAL again. ARGV is
	 * bytes in Lua, too. */
	for (int i = 0; i < 4; i++) {
		OK(&r, fixture_script(&r, SCRIPT_ECHO, "k", &value, 1));
		ck_assert_uint_eq(r.reply->elements, 3);
		ck_assert_str_eq(r.reply->element[0]->str, "t:k");
		ck_assert_mem_eq(r.reply->element[1]->str, value.p, value.n);
		SAME(&r, r.reply->element[2]->integer, (long long)value.n);
		if (i == 1)
			test_redis_do(&s, "SCRIPT FLUSH");
	}
	test_redis_until(&s, "INFO commandstats", "cmdstat_eval:calls=2");
	fixture_end(&r);
	test_redis_end(&s);
}
END_TEST

START_TEST(logins_of_the_server)
{
	static const char lines[] = "requirepass base\n"
				    "user u on >p@ss ~t:* +@all -keys\n"
				    "user off off >x ~* +@all\n";
	static const struct {
		const char *user, *password, *message;
	} rows[] = {
		{ "", "base", NULL },
		{ "default", "base", NULL },
		{ "u", "p@ss", NULL },
		{ "u", "SECRET", "refuses the user name and password" },
		{ "none", "SECRET", "refuses the user name and password" },
		{ "off", "x", "refuses the user name and password" },
		{ "", "SECRET", "refuses the user name and password" },
		{ "", "", "set a password" },
	};
	struct test_redis s;
	struct fixture r;

	test_redis_start(&s, TEST_REDIS_TCP, lines);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int result;

		fixture_init(&r, s.url);
		r.conf.username = str_from(rows[i].user);
		r.conf.password = str_from(rows[i].password);
		result = fixture_connect(&r);
		if (rows[i].message == NULL)
			ck_assert_msg(result == 0 && fixture_get(&r, "k") == 0,
				      "row %zu: %s", i, r.err.msg);
		else
			ck_assert_msg(result == -1 &&
					  r.err.code == ERR_UNAVAILABLE &&
					  strstr(r.err.msg, rows[i].message) !=
					      NULL &&
					  strstr(r.err.msg, "SECRET") == NULL,
				      "row %zu: %s", i, r.err.msg);
		fixture_end(&r);
	}
	test_redis_end(&s);
}
END_TEST

/* URLs can hold logins, for a socket and for a port. */
START_TEST(logins_in_urls)
{
	struct test_redis s;
	struct fixture r;
	char url[256];

	test_redis_start(&s, TEST_REDIS_TCP, "user u on >p@s/ ~t:* +@all\n");
	(void)snprintf(url, sizeof(url), "redis://u:p%%40s%%2F@127.0.0.1:%d/3",
		       s.port);
	fixture_init(&r, url);
	OK(&r, fixture_connect(&r));
	OK(&r, fixture_set(&r, "k", "of three"));
	fixture_end(&r);
	(void)snprintf(url, sizeof(url), "unix://u:p%%40s%%2F@%s?db=3",
		       s.socket);
	fixture_init(&r, url);
	OK(&r, fixture_connect(&r));
	OK(&r, fixture_get(&r, "k"));
	ck_assert_str_eq(r.reply->str, "of three");
	fixture_end(&r);
	(void)snprintf(url, sizeof(url), "redis://u:p%%40s%%2F@localhost:%d",
		       s.port);
	fixture_init(&r, url);
	OK(&r, fixture_connect(&r));
	OK(&r, fixture_get(&r, "k"));
	ck_assert_int_eq(r.reply->type, REDIS_REPLY_NIL);
	fixture_end(&r);
	(void)snprintf(url, sizeof(url), "redis://127.0.0.1:%d/16", s.port);
	fixture_init(&r, url);
	FAILS(&r, fixture_connect(&r), ERR_CONFIG, "choose a smaller one");
	fixture_end(&r);
	fixture_init(&r, s.url);
	r.conf.password = STR("SECRET");
	FAILS(&r, fixture_connect(&r), ERR_UNAVAILABLE, "the server has none");
	fixture_end(&r);
	test_redis_end(&s);
}
END_TEST

#define STEPS 600

/* Commands and replies exceed the buffers of the kernel. */
START_TEST(large_pipelines_do_not_block)
{
	static char big[20000], keys[STEPS][16];
	static struct redis_step steps[STEPS];
	static redisReply *replies[STEPS];
	const struct str value = { .p = big, .n = sizeof(big) };
	const struct str many[] = { value, value };
	const size_t half = STEPS / 2;
	struct test_redis s;
	struct fixture r;

	test_redis_start(&s, 0, NULL);
	fixture_init(&r, s.url);
	r.conf.timeout = 20;
	OK(&r, fixture_connect(&r));
	memset(big, 'x', sizeof(big));
	for (size_t i = 0; i < STEPS; i++) {
		int n = snprintf(keys[i], sizeof(keys[i]), "t:%zu", i % half);

		/* Half of the steps are scripts that the server does not
		 * know. */
		steps[i] = (struct redis_step){
			.command = i < half ? NULL : "GET",
			.script = SCRIPT_SET,
			.key = { .p = keys[i], .n = (size_t)n },
			.args = &value,
			.nargs = i < half ? 1 : 0,
		};
	}
	OK(&r, redis_run(r.conn, steps, half, replies, &r.err));
	test_redis_do(&s, "SCRIPT FLUSH");
	OK(&r, redis_run(r.conn, steps, STEPS, replies, &r.err));
	for (size_t i = 0; i < half; i++) {
		ck_assert_int_eq(replies[i]->type, REDIS_REPLY_STATUS);
		ck_assert_uint_eq(replies[i + half]->len, sizeof(big));
	}
	/* The queue exceeds its maximum. */
	for (size_t i = 0; i < STEPS; i++)
		steps[i] = (struct redis_step){ .command = "SET",
						.key = STR("t:k"),
						.args = many,
						.nargs = ARRAY_LEN(many) };
	FAILS(&r, redis_run(r.conn, steps, STEPS, replies, &r.err),
	      ERR_UNAVAILABLE, "");
	fixture_end(&r);
	test_redis_end(&s);
}
END_TEST

START_TEST(errors_of_real_servers)
{
	const struct str value = STR("v");
	const struct redis_step three[] = {
		{ .command = "SET",
		  .key = STR("t:a"),
		  .args = &value,
		  .nargs = 1 },
		{ .script = SCRIPT_BROKEN,
		  .key = STR("t:a"),
		  .args = &value,
		  .nargs = 1 },
		{ .command = "GET", .key = STR("t:a") },
	};
	redisReply *replies[3] = { NULL };
	struct test_redis s, replica;
	struct fixture r;

	test_redis_start(&s, TEST_REDIS_TCP, "user u on >p ~t:* +@all -set\n");
	fixture_init(&r, s.url);
	OK(&r, fixture_connect(&r));
	/* After an error in the middle the other replies belong to their
	 * commands. */
	for (int i = 0; i < 3; i++) {
		FAILS(&r, redis_run(r.conn, three, 3, replies, &r.err),
		      ERR_BUSY, "WRONGTYPE");
		ck_assert_ptr_null(replies[0]);
		OK(&r, fixture_get(&r, "a"));
		ck_assert_str_eq(r.reply->str, "v");
	}
	test_redis_replica(&replica, &s, NULL);
	test_redis_do(&s, "CONFIG SET maxmemory 1");
	FAILS(&r, fixture_set(&r, "k", "v"), ERR_BUSY, "raise maxmemory");
	FAILS(&r, fixture_script(&r, SCRIPT_SET, "k", &value, 1), ERR_BUSY,
	      "raise maxmemory");
	OK(&r, fixture_get(&r, "k"));
	test_redis_do(&s, "CONFIG SET maxmemory 0");
	test_redis_do(&s, "CONFIG SET min-replicas-to-write 5");
	FAILS(&r, fixture_set(&r, "k", "v"), ERR_BUSY, "min-replicas");
	test_redis_do(&s, "CONFIG SET min-replicas-to-write 0");
	fixture_end(&r);

	fixture_init(&r, replica.url);
	OK(&r, fixture_connect(&r));
	FAILS(&r, fixture_set(&r, "k", "v"), ERR_UNAVAILABLE, "is a replica");
	FAILS(&r, fixture_script(&r, SCRIPT_SET, "k", &value, 1),
	      ERR_UNAVAILABLE, "is a replica");
	fixture_end(&r);
	test_redis_end(&replica);

	fixture_init(&r, s.url);
	r.conf.username = STR("u");
	r.conf.password = STR("p");
	OK(&r, fixture_connect(&r));
	FAILS(&r, fixture_set(&r, "k", "v"), ERR_UNAVAILABLE, "ACL");
	fixture_end(&r);
	test_redis_end(&s);
}
END_TEST

struct collector {
	struct fixture *r;
	size_t keys, pages, stop_at;
	bool seen[3000];
	bool drops;
};

static int
collect(void *ctx, const struct str *keys, size_t n, struct err *err)
{
	struct collector *c = ctx;
	redisReply *reply;

	c->pages++;
	for (size_t i = 0; i < n; i++) {
		struct redis_step del = { .command = "DEL", .key = keys[i] };
		int64_t number;

		ck_assert(str_starts(keys[i], STR("a*[x]?:n")));
		ck_assert(str_to_uint(str_skip(keys[i], 8), 2999, &number));
		c->keys += !c->seen[number];
		c->seen[number] = true;
		if (c->drops)
			OK(c->r, redis_run(c->r->conn, &del, 1, &reply, err));
	}
	if (c->pages == c->stop_at)
		return err_set(err, ERR_LIMIT, "enough");
	return 0;
}

START_TEST(scans_find_every_key)
{
	static struct collector c;
	struct test_redis s;
	struct fixture r;
	redisReply *reply;
	char key[32];

	test_redis_start(&s, 0, NULL);
	fixture_init(&r, s.url);
	r.conf.prefix = STR("a*[x]?:");
	OK(&r, fixture_connect(&r));
	c.r = &r;
	OK(&r, redis_scan(r.conn, STR("n"), collect, &c, &r.err));
	ck_assert_uint_eq(c.pages, 0);
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(key, sizeof(key), "n%d", i);
		OK(&r, fixture_set(&r, key, "v"));
	}
	/* The prefix as a pattern would match these keys. */
	test_redis_do(&s, "MSET abx1:n1 v axx?:n2 v a*x?:n3 v a*[x]?n v");
	OK(&r, fixture_set(&r, "m1", "v"));
	OK(&r, redis_scan(r.conn, STR("n"), collect, &c, &r.err));
	ck_assert_uint_eq(c.keys, 3000);
	ck_assert_uint_gt(c.pages, 2);
	c = (struct collector){ .r = &r, .stop_at = 2 };
	FAILS(&r, redis_scan(r.conn, STR("n"), collect, &c, &r.err), ERR_LIMIT,
	      "enough");
	ck_assert_uint_eq(c.pages, 2);
	/* The callback may delete the keys of its page. */
	c = (struct collector){ .r = &r, .drops = true };
	OK(&r, redis_scan(r.conn, STR("n"), collect, &c, &r.err));
	ck_assert_uint_eq(c.keys, 3000);
	c = (struct collector){ .r = &r };
	OK(&r, redis_scan(r.conn, STR("n"), collect, &c, &r.err));
	ck_assert_uint_eq(c.keys, 0);
	reply = test_redis_ask(&s, "DBSIZE");
	SAME(&r, reply->integer, 5);
	freeReplyObject(reply);
	fixture_end(&r);
	test_redis_end(&s);
}
END_TEST

/* Keep-alive probes detect a dead server and keep idle connections open. */
START_TEST(sockets_are_tuned)
{
	static const struct {
		int level, name, value;
	} rows[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 60 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 10 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 3 },
	};
	struct redis_address at = { .host = "127.0.0.1" };
	struct test_redis s;
	struct fixture r;
	int fd;

	test_redis_start(&s, TEST_REDIS_TCP, NULL);
	fixture_init(&r, s.url);
	at.port = (uint16_t)s.port;
	OK(&r, redis_socket_connect(&at, &r.env, env_mono_ms(&r.env) + 20000,
				    &fd, &r.err));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		socklen_t n = sizeof(int);
		int value = 0;

		ck_assert_int_eq(getsockopt(fd, rows[i].level, rows[i].name,
					    &value, &n),
				 0);
		ck_assert_msg(value == rows[i].value, "row %zu: %d", i, value);
	}
	ck_assert_int_eq(close(fd), 0);
	test_redis_end(&s);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("single");

	if (!test_redis_here())
		return skip_all("no redis-server");
	tcase_add_test(t, commands_and_scripts);
	tcase_add_test(t, logins_of_the_server);
	tcase_add_test(t, logins_in_urls);
	tcase_add_test(t, large_pipelines_do_not_block);
	tcase_add_test(t, errors_of_real_servers);
	tcase_add_test(t, scans_find_every_key);
	tcase_add_test(t, sockets_are_tuned);
	return RUN_CASES(t, redis_option_cases(), redis_fault_cases(),
			 redis_sentinel_cases(), redis_cluster_cases(),
			 redis_tls_cases(), redis_watch_cases(),
			 redis_watch_ha_cases());
}
