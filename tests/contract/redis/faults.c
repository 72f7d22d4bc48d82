/* SPDX-License-Identifier: MIT */
/* Servers that stop, hang, answer byte by byte, send wrong replies, or come
 * back. */
#include "tests/contract/redis/fake.h"
#include "tests/contract/redis/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define SCANNED 5000

static void *
kill_soon(void *arg)
{
	process_sleep_ms(300);
	process_signal_all(arg, SIGKILL);
	return NULL;
}

START_TEST(killed_in_a_run)
{
	struct test_redis s;
	struct fixture r;
	pthread_t thread;

	test_redis_start(&s, 0, NULL);
	fixture_init(&r, s.url);
	OK(&r, fixture_connect(&r));
	OK(&r, fixture_set(&r, "k", "v"));
	process_signal_all(&s.process, SIGSTOP);
	ck_assert_int_eq(pthread_create(&thread, NULL, kill_soon, &s.process),
			 0);
	FAILS(&r, fixture_get(&r, "k"), ERR_UNAVAILABLE, s.socket);
	/* The wait ends with the server, and not at the deadline. */
	HOLDS(&r, strstr(r.err.msg, "in time") == NULL);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	/* The connection stays lost after the server is back. */
	test_redis_stop(&s, SIGKILL);
	FAILS(&r, fixture_connect(&r), ERR_UNAVAILABLE, "cannot connect");
	test_redis_again(&s);
	OK(&r, fixture_connect(&r));
	OK(&r, fixture_get(&r, "k"));
	ck_assert_int_eq(r.reply->type, REDIS_REPLY_NIL);
	fixture_end(&r);
	test_redis_end(&s);
}
END_TEST

START_TEST(stopped_and_continued)
{
	struct test_redis s;
	struct fixture r;

	test_redis_start(&s, TEST_REDIS_TCP, NULL);
	fixture_init(&r, s.url);
	r.conf.timeout = r.conf.connect_timeout = 1;
	OK(&r, fixture_connect(&r));
	OK(&r, fixture_set(&r, "k", "v"));
	process_signal_all(&s.process, SIGSTOP);
	FAILS(&r, fixture_get(&r, "k"), ERR_UNAVAILABLE, "no reply in time");
	/* The late reply must not become the reply to the next command. */
	FAILS(&r, fixture_get(&r, "other"), ERR_UNAVAILABLE, "lost");
	FAILS(&r, redis_ping(r.conn, &r.err), ERR_UNAVAILABLE, "lost");
	FAILS(&r, fixture_connect(&r), ERR_UNAVAILABLE, "no reply in time");
	process_signal_all(&s.process, SIGCONT);
	OK(&r, fixture_connect(&r));
	OK(&r, fixture_get(&r, "k"));
	ck_assert_str_eq(r.reply->str, "v");
	fixture_end(&r);
	test_redis_end(&s);
}
END_TEST

/* The server closes idle connections, and the next run opens new ones. */
START_TEST(idle_connections_come_back)
{
	struct test_redis s;
	struct fixture r;

	ck_assert(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	test_redis_start(&s, 0, NULL);
	fixture_init(&r, s.url);
	OK(&r, fixture_connect(&r));
	test_redis_do(&s, "CLIENT KILL TYPE normal SKIPME yes");
	OK(&r, fixture_set(&r, "k", "v"));
	test_redis_do(&s, "CLIENT KILL TYPE normal SKIPME yes");
	OK(&r, redis_ping(r.conn, &r.err));
	test_redis_stop(&s, SIGTERM);
	FAILS(&r, fixture_get(&r, "k"), ERR_UNAVAILABLE, "cannot connect");
	test_redis_again(&s);
	OK(&r, fixture_get(&r, "k"));
	fixture_end(&r);
	test_redis_end(&s);
}
END_TEST

struct looking {
	struct test_redis *s; /* NULL: was restarted already */
	bool seen[SCANNED];
};

static int
look_and_restart(void *ctx, const struct str *keys, size_t n, struct err *err)
{
	struct looking *l = ctx;
	int64_t i;

	(void)err;
	for (size_t k = 0; k < n; k++) {
		ck_assert(str_to_uint(str_skip(keys[k], 2), SCANNED - 1, &i));
		l->seen[i] = true;
	}
	if (l->s != NULL) {
		test_redis_do(l->s, "SAVE");
		test_redis_stop(l->s, SIGKILL);
		test_redis_again(l->s);
		l->s = NULL;
	}
	return 0;
}

/* A scan begins again at a server that was restarted, which does not know the
 * cursor. */
START_TEST(restarted_in_a_scan)
{
	static struct looking l;
	struct test_redis s;
	struct fixture r;
	char text[16];

	test_redis_start(&s, 0, NULL);
	fixture_init(&r, s.url);
	OK(&r, fixture_connect(&r));
	for (int i = 0; i < SCANNED; i++) {
		(void)snprintf(text, sizeof(text), "%d", i);
		OK(&r, fixture_set(&r, text, "v"));
	}
	l.s = &s;
	OK(&r, redis_scan(r.conn, STR(""), look_and_restart, &l, &r.err));
	for (int i = 0; i < SCANNED; i++)
		ck_assert_msg(l.seen[i], "key %d", i);
	fixture_end(&r);
	test_redis_end(&s);
}
END_TEST

/* The late reply to PING must not become the reply to the next command. */
START_TEST(late_answer_to_a_ping)
{
	struct test_redis s;
	struct fixture r;

	test_redis_start(&s, 0, NULL);
	fixture_init(&r, s.url);
	r.conf.timeout = 1;
	OK(&r, fixture_connect(&r));
	OK(&r, fixture_set(&r, "k", "v"));
	process_signal_all(&s.process, SIGSTOP);
	FAILS(&r, redis_ping(r.conn, &r.err), ERR_UNAVAILABLE, "in time");
	process_signal_all(&s.process, SIGCONT);
	FAILS(&r, fixture_get(&r, "k"), ERR_UNAVAILABLE, "lost");
	fixture_end(&r);
	test_redis_end(&s);
}
END_TEST

/* redis_is_lost() waits for a reply only if it may ask, and never asks a
 * connection that it knows is lost. */
START_TEST(lost_is_asked_for)
{
	struct test_redis s;
	struct fixture r;

	test_redis_start(&s, 0, NULL);
	fixture_init(&r, s.url);
	r.conf.timeout = 1;
	OK(&r, fixture_connect(&r));
	HOLDS(&r, !redis_is_lost(r.conn, true));
	HOLDS(&r, !redis_is_lost(r.conn, false));
	process_signal_all(&s.process, SIGSTOP);
	HOLDS(&r, !redis_is_lost(r.conn, false));
	HOLDS(&r, redis_is_lost(r.conn, true));
	process_signal_all(&s.process, SIGCONT);
	HOLDS(&r, redis_is_lost(r.conn, false));
	HOLDS(&r, redis_is_lost(r.conn, true));
	fixture_end(&r);
	test_redis_end(&s);
}
END_TEST

/* A command that was written in part makes the connection unusable. */
START_TEST(more_than_is_sent)
{
	static char bytes[17 << 20];
	const struct str value = { .p = bytes, .n = sizeof(bytes) };
	struct test_redis s;
	struct fixture r;

	test_redis_start(&s, 0, NULL);
	fixture_init(&r, s.url);
	OK(&r, fixture_connect(&r));
	FAILS(&r, fixture_run(&r, "SET", "k", &value, 1), ERR_UNAVAILABLE, "");
	HOLDS(&r, redis_is_lost(r.conn, false));
	fixture_disconnect(&r);
	OK(&r, fixture_connect(&r));
	OK(&r, fixture_get(&r, "k"));
	ck_assert_int_eq(r.reply->type, REDIS_REPLY_NIL);
	fixture_end(&r);
	test_redis_end(&s);
}
END_TEST

#define INFO                                                                   \
	{                                                                      \
		.bytes = "$0\r\n\r\n"                                          \
	}

START_TEST(fake_answers)
{
	static char deep[4 * 2000 + 1];
	static const struct {
		struct redis_line line;
		const char *message;
	} rows[] = {
		/* Each byte arrives in time, but all of them together do
		 * not. */
		{ { .bytes = "$60\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n",
		    .each_ms = 40 },
		  "in time" },
		{ { .bytes = "$5\r\nab", .hang_up = true }, "closed" },
		{ { .bytes = "*3\r\n$1\r\na\r\n", .hang_up = true }, "closed" },
		{ { .bytes = "", .hang_up = true }, "closed" },
		{ { .bytes = NULL }, "no reply in time" },
		{ { .bytes = "HTTP/1.1 400 Bad Request\r\n\r\n" },
		  "Redis protocol error" },
		{ { .bytes = "\0\0\0\r\n", .n = 5 }, "protocol error" },
		{ { .bytes = "$9223372036854775800\r\nabc" }, "" },
		{ { .bytes = "$99999999999999999999999\r\nabc" },
		  "protocol error" },
		{ { .bytes = "$-7\r\n" }, "protocol error" },
		{ { .bytes = "$2147483647\r\nabc" }, "in time" },
		{ { .bytes = "*2147483647\r\n$1\r\na\r\n" }, "protocol error" },
		{ { .bytes = "*1048577\r\n" }, "protocol error" },
		{ { .bytes = "*-2\r\n" }, "protocol error" },
		{ { .bytes = ":12x\r\n" }, "protocol error" },
		{ { .bytes = deep, .n = sizeof(deep) - 1 }, "" },
	};

	for (size_t i = 0; i + 1 < sizeof(deep); i++)
		deep[i] = "*1\r\n"[i % 4];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct redis_line lines[] = { INFO, rows[i].line };
		struct redis_fake f;
		struct fixture r;

		redis_fake_start(&f, lines, ARRAY_LEN(lines));
		fixture_init(&r, f.url);
		r.conf.timeout = 1;
		OK(&r, fixture_connect(&r));
		ck_assert_msg(fixture_get(&r, "k") == -1 &&
				  r.err.code == ERR_UNAVAILABLE &&
				  strstr(r.err.msg, rows[i].message) != NULL,
			      "row %zu: %s", i, r.err.msg);
		fixture_end(&r);
		redis_fake_end(&f);
	}
}
END_TEST

/* A reply that nobody asked for must not become the reply to the next
 * command. */
START_TEST(one_answer_too_many)
{
	static const struct redis_line lines[] = {
		INFO,
		{ .bytes = "+first\r\n+stray\r\n" },
		{ .bytes = "+wrong\r\n" },
	};
	static const struct redis_line late[] = {
		INFO,
		{ .bytes = "*2\r\n+a\r\n" },
	};
	struct redis_fake f;
	struct fixture r;

	redis_fake_start(&f, lines, ARRAY_LEN(lines));
	fixture_init(&r, f.url);
	OK(&r, fixture_connect(&r));
	OK(&r, fixture_get(&r, "k"));
	ck_assert_str_eq(r.reply->str, "first");
	OK(&r, fixture_get(&r, "k")); /* on a new connection */
	ck_assert_str_eq(r.reply->str, "first");
	fixture_end(&r);
	redis_fake_end(&f);

	redis_fake_start(&f, late, ARRAY_LEN(late));
	fixture_init(&r, f.url);
	r.conf.timeout = 1;
	OK(&r, fixture_connect(&r));
	FAILS(&r, fixture_get(&r, "k"), ERR_UNAVAILABLE, "in time");
	FAILS(&r, fixture_get(&r, "k"), ERR_UNAVAILABLE, "lost");
	fixture_end(&r);
	redis_fake_end(&f);
}
END_TEST

/* The server sends these replies before the connection is authenticated. */
START_TEST(fake_greetings)
{
	static const struct {
		const char *greeting;
		enum err_code code;
		const char *message;
	} rows[] = {
		{ "+OK\r\n", ERR_NONE, NULL },
		{ "-WRONGPASS invalid password SECRET\r\n", ERR_UNAVAILABLE,
		  "refuses the user name" },
		{ "-ERR unknown command `AUTH`, with args beginning with:"
		  " `SECRET`\r\n",
		  ERR_UNAVAILABLE, "refuses the user name" },
		{ "-SECRET\r\n", ERR_UNAVAILABLE, "refuses the user name" },
		{ "-LOADING Redis is loading the dataset in memory\r\n",
		  ERR_UNAVAILABLE, "LOADING" },
		{ "-ERR max number of clients reached\r\n", ERR_UNAVAILABLE,
		  "raise maxclients" },
		{ "$6\r\nSECRET\r\n", ERR_UNAVAILABLE, "protocol error" },
		{ "220 SECRET ESMTP\r\n", ERR_UNAVAILABLE, "protocol error" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct redis_line lines[] = {
			{ .bytes = rows[i].greeting }, INFO
		};
		struct redis_fake f;
		struct fixture r;
		int result;

		redis_fake_start(&f, lines, ARRAY_LEN(lines));
		fixture_init(&r, f.url);
		r.conf.password = STR("SECRET");
		result = fixture_connect(&r);
		if (rows[i].message == NULL)
			ck_assert_msg(result == 0, "row %zu: %s", i, r.err.msg);
		else
			ck_assert_msg(result == -1 &&
					  r.err.code == rows[i].code &&
					  strstr(r.err.msg, rows[i].message) !=
					      NULL &&
					  strstr(r.err.msg, "SECRET") == NULL,
				      "row %zu: %s", i, r.err.msg);
		fixture_end(&r);
		redis_fake_end(&f);
	}
}
END_TEST

/* The first word of an error reply decides; in Redis 6 that of the error in a
 * script. */
START_TEST(fake_refusals)
{
	static const struct {
		const char *error;
		enum err_code code;
		const char *message;
	} rows[] = {
		{ "-LOADING x\r\n", ERR_UNAVAILABLE, "LOADING" },
		{ "-READONLY x\r\n", ERR_UNAVAILABLE, "replica" },
		{ "-MASTERDOWN x\r\n", ERR_UNAVAILABLE, "MASTERDOWN" },
		{ "-OOM x\r\n", ERR_BUSY, "raise maxmemory" },
		{ "-MISCONF x\r\n", ERR_BUSY, "log" },
		{ "-NOREPLICAS x\r\n", ERR_BUSY, "min-replicas" },
		{ "-BUSY x\r\n", ERR_UNAVAILABLE, "BUSY" },
		{ "-UNKILLABLE x\r\n", ERR_UNAVAILABLE, "UNKILLABLE" },
		{ "-NOAUTH x\r\n", ERR_UNAVAILABLE, "set a password" },
		{ "-NOPERM x\r\n", ERR_UNAVAILABLE, "ACL" },
		{ "-ERR The user executing the script can't run this command or"
		  " subcommand script: f, on @user_script:1.\r\n",
		  ERR_UNAVAILABLE, "ACL" },
		{ "-ERR Error running script (call to f_1): @user_script:1:"
		  " @user_script: 1: The user executing the script can't run"
		  " this command or subcommand\r\n",
		  ERR_UNAVAILABLE, "ACL" },
		{ "-MOVED 1 127.0.0.1:1\r\n", ERR_CONFIG, "cluster = yes" },
		{ "-ERR Error running script (call to f_1): @user_script:1:"
		  " @user_script: 1: -OOM command not allowed\r\n",
		  ERR_BUSY, "raise maxmemory" },
		{ "-ERR unknown command `GET`, with args beginning with:"
		  " `SECRET`\r\n",
		  ERR_INTERNAL, "unknown command" },
		{ "-WRONGTYPE x\r\n", ERR_BUSY, "WRONGTYPE" },
		{ "-NOSCRIPT x\r\n", ERR_INTERNAL, "NOSCRIPT" },
		{ "-\r\n", ERR_INTERNAL, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct redis_line lines[] = { INFO,
						    { .bytes = rows[i].error },
						    { .bytes = "+OK\r\n" } };
		struct redis_fake f;
		struct fixture r;

		redis_fake_start(&f, lines, ARRAY_LEN(lines));
		fixture_init(&r, f.url);
		OK(&r, fixture_connect(&r));
		ck_assert_msg(fixture_get(&r, "k") == -1 &&
				  r.err.code == rows[i].code &&
				  strstr(r.err.msg, rows[i].message) != NULL &&
				  strstr(r.err.msg, "SECRET") == NULL,
			      "row %zu: %d %s", i, (int)r.err.code, r.err.msg);
		/* The connection stays usable after an error reply. */
		OK(&r, fixture_get(&r, "k"));
		ck_assert_str_eq(r.reply->str, "OK");
		fixture_end(&r);
		redis_fake_end(&f);
	}
}
END_TEST

TCase *
redis_fault_cases(void)
{
	TCase *t = new_case("faults");

	tcase_add_test(t, killed_in_a_run);
	tcase_add_test(t, stopped_and_continued);
	tcase_add_test(t, idle_connections_come_back);
	tcase_add_test(t, restarted_in_a_scan);
	tcase_add_test(t, late_answer_to_a_ping);
	tcase_add_test(t, lost_is_asked_for);
	tcase_add_test(t, more_than_is_sent);
	tcase_add_test(t, fake_answers);
	tcase_add_test(t, one_answer_too_many);
	tcase_add_test(t, fake_greetings);
	tcase_add_test(t, fake_refusals);
	return t;
}
