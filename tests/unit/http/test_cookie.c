/* SPDX-License-Identifier: MIT */
/* Reading and setting cookies. */
#include "http/cookie.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/request.h"
#include "http/response.h"
#include "tests/support/run.h"

static const struct {
	const char *fields[3];
	enum cookie_answer answer;
	const char *value;
} headers[] = {
	{ { NULL }, COOKIE_ABSENT, NULL },
	{ { "" }, COOKIE_ABSENT, NULL },
	{ { "n=v" }, COOKIE_FOUND, "v" },
	{ { "n=" }, COOKIE_FOUND, "" },
	{ { "a=b; n=v; c=d" }, COOKIE_FOUND, "v" },
	{ { "a=b;n=v;c=d" }, COOKIE_FOUND, "v" },
	{ { "a=b ;\t n=v \t; c=d" }, COOKIE_FOUND, "v" },
	{ { "n=a=b==" }, COOKIE_FOUND, "a=b==" },
	{ { "n=\"v\"" }, COOKIE_FOUND, "\"v\"" },
	{ { "n=\"a;n=b\"" }, COOKIE_CONFLICT, NULL },
	{ { "n=a,b" }, COOKIE_FOUND, "a,b" },
	{ { "n=\xff\xfe" }, COOKIE_FOUND, "\xff\xfe" },
	{ { "a=1", "n=v" }, COOKIE_FOUND, "v" },
	{ { "a=\"n=w\"; n=v; b=n=w" }, COOKIE_FOUND, "v" },
	{ { "a=\tx\x01; n=v; \x7f\x02=\t" }, COOKIE_FOUND, "v" },
	{ { "a=\x01\tn=w; n=v" }, COOKIE_FOUND, "v" },
	{ { "a; b; n=v; c" }, COOKIE_FOUND, "v" },
	/* Other names. */
	{ { "N=v" }, COOKIE_ABSENT, NULL },
	{ { "nn=v; xn=v; n2=v" }, COOKIE_ABSENT, NULL },
	{ { "n =v" }, COOKIE_ABSENT, NULL },
	{ { "\xc2\xa0n=v" }, COOKIE_ABSENT, NULL },
	{ { "$n=v; $Version=1; \"n\"=v" }, COOKIE_ABSENT, NULL },
	{ { "a=n=v" }, COOKIE_ABSENT, NULL },
	{ { "a=b, n=v" }, COOKIE_ABSENT, NULL },
	{ { "a=\"; n=v" }, COOKIE_FOUND, "v" },
	/* Fields that a parser could take for a cookie (CVE-2023-28625). */
	{ { "=" }, COOKIE_ABSENT, NULL },
	{ { "==" }, COOKIE_ABSENT, NULL },
	{ { ";" }, COOKIE_ABSENT, NULL },
	{ { ";;" }, COOKIE_ABSENT, NULL },
	{ { "; ;\t;" }, COOKIE_ABSENT, NULL },
	{ { "n" }, COOKIE_ABSENT, NULL },
	{ { "n;" }, COOKIE_ABSENT, NULL },
	{ { "=n" }, COOKIE_ABSENT, NULL },
	{ { "=n=v" }, COOKIE_ABSENT, NULL },
	{ { "=;n=v;;=" }, COOKIE_FOUND, "v" },
	{ { "n;n=v;n" }, COOKIE_FOUND, "v" },
	{ { "=", ";;", "n=v" }, COOKIE_FOUND, "v" },
	/* Counts of chunks have no meaning (CVE-2024-24814). */
	{ { "n_chunks=9999999; n_0=a; n_1=b" }, COOKIE_ABSENT, NULL },
	/* Several cookies of the name. */
	{ { "n=v; n=v" }, COOKIE_FOUND, "v" },
	{ { "n=v", "n=v" }, COOKIE_FOUND, "v" },
	{ { "n=v; n=w" }, COOKIE_CONFLICT, NULL },
	{ { "n=v", "a=b", "n=w" }, COOKIE_CONFLICT, NULL },
	{ { "n=v; n=" }, COOKIE_CONFLICT, NULL },
	{ { "n=; n=v" }, COOKIE_CONFLICT, NULL },
	{ { "n=v; n=\"v\"" }, COOKIE_CONFLICT, NULL },
	{ { "n=v; n=v; n=w" }, COOKIE_CONFLICT, NULL },
	{ { "n=v; n=w; n=v" }, COOKIE_CONFLICT, NULL },
};

START_TEST(cookie_is_found)
{
	struct http_request r = { .ncookies = 0 };
	struct str value = STR("unset");
	enum cookie_answer answer;

	for (size_t i = 0; i < 3 && headers[_i].fields[i] != NULL; i++)
		r.cookies[r.ncookies++] = str_from(headers[_i].fields[i]);
	answer = cookie_find(&r, STR("n"), &value);
	ck_assert_msg(answer == headers[_i].answer, "row %d: the answer is %d",
		      _i, answer);
	ck_assert_msg(str_eq(value, str_from(headers[_i].value)),
		      "row %d: %.*s", _i, STR_ARG(value));
}
END_TEST

static const struct {
	enum cookie_kind kind;
	bool secure;
	const char *domain;
	int same_site;
	int64_t max_age;
	const char *header;
} written[] = {
	{ COOKIE_SESSION, true, "", SAME_SITE_LAX, -1,
	  "__Host-n=v; Path=/; Secure; HttpOnly; SameSite=Lax" },
	{ COOKIE_ACCESS, true, "", SAME_SITE_STRICT, 600,
	  "__Host-n_access=v; Path=/; Secure; HttpOnly; SameSite=Strict; "
	  "Max-Age=600" },
	{ COOKIE_REFRESH, true, "", SAME_SITE_LAX, 0,
	  "__Secure-n_refresh=v; Path=/auth; Secure; HttpOnly; SameSite=Lax; "
	  "Max-Age=0" },
	{ COOKIE_LOGIN, true, "", SAME_SITE_NONE, -1,
	  "__Host-n_login=v; Path=/; Secure; HttpOnly; SameSite=None" },
	{ COOKIE_REPEAT, true, "example.com", SAME_SITE_LAX, 9,
	  "__Secure-n_repeat=v; Path=/auth; Secure; HttpOnly; SameSite=Lax; "
	  "Max-Age=9" },
	{ COOKIE_SESSION, true, "example.com", SAME_SITE_LAX, -1,
	  "__Secure-n=v; Path=/; Secure; HttpOnly; SameSite=Lax; "
	  "Domain=example.com" },
	{ COOKIE_REFRESH, true, "example.com", SAME_SITE_LAX, 7,
	  "__Secure-n_refresh=v; Path=/auth; Secure; HttpOnly; SameSite=Lax; "
	  "Domain=example.com; Max-Age=7" },
	{ COOKIE_LOGIN, true, "example.com", SAME_SITE_LAX, -1,
	  "__Host-n_login=v; Path=/; Secure; HttpOnly; SameSite=Lax" },
	{ COOKIE_SESSION, false, "", SAME_SITE_LAX, -1,
	  "n=v; Path=/; HttpOnly; SameSite=Lax" },
	{ COOKIE_REFRESH, false, "example.com", SAME_SITE_LAX, INT64_MAX,
	  "n_refresh=v; Path=/auth; HttpOnly; SameSite=Lax; "
	  "Domain=example.com; Max-Age=9223372036854775807" },
};

/* Removes the first line of a head, which must set a cookie; returns false when
 * there is none. */
static bool
take_cookie(struct str *head, struct str *value)
{
	struct str line;

	if (head->n == 0)
		return false;
	ck_assert(str_cut(head, '\n', &line) && str_ends(line, STR("\r")));
	ck_assert(str_starts(line, STR("Set-Cookie: ")));
	line.n--;
	*value = str_skip(line, sizeof("Set-Cookie: ") - 1);
	return true;
}

START_TEST(cookie_is_set)
{
	const struct cookie_settings settings = {
		.name = STR("n"),
		.secure = written[_i].secure,
		.domain = str_from(written[_i].domain),
		.same_site = written[_i].same_site,
	};
	struct arena *a = arena_new(64 * 1024);
	struct http_response res;
	struct str head, value;

	http_response_init(&res, a);
	cookie_set(&res, &settings, STR("/auth"), written[_i].kind, STR("v"),
		   written[_i].max_age);
	ck_assert(!res.failed);
	ck_assert_uint_eq(res.nheaders, 1);
	head = buf_str(&res.head);
	ck_assert(take_cookie(&head, &value));
	ck_assert_msg(str_eq(value, str_from(written[_i].header)),
		      "row %d: %.*s", _i, STR_ARG(value));
	ck_assert_uint_eq(head.n, 0);
	arena_free(a);
}
END_TEST

START_TEST(cookies_are_found_by_number)
{
	static const char *const values[] = { "1", "2", "", "2" };
	struct http_request r = {
		.cookies = { STR("n=1; a=b; n=2"), STR("N=x"), STR("n=; n=2") },
		.ncookies = 3,
	};
	struct str value;

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		ck_assert(cookie_nth(&r, STR("n"), i, &value));
		ck_assert(str_eq(value, str_from(values[i])));
	}
	value = STR("unset");
	ck_assert(!cookie_nth(&r, STR("n"), ARRAY_LEN(values), &value));
	ck_assert_uint_eq(value.n, 0);
}
END_TEST

/* The Set-Cookie fields that delete a cookie, one per line. */
static const struct {
	enum cookie_kind kind;
	bool secure;
	const char *host, *lines;
} forgotten[] = {
	{ COOKIE_SESSION, true, "www.example.com",
	  "__Host-n=; Path=/; Secure; HttpOnly; Max-Age=0\n" },
	{ COOKIE_REFRESH, true, "localhost",
	  "__Secure-n_refresh=; Path=/; Secure; HttpOnly; Max-Age=0\n"
	  "__Secure-n_refresh=; Path=/auth; Secure; HttpOnly; Max-Age=0\n" },
	{ COOKIE_SESSION, false, "b.example",
	  "n=; Path=/; HttpOnly; Max-Age=0\n"
	  "n=; Path=/; HttpOnly; Max-Age=0; Domain=b.example\n"
	  "n=; Path=/auth; HttpOnly; Max-Age=0\n"
	  "n=; Path=/auth; HttpOnly; Max-Age=0; Domain=b.example\n" },
	{ COOKIE_SESSION, false, "a.b.c.d.e.f",
	  "n=; Path=/; HttpOnly; Max-Age=0\n"
	  "n=; Path=/; HttpOnly; Max-Age=0; Domain=a.b.c.d.e.f\n"
	  "n=; Path=/; HttpOnly; Max-Age=0; Domain=b.c.d.e.f\n"
	  "n=; Path=/; HttpOnly; Max-Age=0; Domain=c.d.e.f\n"
	  "n=; Path=/; HttpOnly; Max-Age=0; Domain=d.e.f\n"
	  "n=; Path=/auth; HttpOnly; Max-Age=0\n"
	  "n=; Path=/auth; HttpOnly; Max-Age=0; Domain=a.b.c.d.e.f\n"
	  "n=; Path=/auth; HttpOnly; Max-Age=0; Domain=b.c.d.e.f\n"
	  "n=; Path=/auth; HttpOnly; Max-Age=0; Domain=c.d.e.f\n"
	  "n=; Path=/auth; HttpOnly; Max-Age=0; Domain=d.e.f\n" },
};

static void
forget(struct http_response *res, struct arena *a, int row)
{
	const struct cookie_settings settings = { .name = STR("n"),
						  .secure =
						      forgotten[row].secure };

	http_response_init(res, a);
	cookie_forget(res, &settings, STR("/auth"), forgotten[row].kind,
		      str_from(forgotten[row].host));
}

START_TEST(cookie_is_deleted_wherever_it_was_set)
{
	struct arena *a = arena_new(256 * 1024);
	struct http_response res;
	struct str head, value;
	struct buf lines;

	buf_init(&lines, a, 4096);
	forget(&res, a, _i);
	ck_assert(!res.failed);
	head = buf_str(&res.head);
	while (take_cookie(&head, &value)) {
		buf_add(&lines, value);
		buf_add_char(&lines, '\n');
	}
	ck_assert_msg(str_eq(buf_str(&lines), str_from(forgotten[_i].lines)),
		      "the header fields are %.*s", STR_ARG(buf_str(&lines)));
	arena_free(a);
}
END_TEST

START_TEST(forgetting_fails_without_memory)
{
	bool ran_out = true;

	for (unsigned n = 0; ran_out; n++) {
		struct arena *a = arena_new(256 * 1024);
		struct http_response res;

		ck_assert_uint_lt(n, 100);
		arena_fail_after(a, n);
		forget(&res, a, _i);
		ran_out = arena_has_failed(a);
		ck_assert(res.failed == ran_out);
		arena_free(a);
	}
}
END_TEST

static const char *const bad_values[] = {
	"a b",	  "a;b",  "a,b",  "a\"b",     "a\\b",
	"a\r\nb", "a\tb", "\x7f", "\xc3\xa9",
};

START_TEST(bad_values_are_refused)
{
	const struct cookie_settings settings = { .name = STR("n") };
	struct arena *a = arena_new(64 * 1024);
	struct http_response res;

	http_response_init(&res, a);
	cookie_set(&res, &settings, STR("/auth"), COOKIE_SESSION,
		   str_from(bad_values[_i]), -1);
	ck_assert_msg(res.failed && res.nheaders == 0, "row %d", _i);
	arena_free(a);
}
END_TEST

START_TEST(size_of_a_cookie_is_bounded)
{
	const struct cookie_settings settings = { .name = STR("n"),
						  .secure = true };
	static char value[4096];
	size_t most = 4096 - strlen("__Host-n");
	struct arena *a = arena_new(64 * 1024);
	struct http_response res;

	memset(value, 'v', sizeof(value));
	http_response_init(&res, a);
	cookie_set(&res, &settings, STR("/auth"), COOKIE_SESSION,
		   (struct str){ value, most }, -1);
	ck_assert(!res.failed);
	cookie_set(&res, &settings, STR("/auth"), COOKIE_SESSION,
		   (struct str){ value, most + 1 }, -1);
	ck_assert(res.failed);
	arena_free(a);
}
END_TEST

START_TEST(setting_fails_without_memory)
{
	const struct cookie_settings settings = { .name = STR("n") };
	bool ran_out = true;

	for (unsigned n = 0; ran_out; n++) {
		struct arena *a = arena_new(64 * 1024);
		struct http_response res;

		ck_assert_uint_lt(n, 100);
		http_response_init(&res, a);
		arena_fail_after(a, n);
		cookie_set(&res, &settings, STR("/auth"), COOKIE_SESSION,
			   STR("v"), 1);
		ran_out = arena_has_failed(a);
		ck_assert(res.failed == ran_out);
		ck_assert_uint_eq(res.nheaders, ran_out ? 0 : 1);
		arena_free(a);
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("cookie");

	tcase_add_loop_test(t, cookie_is_found, 0, ARRAY_LEN(headers));
	tcase_add_loop_test(t, cookie_is_set, 0, ARRAY_LEN(written));
	tcase_add_test(t, cookies_are_found_by_number);
	tcase_add_loop_test(t, cookie_is_deleted_wherever_it_was_set, 0,
			    ARRAY_LEN(forgotten));
	tcase_add_loop_test(t, forgetting_fails_without_memory, 0,
			    ARRAY_LEN(forgotten));
	tcase_add_loop_test(t, bad_values_are_refused, 0,
			    ARRAY_LEN(bad_values));
	tcase_add_test(t, size_of_a_cookie_is_bounded);
	tcase_add_test(t, setting_fails_without_memory);
	return run_case(t);
}
