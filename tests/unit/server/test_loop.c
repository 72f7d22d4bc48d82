/* SPDX-License-Identifier: MIT */
/* server/loop and server/fcgi on real sockets: valid and invalid input of
 * peers. */
#include "server/loop.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "tests/support/run.h"
#include "tests/support/test_server.h"

static struct fcgi_answer
read_answer(int fd)
{
	struct fcgi_answer a = { .n = 0 };

	ck_assert_int_eq(fcgi_read(fd, HANG_MS, &a), FCGI_GOT_ANSWER);
	ck_assert_uint_eq(a.protocol_status, 0);
	return a;
}

static void
must_be_closed(int fd)
{
	struct fcgi_answer a;

	ck_assert_int_eq(fcgi_read(fd, HANG_MS, &a), FCGI_GOT_EOF);
	(void)close(fd); /* nothing more is sent */
}

START_TEST(malformed_requests_end_the_connection)
{
	struct test_server s;

	test_server_begin(&s, 2, _i == 1);
	for (size_t i = 0; i < fcgi_nbad; i++) {
		struct bytes b = { .p = NULL };
		struct fcgi_answer a;
		enum fcgi_got got;
		int fd = test_server_connect(&s);

		fcgi_bad[i].build(&b);
		/* The service may close the connection before all is sent. */
		(void)fcgi_send(fd, b.p, b.n);
		got = fcgi_read(fd, HANG_MS, &a);
		ck_assert_msg(got == FCGI_GOT_EOF || got == FCGI_GOT_RESET,
			      "row %zu (%s): the connection stays open: %d", i,
			      fcgi_bad[i].name, got);
		(void)close(fd); /* it is already closed */
		bytes_free(&b);
		test_server_must_answer(&s);
		ck_assert_msg(test_server_counts(&s).malformed == i + 1,
			      "row %zu (%s) is not counted as malformed", i,
			      fcgi_bad[i].name);
	}
	test_server_must_have_all_workers(&s);
	ck_assert_uint_eq(s.handled, fcgi_nbad + 2);
	ck_assert(test_server_wait(&s, test_server_is_empty));
	test_server_end(&s);
}
END_TEST

/* The peer disconnects after every byte of a request. */
START_TEST(incomplete_requests_are_dropped)
{
	struct test_server s;
	struct bytes b = { .p = NULL };

	test_server_begin(&s, 2, _i == 1);
	fcgi_request(&b, &(struct fcgi_request){ .body = 3 });
	for (size_t n = 0; n < b.n; n++) {
		int fd = test_server_connect(&s);

		ck_assert(fcgi_send(fd, b.p, n));
		ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
		must_be_closed(fd);
	}
	bytes_free(&b);
	ck_assert_uint_eq(s.handled, 0);
	test_server_must_answer(&s);
	test_server_must_have_all_workers(&s);
	test_server_end(&s);
}
END_TEST

/* Complete requests are answered although the peer has shut down its side. */
START_TEST(half_closed_connection_is_answered)
{
	struct test_server s;
	int fd;

	test_server_begin(&s, 1, _i == 1);
	fd = test_server_connect(&s);
	test_server_send(fd, &(struct fcgi_request){ .keep = true });
	test_server_send(fd, &(struct fcgi_request){ .keep = true });
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	(void)read_answer(fd);
	(void)read_answer(fd);
	must_be_closed(fd);
	test_server_end(&s);
}
END_TEST

START_TEST(request_may_come_byte_by_byte)
{
	struct test_server s;
	struct bytes b = { .p = NULL };
	int fd;

	test_server_begin(&s, 2, _i == 1);
	fcgi_request(&b, &(struct fcgi_request){ .body = 100 });
	fd = test_server_connect(&s);
	for (size_t i = 0; i < b.n; i++)
		ck_assert(fcgi_send(fd, b.p + i, 1));
	ck_assert_ptr_nonnull(strstr(read_answer(fd).text, "Body: 100 good"));
	must_be_closed(fd);
	bytes_free(&b);
	test_server_end(&s);
}
END_TEST

/* The smallest records, padding, and sizes at the limits. */
START_TEST(extreme_requests_are_answered)
{
	static const struct {
		size_t params, body, chunk;
		uint8_t padding;
	} rows[] = {
		{ 100, 0, 1, 255 },
		{ 100, 100, 1, 255 },
		{ BAD_PARAMS, 0, 65535, 0 },
		{ BAD_PARAMS, 0, 100, 7 },
		{ 100, BAD_BODY, 65535, 0 },
		{ 100, BAD_BODY, 13, 1 },
		{ BAD_PARAMS, BAD_BODY, 1, 1 },
	};
	struct test_server s;

	test_server_begin(&s, 2, _i == 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes b = { .p = NULL }, params = { .p = NULL };
		struct bytes value = { .p = NULL }, body = { .p = NULL };
		char expected[32];
		int fd = test_server_connect(&s);

		bytes_fill(&value, 'v', rows[i].params - 9);
		bytes_fill(&body, 'b', rows[i].body);
		fcgi_pair(&params, STR("N"),
			  (struct str){ .p = value.p, .n = value.n }, true);
		fcgi_begin(&b, 1, FCGI_R_RESPONDER, true);
		fcgi_stream(&b, FCGI_T_PARAMS, 1, &params, rows[i].chunk,
			    rows[i].padding);
		fcgi_stream(&b, FCGI_T_STDIN, 1, &body, rows[i].chunk,
			    rows[i].padding);
		ck_assert(fcgi_send(fd, b.p, b.n));
		(void)snprintf(expected, sizeof(expected), "Body: %zu good",
			       rows[i].body);
		ck_assert_msg(strstr(read_answer(fd).text, expected) != NULL,
			      "row %zu", i);
		(void)close(fd);
		bytes_free(&b);
		bytes_free(&params);
		bytes_free(&value);
		bytes_free(&body);
	}
	test_server_end(&s);
}
END_TEST

START_TEST(too_large_body_is_skipped)
{
	struct test_server s;
	struct fcgi_answer a;
	int fd;

	test_server_begin(&s, 2, _i == 1);
	fd = test_server_connect(&s);
	for (int i = 0; i < 2; i++) {
		test_server_send(fd, &(struct fcgi_request){ .keep = true,
							     .body = 900000 });
		a = read_answer(fd);
		ck_assert_ptr_nonnull(strstr(a.text, "Body: 0 good\r\n"
						     "Large: 1"));
		/* The whole body was read from the connection. */
		test_server_send(fd, &(struct fcgi_request){ .keep = true,
							     .body = 5 });
		a = read_answer(fd);
		ck_assert_ptr_nonnull(strstr(a.text, "Body: 5 good\r\n"
						     "Large: 0"));
	}
	(void)close(fd);
	test_server_end(&s);
}
END_TEST

START_TEST(limit_of_the_body_may_change)
{
	struct test_server s;
	int fd;

	test_server_begin(&s, 1, _i == 1);
	fd = test_server_connect(&s);
	for (int i = 0; i < 2; i++) {
		loop_set_body_limit(s.loop, 50);
		test_server_send(fd, &(struct fcgi_request){ .keep = true,
							     .body = 60 });
		ck_assert_ptr_nonnull(strstr(read_answer(fd).text, "Large: 1"));
		loop_set_body_limit(s.loop, 70);
		test_server_send(fd, &(struct fcgi_request){ .keep = true,
							     .body = 60 });
		ck_assert_ptr_nonnull(strstr(read_answer(fd).text,
					     "Body: 60 good\r\nLarge: 0"));
	}
	(void)close(fd);
	test_server_end(&s);
}
END_TEST

START_TEST(pipelined_requests_are_answered)
{
	struct test_server s;
	struct bytes b = { .p = NULL };
	int fd;

	test_server_begin(&s, 2, _i == 1);
	for (uint16_t id = 1; id <= 40; id++)
		fcgi_request(&b, &(struct fcgi_request){
				     .id = id, .keep = id < 40, .body = id });
	fd = test_server_connect(&s);
	ck_assert(fcgi_send(fd, b.p, b.n));
	for (uint16_t id = 1; id <= 40; id++) {
		struct fcgi_answer a = read_answer(fd);
		char expected[32];

		ck_assert_uint_eq(a.id, id);
		(void)snprintf(expected, sizeof(expected), "Body: %u good", id);
		ck_assert_ptr_nonnull(strstr(a.text, expected));
	}
	must_be_closed(fd);
	bytes_free(&b);
	test_server_end(&s);
}
END_TEST

START_TEST(connections_are_kept)
{
	struct test_server s;
	struct loop_counts c;
	int fd;

	test_server_begin(&s, 2, _i == 1);
	fd = test_server_connect(&s);
	for (uint16_t i = 1; i <= 100; i++) {
		test_server_send(fd, &(struct fcgi_request){ .id = i,
							     .keep = true });
		ck_assert_uint_eq(read_answer(fd).id, i);
	}
	c = test_server_counts(&s);
	ck_assert_uint_eq(c.accepted, 1);
	ck_assert_uint_eq(c.requests, 100);
	ck_assert_uint_eq(c.connections, 1);
	test_server_send(fd, &(struct fcgi_request){ .keep = false });
	(void)read_answer(fd);
	must_be_closed(fd);
	ck_assert(test_server_wait(&s, test_server_is_empty));
	test_server_end(&s);
}
END_TEST

/* The end of STDIN comes with the request, after the answer, or not at all. */
START_TEST(authorizer_requests_are_answered)
{
	struct test_server s;
	struct bytes end = { .p = NULL };

	test_server_begin(&s, 2, _i == 1);
	fcgi_record(&end, FCGI_T_STDIN, 1, NULL, 0, 0);
	for (int keep = 0; keep <= 1; keep++) {
		for (int how = 0; how < 3; how++) {
			const struct fcgi_request q = { .authorizer = true,
							.keep = keep == 1 };
			int fd = test_server_connect(&s);

			for (int i = 0; i <= keep; i++) {
				test_server_send(fd, &q);
				if (how == 1)
					ck_assert(fcgi_send(fd, end.p, end.n));
				ck_assert_ptr_nonnull(strstr(
				    read_answer(fd).text, "Authorizer: 1"));
				if (how == 2 && keep == 1)
					ck_assert(fcgi_send(fd, end.p, end.n));
			}
			if (keep == 0)
				must_be_closed(fd);
			else
				(void)close(fd);
		}
	}
	bytes_free(&end);
	ck_assert(test_server_wait(&s, test_server_is_empty));
	ck_assert_uint_eq(test_server_counts(&s).malformed, 0);
	test_server_end(&s);
}
END_TEST

/* A peer that still sends when it is answered gets the answer and no reset. */
START_TEST(answer_comes_before_a_reset)
{
	struct test_server s;
	struct bytes end = { .p = NULL };

	test_server_begin(&s, 2, _i == 1);
	fcgi_record(&end, FCGI_T_STDIN, 1, NULL, 0, 0);
	for (int i = 0; i < 50; i++) {
		struct pollfd pfd = { .fd = test_server_connect(&s),
				      .events = POLLIN };

		test_server_send(pfd.fd,
				 &(struct fcgi_request){ .authorizer = true });
		ck_assert_int_eq(poll(&pfd, 1, HANG_MS), 1);
		ck_assert(fcgi_send(pfd.fd, end.p, end.n));
		(void)read_answer(pfd.fd);
		must_be_closed(pfd.fd);
	}
	bytes_free(&end);
	test_server_end(&s);
}
END_TEST

START_TEST(missing_answer_closes_the_connection)
{
	struct test_server s;
	int fd;

	test_server_begin(&s, 2, _i == 1);
	fd = test_server_connect(&s);
	test_server_send(fd, &(struct fcgi_request){ .keep = true,
						     .name = "DO",
						     .value = "nothing" });
	must_be_closed(fd);
	/* An answer that is too large is not sent in part: the connection is
	 * closed. */
	fd = test_server_connect(&s);
	test_server_send(fd,
			 &(struct fcgi_request){ .keep = true,
						 .name = "DO",
						 .value = "size:99000000" });
	must_be_closed(fd);
	test_server_must_answer(&s);
	test_server_must_have_all_workers(&s);
	test_server_end(&s);
}
END_TEST

/* Answers that are larger than a socket buffer, for a peer that reads late. */
START_TEST(large_answers_are_sent)
{
	struct test_server s;
	struct fcgi_answer a;
	int fd;

	test_server_begin(&s, 1, _i == 1);
	fd = test_server_connect(&s);
	for (int i = 0; i < 3; i++)
		test_server_send(fd, &(struct fcgi_request){
					 .keep = i < 2,
					 .name = "DO",
					 .value = "size:1000000" });
	/* The only worker is free while the answer waits. */
	test_server_must_answer(&s);
	for (int i = 0; i < 3; i++) {
		a = read_answer(fd);
		ck_assert_uint_gt(a.n, 1000000);
		ck_assert_uint_lt(a.n, 1000200);
	}
	must_be_closed(fd);
	test_server_end(&s);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("loop");

	label_loops(test_server_label);
	tcase_add_loop_test(t, malformed_requests_end_the_connection, 0, 2);
	tcase_add_loop_test(t, incomplete_requests_are_dropped, 0, 2);
	tcase_add_loop_test(t, half_closed_connection_is_answered, 0, 2);
	tcase_add_loop_test(t, request_may_come_byte_by_byte, 0, 2);
	tcase_add_loop_test(t, extreme_requests_are_answered, 0, 2);
	tcase_add_loop_test(t, too_large_body_is_skipped, 0, 2);
	tcase_add_loop_test(t, limit_of_the_body_may_change, 0, 2);
	tcase_add_loop_test(t, pipelined_requests_are_answered, 0, 2);
	tcase_add_loop_test(t, connections_are_kept, 0, 2);
	tcase_add_loop_test(t, authorizer_requests_are_answered, 0, 2);
	tcase_add_loop_test(t, answer_comes_before_a_reset, 0, 2);
	tcase_add_loop_test(t, missing_answer_closes_the_connection, 0, 2);
	tcase_add_loop_test(t, large_answers_are_sent, 0, 2);
	return run_case(t);
}
