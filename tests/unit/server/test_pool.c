/* SPDX-License-Identifier: MIT */
/* server/loop_pool: requests that may block and requests that do not, on the
 * same and on other connections. */
#include "server/loop.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/run.h"
#include "tests/support/test_server.h"

static struct test_server s;

static void
begin(unsigned threads)
{
	test_server_begin(&s, threads, true);
}

static void
ask(int fd, const char *what, size_t body)
{
	test_server_send(fd, &(struct fcgi_request){ .id = (uint16_t)(body + 1),
						     .keep = true,
						     .name = "DO",
						     .value = what,
						     .body = body });
}

static void
must_answer(int fd, size_t body)
{
	struct fcgi_answer a;
	char expected[32];

	ck_assert_int_eq(fcgi_read(fd, HANG_MS, &a), FCGI_GOT_ANSWER);
	ck_assert_uint_eq(a.id, body + 1);
	ck_assert_int_gt(snprintf(expected, sizeof(expected), "Body: %zu good",
				  body),
			 0);
	ck_assert_msg(strstr(a.text, expected) != NULL, "the answer is %s",
		      a.text);
}

static bool
all_are_at_gate(struct test_server *server)
{
	bool yes;

	pthread_mutex_lock(&server->lock);
	yes = server->at_gate == server->config.threads;
	pthread_mutex_unlock(&server->lock);
	return yes;
}

#define WORKERS 3

/* Sends a request for each worker, on new connections, which blocks it. */
static void
block_workers(int fds[WORKERS])
{
	for (size_t i = 0; i < WORKERS; i++) {
		fds[i] = test_server_connect(&s);
		ask(fds[i], "gate", i);
	}
	ck_assert(test_server_wait(&s, all_are_at_gate));
}

static void
free_workers(int fds[WORKERS])
{
	test_server_open_gate(&s);
	for (size_t i = 0; i < WORKERS; i++) {
		must_answer(fds[i], i);
		(void)close(fds[i]);
	}
}

START_TEST(blocked_workers_delay_no_other_request)
{
	int blocked[WORKERS], kept, waiting;

	begin(WORKERS);
	kept = test_server_idle(&s);
	block_workers(blocked);
	waiting = test_server_connect(&s);
	ask(waiting, "pool", 7);
	for (size_t i = 0; i < 100; i++) {
		ask(kept, "now", i);
		must_answer(kept, i);
		test_server_must_answer(&s);
	}
	free_workers(blocked);
	must_answer(waiting, 7);
	test_server_must_have_all_workers(&s);
	(void)close(kept);
	(void)close(waiting);
	ck_assert(test_server_wait(&s, test_server_is_empty));
	test_server_end(&s);
}
END_TEST

/* Answers come in the order of the requests, whichever thread makes them. Some
 * are larger than the buffer of a socket. */
START_TEST(order_of_pipelined_requests_is_kept)
{
	static const char *const what[] = {
		"now", "pool", "pool size:300000", "size:300000", "now", "pool"
	};
	int fd;

	begin(2);
	fd = test_server_connect(&s);
	for (size_t i = 0; i < 60; i++)
		ask(fd, what[i % (size_t)(_i + 2)], i);
	for (size_t i = 0; i < 60; i++)
		must_answer(fd, i);
	ck_assert_uint_eq(s.handled, 60);
	for (size_t i = 0; i < 60; i++)
		ck_assert_uint_eq(s.bodies[i], i);
	(void)close(fd);
	ck_assert(test_server_wait(&s, test_server_is_empty));
	test_server_end(&s);
}
END_TEST

/* What arrives while the request is with the pool is read after its answer. */
START_TEST(peer_may_send_more_meanwhile)
{
	struct bytes b = { .p = NULL };
	int fd;

	begin(1);
	for (int fresh = 0; fresh <= 1; fresh++) {
		fd = fresh ? test_server_connect(&s) : test_server_idle(&s);
		s.gate_open = false;
		ask(fd, "gate", 1);
		ck_assert(test_server_wait(&s, test_server_is_at_gate));
		ask(fd, "now", 2);
		fcgi_request(&b, &(struct fcgi_request){
				     .id = 4, .keep = true, .body = 3 });
		ck_assert(fcgi_send(fd, b.p, b.n / 2));
		test_server_must_answer(&s);
		test_server_open_gate(&s);
		must_answer(fd, 1);
		must_answer(fd, 2);
		ck_assert(fcgi_send(fd, b.p + b.n / 2, b.n - b.n / 2));
		must_answer(fd, 3);
		ask(fd, "pool", 5);
		must_answer(fd, 5);
		ask(fd, "now", 6);
		must_answer(fd, 6);
		(void)close(fd);
		bytes_free(&b);
	}
	ck_assert(test_server_wait(&s, test_server_is_empty));
	test_server_end(&s);
}
END_TEST

/* It disconnects while its request is handled, or waits for a worker. */
START_TEST(peer_may_disconnect_meanwhile)
{
	begin(1);
	for (int how = 0; how < 4; how++) {
		bool half = how % 2 == 1;
		int fd =
		    how < 2 ? test_server_idle(&s) : test_server_connect(&s);
		int waiting =
		    how < 2 ? test_server_idle(&s) : test_server_connect(&s);

		s.gate_open = false;
		ask(fd, "gate", 1);
		ck_assert(test_server_wait(&s, test_server_is_at_gate));
		ask(waiting, "pool", 2);
		if (half) {
			ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
			ck_assert_int_eq(shutdown(waiting, SHUT_WR), 0);
		} else {
			(void)close(fd);
			(void)close(waiting);
		}
		test_server_must_answer(&s);
		test_server_open_gate(&s);
		if (half) {
			must_answer(fd, 1);
			must_answer(waiting, 2);
			ck_assert_int_eq(test_server_read(fd), FCGI_GOT_EOF);
			ck_assert_int_eq(test_server_read(waiting),
					 FCGI_GOT_EOF);
			(void)close(fd); /* closed at the other end */
			(void)close(waiting);
		}
		ck_assert(test_server_wait(&s, test_server_is_empty));
	}
	test_server_end(&s);
}
END_TEST

/* Connections that are not kept, as of Apache and lighttpd. */
START_TEST(connection_may_end_after_an_answer_of_the_pool)
{
	begin(2);
	for (int i = 0; i < 50; i++) {
		int fd = test_server_connect(&s);
		const struct fcgi_request q = { .authorizer = i % 2 == 0,
						.name = "DO",
						.value = "pool" };

		test_server_send(fd, &q);
		ck_assert_int_eq(test_server_read(fd), FCGI_GOT_ANSWER);
		ck_assert_int_eq(test_server_read(fd), FCGI_GOT_EOF);
		(void)close(fd); /* closed at the other end */
	}
	ck_assert(test_server_wait(&s, test_server_is_empty));
	test_server_end(&s);
}
END_TEST

/* A handler of the pool makes no answer: the connection is closed. */
START_TEST(missing_answer_of_the_pool_closes_the_connection)
{
	begin(1);
	for (int fresh = 0; fresh <= 1; fresh++) {
		int fd = fresh ? test_server_connect(&s) : test_server_idle(&s);

		ask(fd, "pool nothing", 0);
		ck_assert_int_eq(test_server_read(fd), FCGI_GOT_EOF);
		(void)close(fd); /* closed at the other end */
	}
	ck_assert(test_server_wait(&s, test_server_is_empty));
	test_server_end(&s);
}
END_TEST

/* A peer that takes an answer of the pool slowly holds no worker. */
START_TEST(slow_peer_holds_no_worker)
{
	struct fcgi_answer a;
	int fds[4];

	begin(1);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] =
		    i % 2 == 0 ? test_server_idle(&s) : test_server_connect(&s);
		ask(fds[i], "pool size:1000000", 1);
		ask(fds[i], "pool", 2);
		ask(fds[i], "now", 3);
	}
	test_server_must_have_all_workers(&s);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		ck_assert_int_eq(fcgi_read(fds[i], HANG_MS, &a),
				 FCGI_GOT_ANSWER);
		ck_assert_uint_gt(a.n, 1000000);
		must_answer(fds[i], 2);
		must_answer(fds[i], 3);
		(void)close(fds[i]);
	}
	ck_assert(test_server_wait(&s, test_server_is_empty));
	test_server_end(&s);
}
END_TEST

/* Asks in random order, keeps the connection or not, pipelines, disconnects. */
static void *
ask_often(void *arg)
{
	static const char *const what[] = { "now", "pool", "pool size:70000",
					    "size:70000" };
	unsigned seed = *(unsigned *)arg, *lost = arg;
	int fd = -1;

	*lost = 0;
	for (int i = 0; i < 300; i++) {
		size_t n, got;

		seed = seed * 1103515245 + 12345;
		n = (seed >> 16) % 4 + 1;
		if (fd < 0)
			fd = fcgi_connect(s.path);
		for (size_t k = 0; k < n; k++)
			ask(fd, what[(seed >> (18 + 2 * k)) % 4], k);
		/* Sometimes it leaves before it has all answers. */
		got = (seed >> 28) == 0 ? n / 2 : n;
		for (size_t k = 0; k < got; k++)
			*lost += test_server_read(fd) != FCGI_GOT_ANSWER;
		if (got < n || (seed >> 20) % 8 == 0) {
			(void)close(fd); /* answered, or given up */
			fd = -1;
		}
	}
	if (fd >= 0)
		(void)close(fd);
	return NULL;
}

START_TEST(parallel_requests_are_answered)
{
	pthread_t threads[6];
	unsigned lost[ARRAY_LEN(threads)];

	test_server_init(&s, 3);
	s.tries = true;
	s.config.loops = (unsigned)_i + 1;
	test_server_start(&s);
	for (unsigned i = 0; i < ARRAY_LEN(threads); i++) {
		lost[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_often,
						&lost[i]),
				 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_uint_eq(lost[i], 0);
	}
	ck_assert(test_server_wait(&s, test_server_is_empty));
	ck_assert_uint_eq(test_server_counts(&s).malformed, 0);
	test_server_must_have_all_workers(&s);
	test_server_end(&s);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("pool");

	tcase_add_test(t, blocked_workers_delay_no_other_request);
	tcase_add_loop_test(t, order_of_pipelined_requests_is_kept, 0, 5);
	tcase_add_test(t, peer_may_send_more_meanwhile);
	tcase_add_test(t, peer_may_disconnect_meanwhile);
	tcase_add_test(t, connection_may_end_after_an_answer_of_the_pool);
	tcase_add_test(t, missing_answer_of_the_pool_closes_the_connection);
	tcase_add_test(t, slow_peer_holds_no_worker);
	tcase_add_loop_test(t, parallel_requests_are_answered, 0, 4);
	return run_case(t);
}
