/* SPDX-License-Identifier: MIT */
/* server/loop_pool: the queue of requests that wait for a worker: its order,
 * its deadline, and the end of the loop. */
#include "server/loop.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "server/connection.h"

#include "tests/support/run.h"
#include "tests/support/test_server.h"

#define WAITING	   6
#define REQUEST_MS 1000

static struct test_server s;
static int busy, waiting[WAITING];

/* Starts a server with one worker, which is blocked. */
static void
begin(void)
{
	test_server_init(&s, 1);
	test_server_fake_clock(&s);
	s.tries = true;
	s.config.request_ms = REQUEST_MS;
	test_server_start(&s);
	busy = test_server_idle(&s);
	test_server_send(busy, &(struct fcgi_request){ .keep = true,
						       .name = "DO",
						       .value = "gate" });
	ck_assert(test_server_wait(&s, test_server_is_at_gate));
}

static size_t
queue_length(void)
{
	struct pool *p = &s.loop->pool;
	size_t n = 0;

	pthread_mutex_lock(&p->lock);
	for (struct connection *c = p->queue.first; c != NULL; c = c->queued)
		n++;
	pthread_mutex_unlock(&p->lock);
	return n;
}

static bool
pool_has_ended(void)
{
	struct pool *p = &s.loop->pool;
	bool yes;

	pthread_mutex_lock(&p->lock);
	yes = p->ended;
	pthread_mutex_unlock(&p->lock);
	return yes;
}

/* Lets requests wait for the worker, on kept and on new connections. */
static void
wait_for_worker(void)
{
	for (size_t i = 0; i < WAITING; i++) {
		waiting[i] =
		    i % 2 == 0 ? test_server_idle(&s) : test_server_connect(&s);
		test_server_send(waiting[i],
				 &(struct fcgi_request){ .keep = true,
							 .name = "DO",
							 .value = "pool",
							 .body = i + 1 });
		while (queue_length() <= i)
			(void)poll(NULL, 0, 1);
	}
}

static void
close_all(void)
{
	(void)close(busy); /* closed at the other end, or done */
	for (size_t i = 0; i < WAITING; i++)
		(void)close(waiting[i]);
}

START_TEST(order_of_arrival_is_kept)
{
	uint64_t before;

	begin();
	wait_for_worker();
	before = s.handled;
	test_server_open_gate(&s);
	ck_assert_int_eq(test_server_read(busy), FCGI_GOT_ANSWER);
	for (size_t i = 0; i < WAITING; i++)
		ck_assert_int_eq(test_server_read(waiting[i]), FCGI_GOT_ANSWER);
	for (size_t i = 0; i < WAITING; i++)
		ck_assert_uint_eq(s.bodies[before + i], i + 1);
	close_all();
	ck_assert(test_server_wait(&s, test_server_is_empty));
	test_server_end(&s);
}
END_TEST

static bool
one_is_left(struct test_server *server)
{
	return test_server_counts(server).connections == 1;
}

/* Of the requests that waited for too long, the connections are closed, but not
 * that of the request that is handled. */
START_TEST(too_long_wait_ends_the_connection)
{
	begin();
	wait_for_worker();
	fake_env_advance_ms(&s.fake, REQUEST_MS - 1);
	loop_tick(s.loop);
	ck_assert_uint_eq(test_server_counts(&s).connections, 1 + WAITING);
	(void)close(waiting[0]); /* peers may disconnect before that */
	(void)close(waiting[1]);
	test_server_must_answer(&s);
	fake_env_advance_ms(&s.fake, 1);
	ck_assert(test_server_wait(&s, one_is_left));
	ck_assert_uint_eq(test_server_counts(&s).timeouts, WAITING);
	for (size_t i = 2; i < WAITING; i++)
		/* The answer would be an error, not an end. */
		ck_assert_int_eq(test_server_read(waiting[i]), FCGI_GOT_EOF);
	test_server_open_gate(&s);
	ck_assert_int_eq(test_server_read(busy), FCGI_GOT_ANSWER);
	test_server_must_have_all_workers(&s);
	(void)close(busy);
	for (size_t i = 2; i < WAITING; i++)
		(void)close(waiting[i]); /* closed at the other end */
	ck_assert(test_server_wait(&s, test_server_is_empty));
	test_server_end(&s);
}
END_TEST

/* The time that a request waited does not count for the next one. */
START_TEST(deadline_begins_anew)
{
	begin();
	wait_for_worker();
	fake_env_advance_ms(&s.fake, REQUEST_MS - 1);
	loop_tick(s.loop);
	test_server_open_gate(&s);
	for (size_t i = 0; i < WAITING; i++)
		ck_assert_int_eq(test_server_read(waiting[i]), FCGI_GOT_ANSWER);
	ck_assert_int_eq(test_server_read(busy), FCGI_GOT_ANSWER);
	fake_env_advance_ms(&s.fake, REQUEST_MS + 1);
	loop_tick(s.loop);
	for (size_t i = 0; i < WAITING; i++) {
		test_server_send(waiting[i],
				 &(struct fcgi_request){ .keep = true });
		ck_assert_int_eq(test_server_read(waiting[i]), FCGI_GOT_ANSWER);
	}
	ck_assert_uint_eq(test_server_counts(&s).timeouts, 0);
	close_all();
	test_server_end(&s);
}
END_TEST

struct stopper {
	pthread_t thread;
	int64_t limit_ms;
};

static void *
stop(void *arg)
{
	const struct stopper *st = arg;

	test_server_stop(&s, 0, st->limit_ms);
	return NULL;
}

/* Requests that wait when the loop begins to stop are answered. */
START_TEST(drain_answers_waiting_requests)
{
	struct stopper st = { .limit_ms = HANG_MS };
	int idle;

	begin();
	wait_for_worker();
	idle = test_server_idle(&s);
	ck_assert_int_eq(pthread_create(&st.thread, NULL, stop, &st), 0);
	/* The idle connection is closed when the drain begins. */
	ck_assert_int_eq(test_server_read(idle), FCGI_GOT_EOF);
	test_server_open_gate(&s);
	ck_assert_int_eq(test_server_read(busy), FCGI_GOT_ANSWER);
	ck_assert_int_eq(test_server_read(busy), FCGI_GOT_EOF);
	for (size_t i = 0; i < WAITING; i++) {
		ck_assert_int_eq(test_server_read(waiting[i]), FCGI_GOT_ANSWER);
		ck_assert_int_eq(test_server_read(waiting[i]), FCGI_GOT_EOF);
	}
	ck_assert_int_eq(pthread_join(st.thread, NULL), 0);
	(void)close(idle); /* closed at the other end */
	close_all();
	test_server_end(&s);
}
END_TEST

/* At the end of the drain, what still waits is closed. The request that is
 * handled is waited for. */
START_TEST(drain_ends_with_waiting_requests)
{
	struct stopper st = { .limit_ms = 0 };

	begin();
	wait_for_worker();
	ck_assert_int_eq(pthread_create(&st.thread, NULL, stop, &st), 0);
	/* The worker ends after this request. */
	while (!pool_has_ended())
		(void)poll(NULL, 0, 1);
	test_server_open_gate(&s);
	ck_assert_int_eq(test_server_read(busy), FCGI_GOT_ANSWER);
	ck_assert_int_eq(pthread_join(st.thread, NULL), 0);
	for (size_t i = 0; i < WAITING; i++)
		ck_assert_int_ne(test_server_read(waiting[i]), FCGI_GOT_ANSWER);
	close_all();
	test_server_end(&s);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("pool_waits");

	tcase_add_test(t, order_of_arrival_is_kept);
	tcase_add_test(t, too_long_wait_ends_the_connection);
	tcase_add_test(t, deadline_begins_anew);
	tcase_add_test(t, drain_answers_waiting_requests);
	tcase_add_test(t, drain_ends_with_waiting_requests);
	return run_case(t);
}
