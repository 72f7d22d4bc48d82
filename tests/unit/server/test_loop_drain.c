/* SPDX-License-Identifier: MIT */
/* server/loop: it stops without losing a request, and in a bounded time. */
#include "server/loop.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/run.h"
#include "tests/support/test_server.h"

START_TEST(drain_closes_idle_connections)
{
	struct test_server s;
	int fds[20];

	test_server_init(&s, 2);
	s.tries = _i == 1;
	test_server_fake_clock(&s); /* so that no time limit passes */
	test_server_start(&s);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = test_server_idle(&s);
	test_server_stop(&s, HANG_MS, HANG_MS);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		ck_assert_int_eq(test_server_read(fds[i]), FCGI_GOT_EOF);
		(void)close(fds[i]); /* closed at the other end */
	}
	test_server_end(&s);
}
END_TEST

struct stopper {
	pthread_t thread;
	struct test_server *server;
	int64_t grace_ms;
};

static void *
stop(void *arg)
{
	struct stopper *st = arg;

	test_server_stop(st->server, st->grace_ms, HANG_MS);
	return NULL;
}

static void
begin_stop(struct stopper *st, struct test_server *s, int64_t grace_ms)
{
	*st = (struct stopper){ .server = s, .grace_ms = grace_ms };
	ck_assert_int_eq(pthread_create(&st->thread, NULL, stop, st), 0);
}

static void
wait_stopped(struct stopper *st)
{
	ck_assert_int_eq(pthread_join(st->thread, NULL), 0);
}

/* A request that is being handled is answered, and its connection is closed. */
START_TEST(drain_answers_current_requests)
{
	struct test_server s;
	struct stopper st;
	int fd, idle;

	test_server_begin(&s, 2, _i == 1);
	idle = test_server_idle(&s);
	fd = test_server_connect(&s);
	test_server_send(fd, &(struct fcgi_request){
				 .keep = true, .name = "DO", .value = "gate" });
	ck_assert(test_server_wait(&s, test_server_is_at_gate));
	begin_stop(&st, &s, 0);
	/* The idle connection is closed when the drain begins. */
	ck_assert_int_eq(test_server_read(idle), FCGI_GOT_EOF);
	test_server_open_gate(&s);
	ck_assert_int_eq(test_server_read(fd), FCGI_GOT_ANSWER);
	ck_assert_int_eq(test_server_read(fd), FCGI_GOT_EOF);
	wait_stopped(&st);
	(void)close(fd); /* closed at the other end */
	(void)close(idle);
	test_server_end(&s);
}
END_TEST

/* A peer that was accepted but has sent no request or half of one may send the
 * rest within the grace time. */
START_TEST(drain_waits_for_requests)
{
	for (int half = 0; half <= 1; half++) {
		struct bytes b = { .p = NULL };
		struct test_server s;
		struct stopper st;
		size_t sent;
		int fd, idle;

		test_server_begin(&s, 2, _i == 1);
		fcgi_request(&b, &(struct fcgi_request){ .keep = true });
		sent = half == 1 ? b.n / 2 : 0;
		idle = test_server_idle(&s);
		fd = test_server_connect(&s);
		ck_assert(fcgi_send(fd, b.p, sent));
		while (test_server_counts(&s).accepted < 2)
			(void)poll(NULL, 0, 1);
		begin_stop(&st, &s, HANG_MS);
		ck_assert_int_eq(test_server_read(idle), FCGI_GOT_EOF);
		ck_assert(fcgi_send(fd, b.p + sent, b.n - sent));
		ck_assert_int_eq(test_server_read(fd), FCGI_GOT_ANSWER);
		ck_assert_int_eq(test_server_read(fd), FCGI_GOT_EOF);
		wait_stopped(&st);
		(void)close(fd); /* closed at the other end */
		(void)close(idle);
		bytes_free(&b);
		test_server_end(&s);
	}
}
END_TEST

static void
wait_until_shut(int fd)
{
	/* An empty message sends nothing, but fails when the socket is shut
	 * down. */
	while (send(fd, "", 0, MSG_NOSIGNAL) == 0)
		(void)poll(NULL, 0, 1);
}

/* The rest of a request has arrived while all workers are busy. The grace
 * time does not count for it, but only for peers that have not sent their
 * request. */
START_TEST(drain_answers_requests_that_wait)
{
	struct bytes b = { .p = NULL };
	struct test_server s;
	struct stopper st;
	int half, busy, idle;

	test_server_begin(&s, 1, _i == 1);
	idle = test_server_idle(&s);
	fcgi_request(&b, &(struct fcgi_request){ .keep = true });
	half = test_server_connect(&s);
	ck_assert(fcgi_send(half, b.p, b.n / 2));
	test_server_must_answer(&s); /* so that the first half has been read */
	busy = test_server_connect(&s);
	test_server_send(busy, &(struct fcgi_request){ .name = "DO",
						       .value = "gate" });
	ck_assert(test_server_wait(&s, test_server_is_at_gate));
	ck_assert(fcgi_send(half, b.p + b.n / 2, b.n - b.n / 2));
	begin_stop(&st, &s, 0);
	wait_until_shut(idle);
	test_server_open_gate(&s);
	ck_assert_int_eq(test_server_read(busy), FCGI_GOT_ANSWER);
	ck_assert_int_eq(test_server_read(half), FCGI_GOT_ANSWER);
	ck_assert_int_eq(test_server_read(half), FCGI_GOT_EOF);
	wait_stopped(&st);
	(void)close(half); /* all are closed at the other end */
	(void)close(busy);
	(void)close(idle);
	bytes_free(&b);
	test_server_end(&s);
}
END_TEST

#define NEVER_MS (1000 * 3600)

/* No peer can prolong the drain. */
START_TEST(drain_has_a_time_limit)
{
	struct test_server s;
	int silent, half, unresponsive;

	test_server_init(&s, 2);
	s.tries = _i == 1;
	s.config.request_ms = s.config.write_ms = NEVER_MS;
	test_server_start(&s);
	silent = test_server_connect(&s);
	half = test_server_half_sent(&s);
	unresponsive = test_server_connect(&s);
	test_server_send(unresponsive,
			 &(struct fcgi_request){ .name = "DO",
						 .value = "size:1000000" });
	while (test_server_counts(&s).requests < 1 ||
	       test_server_counts(&s).accepted < 3)
		(void)poll(NULL, 0, 1);
	test_server_stop(&s, 50, 300);
	ck_assert_int_eq(test_server_read(silent), FCGI_GOT_EOF);
	ck_assert_int_ne(test_server_read(half), FCGI_GOT_ANSWER);
	ck_assert_int_eq(test_server_read(unresponsive), FCGI_GOT_CUT);
	(void)close(silent); /* all are closed at the other end */
	(void)close(half);
	(void)close(unresponsive);
	test_server_end(&s);
}
END_TEST

struct client {
	pthread_t thread;
	struct test_server *server;
	bool keep;
	const atomic_bool *end;
	size_t answered, retried;
	enum fcgi_got failed; /* FCGI_GOT_ANSWER: no request has failed */
};

/* A client like nginx: a request that fails on a kept connection is repeated on
 * a new one, and a request that fails on a new one is lost. */
static void *
run_client(void *arg)
{
	struct client *c = arg;
	const struct fcgi_request q = { .keep = c->keep, .body = 20 };
	struct bytes b = { .p = NULL };
	int fd = -1;

	fcgi_request(&b, &q);
	while (!atomic_load(c->end) && c->failed == FCGI_GOT_ANSWER) {
		bool fresh = fd < 0;
		enum fcgi_got got;
		bool sent;

		if (fresh)
			fd = fcgi_connect(c->server->path);
		sent = fcgi_send(fd, b.p, b.n);
		got = sent ? test_server_read(fd) : FCGI_GOT_RESET;
		/* A request that was written completely must be answered, on a
		 * kept connection, too. */
		if (got == FCGI_GOT_ANSWER)
			c->answered++;
		else if (fresh || sent)
			c->failed = got;
		else
			c->retried++;
		if (got != FCGI_GOT_ANSWER || !c->keep) {
			(void)close(fd);
			fd = -1;
		}
	}
	if (fd >= 0)
		(void)close(fd);
	bytes_free(&b);
	return NULL;
}

/* The sockets stay, as with a service manager, and no request is lost. */
START_TEST(drain_loses_no_request)
{
	struct test_server s;
	struct client clients[6];
	atomic_bool end = false;
	size_t answered = 0;

	test_server_begin(&s, 3, _i == 1);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		clients[i] = (struct client){ .server = &s,
					      .keep = i % 2 == 0,
					      .end = &end,
					      .failed = FCGI_GOT_ANSWER };
		ck_assert_int_eq(pthread_create(&clients[i].thread, NULL,
						run_client, &clients[i]),
				 0);
	}
	for (int i = 0; i < 25; i++) {
		(void)poll(NULL, 0, 10);
		test_server_stop(&s, 1000, HANG_MS);
		test_server_start(&s);
	}
	atomic_store(&end, true);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		ck_assert_int_eq(pthread_join(clients[i].thread, NULL), 0);
		ck_assert_msg(clients[i].failed == FCGI_GOT_ANSWER,
			      "client %zu fails with %d after %zu answers", i,
			      clients[i].failed, clients[i].answered);
		answered += clients[i].answered;
	}
	ck_assert_uint_gt(answered, 100);
	ck_assert_uint_ge(s.handled, answered);
	test_server_end(&s);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("drain");

	label_loops(test_server_label);
	tcase_add_loop_test(t, drain_closes_idle_connections, 0, 2);
	tcase_add_loop_test(t, drain_answers_current_requests, 0, 2);
	tcase_add_loop_test(t, drain_waits_for_requests, 0, 2);
	tcase_add_loop_test(t, drain_answers_requests_that_wait, 0, 2);
	tcase_add_loop_test(t, drain_has_a_time_limit, 0, 2);
	tcase_add_loop_test(t, drain_loses_no_request, 0, 2);
	return run_case(t);
}
