/* SPDX-License-Identifier: MIT */
/* server/loop_parking: requests that wait for a hash slot occupy no worker, in
 * any order of arrival, and also when clients disconnect meanwhile. */
#include "server/loop.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/hash_slots.h"
#include "tests/support/run.h"
#include "tests/support/test_server.h"

#define WAITING	   16
#define REQUEST_MS 1000

static struct test_server s;
static struct hash_place ours; /* has the only slot */

static const struct hash_claim claim = { .network = 1,
					 .account = 1,
					 .account_max = 1 };

static void
take_ours(void)
{
	ours = (struct hash_place){ .wake = NULL };
	ck_assert_int_eq(hash_slots_take(s.config.slots, &ours, &claim, 0),
			 HASH_TAKEN);
}

/* Starts a server with one slot, which is taken. */
static void
begin(unsigned threads, int64_t wait_ms)
{
	test_server_init(&s, threads);
	s.config.request_ms = REQUEST_MS;
	s.config.slots = hash_slots_new(1, WAITING, wait_ms, 1);
	ck_assert_ptr_nonnull(s.config.slots);
	test_server_start(&s);
	take_ours();
}

static void
give_ours(void)
{
	hash_slots_give(s.config.slots, &ours);
}

/* No request has a slot or waits for one. */
static void
end(void)
{
	struct hash_slots_count n;

	test_server_end(&s);
	n = hash_slots_count(s.config.slots);
	ck_assert_uint_eq(n.running, 0);
	ck_assert_uint_eq(n.waiting, 0);
	hash_slots_free(s.config.slots);
}

static bool
one_waits(struct test_server *server)
{
	return hash_slots_count(server->config.slots).waiting == 1;
}

static bool
none_waits(struct test_server *server)
{
	return hash_slots_count(server->config.slots).waiting == 0;
}

static void
ask(int fd, const char *what)
{
	test_server_send(fd, &(struct fcgi_request){ .keep = true,
						     .name = "DO",
						     .value = what,
						     .body = 100 });
}

/* Opens a connection whose request waits. */
static int
parked(void)
{
	int fd = test_server_connect(&s);

	ask(fd, "slot");
	ck_assert(test_server_wait(&s, one_waits));
	return fd;
}

static void
must_answer(int fd, const char *text)
{
	struct fcgi_answer a;

	ck_assert_int_eq(fcgi_read(fd, HANG_MS, &a), FCGI_GOT_ANSWER);
	ck_assert_msg(strstr(a.text, text) != NULL, "the answer is %s", a.text);
}

START_TEST(waiting_request_holds_no_worker)
{
	int fd;

	begin(1, HANG_MS);
	fd = parked();
	for (int i = 0; i < 3; i++)
		test_server_must_answer(&s);
	give_ours();
	must_answer(fd, "Body: 100 good"); /* the same request */
	ck_assert_uint_eq(s.handled, 5);
	ck_assert_uint_eq(test_server_counts(&s).requests, 4);
	/* The connection may wait again. */
	take_ours();
	ask(fd, "slot");
	ck_assert(test_server_wait(&s, one_waits));
	test_server_must_answer(&s);
	give_ours();
	must_answer(fd, "Body: 100 good");
	ck_assert_uint_eq(s.handled, 8);
	(void)close(fd);
	end();
}
END_TEST

/* The time limit of a request starts again when its wait is over, so a busy
 * worker does not make the peer time out. */
START_TEST(wait_does_not_count_as_request_time)
{
	int fd, busy;

	begin(1, HANG_MS);
	fd = parked();
	(void)poll(NULL, 0, REQUEST_MS + 100);
	busy = test_server_connect(&s);
	ask(busy, "gate");
	ck_assert(test_server_wait(&s, test_server_is_at_gate));
	give_ours();
	loop_tick(s.loop);
	test_server_open_gate(&s);
	must_answer(fd, "Body: 100 good");
	must_answer(busy, "Body: 100 good");
	(void)close(fd);
	(void)close(busy);
	end();
}
END_TEST

/* Two requests are written at once, and the second waits for the first. */
START_TEST(pipelined_request_waits_for_the_first)
{
	int fd;

	begin(1, HANG_MS);
	fd = parked();
	ask(fd, "none");
	test_server_must_answer(&s);
	give_ours();
	must_answer(fd, "Body: 100 good");
	must_answer(fd, "Body: 100 good");
	(void)close(fd);
	end();
}
END_TEST

/* The wait ends before the worker has left the connection. */
START_TEST(wait_may_end_before_the_worker_leaves)
{
	int fd;

	begin(2, HANG_MS);
	fd = test_server_connect(&s);
	ask(fd, "slot gate");
	ck_assert(test_server_wait(&s, test_server_is_at_gate));
	ck_assert(one_waits(&s));
	give_ours();
	ck_assert(none_waits(&s));
	/* The other worker must not handle the request meanwhile. */
	test_server_must_answer(&s);
	test_server_must_answer(&s);
	ck_assert_uint_eq(s.handled, 3);
	test_server_open_gate(&s);
	must_answer(fd, "Body: 100 good");
	ck_assert_uint_eq(s.handled, 4);
	(void)close(fd);
	end();
}
END_TEST

/* A request that waited for too long gets 503. */
START_TEST(too_long_wait_gets_503)
{
	int fd;

	begin(1, 50);
	fd = test_server_connect(&s);
	ask(fd, "slot");
	ck_assert(test_server_wait(&s, one_waits));
	ck_assert(test_server_wait(&s, none_waits));
	must_answer(fd, "Status: 503");
	give_ours();
	ask(fd, "slot");
	must_answer(fd, "Body: 100 good");
	(void)close(fd);
	end();
}
END_TEST

/* The request of a peer that disconnects is still handled, and gives its slot
 * back. */
START_TEST(slot_of_a_disconnected_peer_is_given_back)
{
	begin(1, HANG_MS);
	for (int half = 0; half <= 1; half++) {
		int fd = parked();

		if (half == 1)
			ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
		else
			(void)close(fd); /* the peer disconnects */
		test_server_must_answer(&s);
		give_ours();
		if (half == 1) {
			must_answer(fd, "Body: 100 good");
			ck_assert_int_eq(test_server_read(fd), FCGI_GOT_EOF);
			(void)close(fd); /* closed at the other end */
		}
		ck_assert(test_server_wait(&s, test_server_is_empty));
		ck_assert_int_eq(hash_slots_take(s.config.slots, &ours, &claim,
						 0),
				 HASH_TAKEN);
	}
	give_ours();
	end();
}
END_TEST

static void *
stop(void *arg)
{
	(void)arg;
	test_server_stop(&s, HANG_MS, HANG_MS);
	return NULL;
}

/* A waiting request is answered before the loop ends. */
START_TEST(drain_answers_parked_requests)
{
	pthread_t thread;
	int fd, idle, half;

	begin(1, HANG_MS);
	idle = test_server_idle(&s);
	fd = parked();
	half = test_server_half_sent(&s);
	while (test_server_counts(&s).accepted < 3)
		(void)poll(NULL, 0, 1);
	ck_assert_int_eq(pthread_create(&thread, NULL, stop, NULL), 0);
	/* The idle connection is closed when the drain begins. */
	ck_assert_int_eq(test_server_read(idle), FCGI_GOT_EOF);
	give_ours();
	must_answer(fd, "Body: 100 good");
	ck_assert_int_eq(test_server_read(fd), FCGI_GOT_EOF);
	/* The loop must not end before this thread has woken the request. */
	(void)close(half);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	(void)close(fd); /* both are closed at the other end */
	(void)close(idle);
	end();
}
END_TEST

/* A request that still waits at the end of the drain leaves the queue. */
START_TEST(drain_ends_with_parked_requests)
{
	int fd;

	begin(1, HANG_MS);
	fd = parked();
	test_server_stop(&s, 0, 50);
	ck_assert(none_waits(&s));
	ck_assert_int_ne(test_server_read(fd), FCGI_GOT_ANSWER);
	(void)close(fd); /* closed at the other end */
	give_ours();
	end();
}
END_TEST

static void *
ask_often(void *arg)
{
	unsigned *answered = arg;
	struct fcgi_answer a;

	for (int i = 0; i < 100; i++) {
		int fd = test_server_connect(&s);

		ask(fd, i % 3 == 0 ? "none" : "slot");
		/* Every seventh client disconnects. */
		if (i % 7 != 0 && fcgi_read(fd, HANG_MS, &a) == FCGI_GOT_ANSWER)
			(*answered)++;
		(void)close(fd); /* answered, or disconnected */
	}
	return NULL;
}

/* Workers park requests while others resume them. */
START_TEST(parallel_requests_are_answered)
{
	pthread_t threads[6];
	unsigned answered[6] = { 0 };

	test_server_init(&s, 3);
	s.config.slots = hash_slots_new(1, WAITING, HANG_MS, 1);
	test_server_start(&s);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_often,
						&answered[i]),
				 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_uint_eq(answered[i], 85);
	}
	ck_assert(test_server_wait(&s, test_server_is_empty));
	end();
}
END_TEST

int
main(void)
{
	TCase *t = new_case("parking");

	tcase_add_test(t, waiting_request_holds_no_worker);
	tcase_add_test(t, wait_does_not_count_as_request_time);
	tcase_add_test(t, pipelined_request_waits_for_the_first);
	tcase_add_test(t, wait_may_end_before_the_worker_leaves);
	tcase_add_test(t, too_long_wait_gets_503);
	tcase_add_test(t, slot_of_a_disconnected_peer_is_given_back);
	tcase_add_test(t, drain_answers_parked_requests);
	tcase_add_test(t, drain_ends_with_parked_requests);
	tcase_add_test(t, parallel_requests_are_answered);
	return run_case(t);
}
