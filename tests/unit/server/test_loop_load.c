/* SPDX-License-Identifier: MIT */
/* server/loop: deadlines, many connections, a full table. */
#include "server/loop.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "tests/support/run.h"
#include "tests/support/test_server.h"

static bool
someone_timed_out(struct test_server *s)
{
	return test_server_counts(s).timeouts > 0;
}

static bool
one_was_accepted(struct test_server *s)
{
	return test_server_counts(s).accepted > 0;
}

/* One of two connections is left. */
static bool
one_is_left(struct test_server *s)
{
	struct loop_counts counts = test_server_counts(s);

	return counts.accepted == 2 && counts.connections == 1;
}

#define MANY 5000
#define HALF 64

START_TEST(many_connections_are_served)
{
	static int fds[MANY + HALF];
	struct test_server s;
	struct rlimit r;
	size_t n = MANY;

	test_server_begin(&s, 4, _i == 1);
	/* loop_start() has raised the limit, and each connection has both ends
	 * in this process. */
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	ck_assert_uint_eq(r.rlim_cur, r.rlim_max);
	if (r.rlim_max < 2 * (MANY + HALF) + 100)
		n = r.rlim_max / 2 - HALF - 100;
	for (size_t i = 0; i < n; i++)
		fds[i] = test_server_idle(&s);
	for (size_t i = 0; i < HALF; i++)
		fds[n + i] = test_server_half_sent(&s);
	test_server_must_answer(&s);
	test_server_must_have_all_workers(&s);
	loop_tick(s.loop);
	ck_assert_uint_ge(test_server_counts(&s).connections, n + HALF);
	for (size_t i = 0; i < n; i += 50) {
		test_server_send(fds[i],
				 &(struct fcgi_request){ .keep = true });
		ck_assert_int_eq(test_server_read(fds[i]), FCGI_GOT_ANSWER);
	}
	for (size_t i = 0; i < n + HALF; i++)
		(void)close(fds[i]);
	ck_assert(test_server_wait(&s, test_server_is_empty));
	test_server_end(&s);
}
END_TEST

/* Each byte comes in time, but the whole request does not. */
START_TEST(slow_peer_times_out)
{
	struct test_server s;
	struct bytes b = { .p = NULL };
	struct pollfd pfd = { .events = POLLIN };
	size_t sent = 0;

	test_server_init(&s, 2);
	s.tries = _i == 1;
	test_server_fake_clock(&s);
	s.config.request_ms = 100;
	test_server_start(&s);
	fcgi_request(&b, &(struct fcgi_request){ .body = BAD_BODY });
	pfd.fd = test_server_connect(&s);
	while (sent < b.n && fcgi_send(pfd.fd, b.p + sent, 1) &&
	       poll(&pfd, 1, 5) == 0) {
		sent++;
		fake_env_advance_ms(&s.fake, 5);
		loop_tick(s.loop);
	}
	ck_assert_uint_ge(sent, 100 / 5);
	ck_assert_uint_lt(sent, b.n);
	ck_assert(test_server_wait(&s, test_server_is_empty));
	ck_assert_uint_eq(test_server_counts(&s).timeouts, 1);
	ck_assert_uint_eq(test_server_counts(&s).requests, 0);
	(void)close(pfd.fd); /* it is closed at the other end */
	bytes_free(&b);
	test_server_end(&s);
}
END_TEST

/* A silent connection is closed before and after its first request, and this
 * counts as no time-out. */
START_TEST(idle_connections_are_closed)
{
	struct test_server s;
	int silent, kept;

	test_server_init(&s, 2);
	s.tries = _i == 1;
	s.config.idle_ms = 50;
	s.config.request_ms = 1000;
	test_server_start(&s);
	silent = test_server_connect(&s);
	kept = test_server_idle(&s);
	ck_assert(test_server_wait(&s, one_was_accepted));
	ck_assert(test_server_wait(&s, test_server_is_empty));
	ck_assert_int_eq(test_server_read(silent), FCGI_GOT_EOF);
	ck_assert_int_eq(test_server_read(kept), FCGI_GOT_EOF);
	ck_assert_uint_eq(test_server_counts(&s).timeouts, 0);
	(void)close(silent); /* closed at the other end */
	(void)close(kept);
	test_server_end(&s);
}
END_TEST

/* A peer that never sent a request gets no more time than one request. */
START_TEST(silent_peer_is_closed)
{
	struct test_server s;
	int silent, kept;

	test_server_init(&s, 2);
	s.tries = _i == 1;
	s.config.request_ms = 500;
	s.config.idle_ms = HANG_MS;
	test_server_start(&s);
	kept = test_server_idle(&s);
	silent = test_server_connect(&s);
	ck_assert(test_server_wait(&s, one_is_left));
	ck_assert_int_eq(test_server_read(silent), FCGI_GOT_EOF);
	ck_assert_uint_eq(test_server_counts(&s).timeouts, 0);
	test_server_send(kept, &(struct fcgi_request){ .keep = true });
	ck_assert_int_eq(test_server_read(kept), FCGI_GOT_ANSWER);
	(void)close(silent); /* closed at the other end */
	(void)close(kept);
	test_server_end(&s);
}
END_TEST

START_TEST(unread_answer_times_out)
{
	struct test_server s;
	int fd;

	test_server_init(&s, 1);
	s.tries = _i == 1;
	s.config.write_ms = 100;
	test_server_start(&s);
	fd = test_server_connect(&s);
	test_server_send(fd, &(struct fcgi_request){ .keep = true,
						     .name = "DO",
						     .value = "size:1000000" });
	ck_assert(test_server_wait(&s, someone_timed_out));
	ck_assert(test_server_wait(&s, test_server_is_empty));
	ck_assert_int_eq(test_server_read(fd), FCGI_GOT_CUT);
	(void)close(fd); /* closed at the other end */
	test_server_must_answer(&s);
	test_server_end(&s);
}
END_TEST

static uint64_t
number_handled(struct test_server *s)
{
	uint64_t handled;

	pthread_mutex_lock(&s->lock);
	handled = s->handled;
	pthread_mutex_unlock(&s->lock);
	return handled;
}

static bool
one_was_handled(struct test_server *s)
{
	return number_handled(s) == 1;
}

static bool
two_were_handled(struct test_server *s)
{
	return number_handled(s) == 2;
}

/* A peer that takes two answers, each within the time for one. */
START_TEST(each_answer_has_its_own_time)
{
	const struct fcgi_request r = { .keep = true,
					.name = "DO",
					.value = "size:1000000" };
	struct test_server s;
	struct bytes b = { .p = NULL };
	int fd;

	test_server_init(&s, 1);
	s.tries = _i == 1;
	test_server_fake_clock(&s);
	s.config.write_ms = s.config.request_ms = 1000;
	test_server_start(&s);
	fd = test_server_connect(&s);
	fcgi_request(&b, &r);
	fcgi_request(&b, &r);
	ck_assert(fcgi_send(fd, b.p, b.n));
	ck_assert(test_server_wait(&s, one_was_handled));
	for (int i = 0; i < 2; i++) {
		fake_env_advance_ms(&s.fake, 999);
		/* The answer may be ready, but not yet be waited for. */
		for (int ticks = 0; ticks < 50; ticks++) {
			loop_tick(s.loop);
			(void)poll(NULL, 0, 1); /* waits */
		}
		ck_assert_int_eq(test_server_read(fd), FCGI_GOT_ANSWER);
		ck_assert(test_server_wait(&s, two_were_handled));
	}
	ck_assert_uint_eq(test_server_counts(&s).timeouts, 0);
	(void)close(fd);
	bytes_free(&b);
	test_server_end(&s);
}
END_TEST

/* After a refusal the rest of the input is read for a limited time, and by no
 * worker. */
START_TEST(refused_connection_is_closed)
{
	struct test_server s;
	int fd;

	test_server_begin(&s, 1, _i == 1);
	fd = test_server_connect(&s);
	ck_assert(fcgi_send(fd, "GET / HTTP/1.0\r\n\r\n", 18));
	ck_assert_int_eq(test_server_read(fd), FCGI_GOT_EOF);
	test_server_must_answer(&s);
	ck_assert(test_server_wait(&s, test_server_is_empty));
	ck_assert_uint_eq(test_server_counts(&s).timeouts, 0);
	(void)close(fd); /* closed at the other end */
	test_server_end(&s);
}
END_TEST

#define CROWD 40
#define ROOM  10

/* Makes CROWD sockets, and leaves room for ROOM more descriptors. */
static void
leave_room(int fds[CROWD])
{
	struct rlimit r;
	int highest = 0;

	for (int i = 0; i < CROWD; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ck_assert_int_ge(fds[i], 0);
		highest = fds[i] > highest ? fds[i] : highest;
	}
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	r.rlim_cur = (rlim_t)highest + 1 + ROOM;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
}

/* There is room for ROOM connections, and CROWD peers want one and keep it. */
START_TEST(full_table_serves_all_peers)
{
	struct test_server s;
	int fds[CROWD], answers = 0;
	uint64_t ticks = 1;

	test_server_begin(&s, 2, _i == 1);
	leave_room(fds);
	for (int i = 0; i < CROWD; i++) {
		ck_assert(fcgi_connect_with(fds[i], s.path));
		test_server_send(fds[i],
				 &(struct fcgi_request){ .keep = true });
	}
	/* The connections that were idle longest are closed for those that
	 * wait. */
	for (int i = 0; i < CROWD; i++) {
		struct pollfd pfd = { .fd = fds[i], .events = POLLIN };

		while (poll(&pfd, 1, 5) == 0) {
			loop_tick(s.loop);
			ticks++;
			ck_assert_uint_lt(ticks, HANG_MS / 5);
		}
		answers += test_server_read(fds[i]) == FCGI_GOT_ANSWER ? 1 : 0;
	}
	ck_assert_int_eq(answers, CROWD);
	ck_assert_uint_ge(test_server_counts(&s).full, 1);
	/* The workers do not spin: each counts at most once between two ticks
	 * or two closed connections. */
	ck_assert_uint_le(test_server_counts(&s).full, 2 * (ticks + CROWD));
	for (int i = 0; i < CROWD; i++)
		(void)close(fds[i]);
	ck_assert(test_server_wait(&s, test_server_is_empty));
	loop_tick(s.loop); /* the service listens again */
	test_server_must_have_all_workers(&s);
	test_server_end(&s);
}
END_TEST

/* The first peer sends a request and keeps its connection, and the last sends
 * one. The others send nothing or half a request. */
START_TEST(silent_peers_make_room)
{
	struct test_server s;
	int fds[CROWD];
	struct pollfd last = { .events = POLLIN };

	test_server_begin(&s, 2, _i == 1);
	leave_room(fds);
	ck_assert(fcgi_connect_with(fds[0], s.path));
	test_server_send(fds[0], &(struct fcgi_request){ .keep = true });
	ck_assert_int_eq(test_server_read(fds[0]), FCGI_GOT_ANSWER);
	for (int i = 1; i < CROWD - 1; i++) {
		ck_assert(fcgi_connect_with(fds[i], s.path));
		/* The service may have closed it already, which is the
		 * purpose. */
		(void)fcgi_send(fds[i], "\1\1\0", i % 2 == 0 ? 3 : 0);
	}
	last.fd = fds[CROWD - 1];
	ck_assert(fcgi_connect_with(last.fd, s.path));
	test_server_send(last.fd, &(struct fcgi_request){ .keep = false });
	for (int i = 0; poll(&last, 1, 5) == 0; i++) {
		ck_assert_int_lt(i, HANG_MS / 5);
		loop_tick(s.loop);
	}
	ck_assert_int_eq(test_server_read(last.fd), FCGI_GOT_ANSWER);
	test_server_send(fds[0], &(struct fcgi_request){ .keep = true });
	ck_assert_int_eq(test_server_read(fds[0]), FCGI_GOT_ANSWER);
	for (int i = 0; i < CROWD; i++)
		(void)close(fds[i]);
	ck_assert(test_server_wait(&s, test_server_is_empty));
	test_server_end(&s);
}
END_TEST

#define STUCK_MS 150

static bool
none_is_at_work(struct test_server *s)
{
	return loop_longest_task(s->loop) == 0;
}

/* A worker that waits for work is not busy. A worker that works does not hide
 * another one that is stuck. */
START_TEST(longest_task_is_measured)
{
	struct test_server s;
	int fd, idle;

	test_server_init(&s, 3);
	s.tries = _i == 1;
	test_server_fake_clock(&s);
	test_server_start(&s);
	idle = test_server_idle(&s);
	ck_assert(test_server_wait(&s, none_is_at_work));
	fake_env_advance_ms(&s.fake, 2 * STUCK_MS);
	ck_assert(test_server_wait(&s, none_is_at_work));
	fd = test_server_connect(&s);
	test_server_send(fd, &(struct fcgi_request){ .name = "DO",
						     .value = "gate" });
	ck_assert(test_server_wait(&s, test_server_is_at_gate));
	ck_assert_int_eq(loop_longest_task(s.loop), 0);
	for (int64_t ms = 1; ms <= STUCK_MS; ms++) {
		fake_env_advance_ms(&s.fake, 1);
		test_server_send(idle, &(struct fcgi_request){ .keep = true });
		ck_assert_int_eq(test_server_read(idle), FCGI_GOT_ANSWER);
		ck_assert_int_eq(loop_longest_task(s.loop), ms);
	}
	test_server_open_gate(&s);
	ck_assert_int_eq(test_server_read(fd), FCGI_GOT_ANSWER);
	ck_assert(test_server_wait(&s, none_is_at_work));
	(void)close(fd);
	(void)close(idle);
	test_server_end(&s);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("load");

	label_loops(test_server_label);
	tcase_add_loop_test(t, many_connections_are_served, 0, 2);
	tcase_add_loop_test(t, slow_peer_times_out, 0, 2);
	tcase_add_loop_test(t, idle_connections_are_closed, 0, 2);
	tcase_add_loop_test(t, unread_answer_times_out, 0, 2);
	tcase_add_loop_test(t, each_answer_has_its_own_time, 0, 2);
	tcase_add_loop_test(t, refused_connection_is_closed, 0, 2);
	tcase_add_loop_test(t, full_table_serves_all_peers, 0, 2);
	tcase_add_loop_test(t, silent_peer_is_closed, 0, 2);
	tcase_add_loop_test(t, silent_peers_make_room, 0, 2);
	tcase_add_loop_test(t, longest_task_is_measured, 0, 2);
	return run_case(t);
}
