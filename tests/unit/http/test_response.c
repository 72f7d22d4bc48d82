/* SPDX-License-Identifier: MIT */
/* Answers and the HTML in them. */
#include "http/response.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "tests/support/run.h"

#define FAILED                                                                 \
	"Status: 500 Internal Server Error\r\n"                                \
	"Cache-Control: no-store\r\n\r\n"

static struct arena *arena;
static struct http_response res;

static void
setup(void)
{
	arena = arena_new(1024 * 1024);
	ck_assert_ptr_nonnull(arena);
	http_response_init(&res, arena);
	res.status = 200;
}

static void
teardown(void)
{
	arena_free(arena);
}

static void
check_written(bool head_only, const char *want)
{
	struct buf out;

	buf_init(&out, arena, 128 * 1024);
	http_response_write(&res, head_only, &out);
	ck_assert(!buf_failed(&out));
	ck_assert_msg(str_eq(buf_str(&out), str_from(want)),
		      "the answer is \"%.*s\", not \"%s\"",
		      STR_ARG(buf_str(&out)), want);
}

START_TEST(response_is_written)
{
	char name[] = "Content-Type", value[] = "text/plain";

	http_response_header(&res, name, str_from(value));
	name[0] = value[0] = 'X'; /* both were copied */
	http_response_header(&res, "Set-Cookie", STR("a=b"));
	http_response_header(&res, "Set-Cookie", STR("c=d"));
	http_response_header(&res, "Empty", STR(""));
	buf_add_cstr(&res.body, "hello");
	check_written(false,
		      "Status: 200 OK\r\nContent-Type: text/plain\r\n"
		      "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nEmpty: \r\n\r\n"
		      "hello");
	check_written(true,
		      "Status: 200 OK\r\nContent-Type: text/plain\r\n"
		      "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nEmpty: \r\n\r\n");
}
END_TEST

START_TEST(invalid_status_is_an_error)
{
	res.status = 0;
	buf_add_cstr(&res.body, "secret");
	check_written(false, FAILED);
	res.status = 299;
	check_written(false, FAILED);
	res.status = 204;
	check_written(true, "Status: 204 No Content\r\n\r\n");
}
END_TEST

static const char *const lines[] = {
	"200 OK",
	"204 No Content",
	"302 Found",
	"303 See Other",
	"307 Temporary Redirect",
	"400 Bad Request",
	"401 Unauthorized",
	"403 Forbidden",
	"404 Not Found",
	"405 Method Not Allowed",
	"413 Content Too Large",
	"415 Unsupported Media Type",
	"429 Too Many Requests",
	"500 Internal Server Error",
	"503 Service Unavailable",
};

START_TEST(status_has_its_reason)
{
	char want[64];

	(void)snprintf(want, sizeof(want), "Status: %s\r\n\r\n", lines[_i]);
	res.status = (unsigned)strtoul(lines[_i], NULL, 10);
	check_written(false, want);
}
END_TEST

static const struct {
	const char *name;
	struct str value;
	bool ok;
} headers[] = {
	{ "Remote-User", { "alice", 5 }, true },
	{ "X!#$%&'*+-.^_`|~9", { "v", 1 }, true },
	{ "Remote-Name", { "\xc3\xa9 \xff", 4 }, true },
	{ "A", { NULL, 0 }, true },
	{ "", { "v", 1 }, false },
	{ "A B", { "v", 1 }, false },
	{ "A:", { "v", 1 }, false },
	{ "A\r\nB", { "v", 1 }, false },
	{ "\xc3\xa9", { "v", 1 }, false },
	{ "A(b)", { "v", 1 }, false },
	{ "Status", { "200 OK", 6 }, false },
	{ "STATUS", { "200 OK", 6 }, false },
	{ "A", { "a\rb", 3 }, false },
	{ "A", { "a\nb", 3 }, false },
	{ "A", { "a\r\nSet-Cookie: x=y", 18 }, false },
	{ "A", { "a\0b", 3 }, false },
	{ "A", { "\n", 1 }, false },
	{ "A", { "\x1b[31m", 5 }, false },
	{ "A", { "\x7f", 1 }, false },
};

START_TEST(only_valid_headers_are_added)
{
	http_response_header(&res, "First", STR("1"));
	http_response_header(&res, headers[_i].name, headers[_i].value);
	http_response_header(&res, "Last", STR("1"));
	ck_assert_msg(res.failed == !headers[_i].ok, "row %d", _i);
	if (!headers[_i].ok)
		check_written(false, FAILED);
}
END_TEST

START_TEST(number_of_headers_is_bounded)
{
	for (size_t i = 0; i < RESPONSE_MAX_HEADERS; i++)
		http_response_header(&res, "A", STR("b"));
	ck_assert(!res.failed);
	http_response_header(&res, "A", STR("b"));
	ck_assert(res.failed);
	check_written(false, FAILED);
}
END_TEST

START_TEST(length_of_the_headers_is_bounded)
{
	static char value[RESPONSE_MAX_HEAD - sizeof("A: \r\nA: \r\n") + 1];

	memset(value, 'v', sizeof(value));
	http_response_header(&res, "A", (struct str){ value, sizeof(value) });
	http_response_header(&res, "A", STR(""));
	ck_assert(!res.failed && res.head.n == RESPONSE_MAX_HEAD);
	http_response_header(&res, "A", STR(""));
	ck_assert(res.failed);
	check_written(false, FAILED);
}
END_TEST

START_TEST(length_of_the_body_is_bounded)
{
	for (size_t i = 0; i < RESPONSE_MAX_BODY; i++)
		buf_add_char(&res.body, 'a');
	ck_assert(!buf_failed(&res.body));
	buf_add_char(&res.body, 'a');
	check_written(false, FAILED);
}
END_TEST

START_TEST(reset_drops_headers_and_body)
{
	http_response_header(&res, "Set-Cookie", STR("a=b"));
	http_response_header(&res, "Bad", STR("\n"));
	buf_add_cstr(&res.body, "secret");
	http_response_reset(&res, 503);
	http_response_header(&res, "Retry-After", STR("5"));
	check_written(false, "Status: 503 Service Unavailable\r\n"
			     "Retry-After: 5\r\n\r\n");
}
END_TEST

START_TEST(defaults_do_not_replace_headers)
{
	http_response_header(&res, "cache-control", STR("no-store"));
	http_response_default(&res, "Cache-Control", STR("public"));
	http_response_default(&res, "Vary", STR("Cookie"));
	http_response_default(&res, "Vary", STR("*"));
	/* Neither the beginning of a name nor a value is a name. */
	http_response_header(&res, "X-Long", STR("X-Value: 1"));
	http_response_default(&res, "X", STR("2"));
	http_response_default(&res, "X-Longer", STR("3"));
	http_response_default(&res, "X-Value", STR("4"));
	check_written(false, "Status: 200 OK\r\ncache-control: no-store\r\n"
			     "Vary: Cookie\r\nX-Long: X-Value: 1\r\nX: 2\r\n"
			     "X-Longer: 3\r\nX-Value: 4\r\n\r\n");
}
END_TEST

START_TEST(headers_fail_without_memory)
{
	struct buf out;

	http_response_header(&res, "A", STR("b"));
	arena_fail_after(arena, 0);
	buf_init(&out, arena, 1024);
	http_response_write(&res, false, &out);
	ck_assert(buf_failed(&out) && out.n == 0);
	ck_assert(!res.failed);
	http_response_init(&res, arena);
	http_response_header(&res, "A", STR("b"));
	ck_assert(res.failed && res.nheaders == 0);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("response");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, response_is_written);
	tcase_add_test(t, invalid_status_is_an_error);
	tcase_add_loop_test(t, status_has_its_reason, 0, ARRAY_LEN(lines));
	tcase_add_loop_test(t, only_valid_headers_are_added, 0,
			    ARRAY_LEN(headers));
	tcase_add_test(t, number_of_headers_is_bounded);
	tcase_add_test(t, length_of_the_headers_is_bounded);
	tcase_add_test(t, length_of_the_body_is_bounded);
	tcase_add_test(t, reset_drops_headers_and_body);
	tcase_add_test(t, defaults_do_not_replace_headers);
	tcase_add_test(t, headers_fail_without_memory);
	return run_case(t);
}
