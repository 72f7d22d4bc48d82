/* SPDX-License-Identifier: MIT */
/* Parsing bodies into fields. */
#include "http/form.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "tests/support/run.h"

#define F MEDIA_FORM
#define J MEDIA_JSON

static const struct {
	enum http_media media;
	const char *body;
	int fields; /* -1: refused */
	const char *a, *b; /* the values of a and b; NULL: absent */
} bodies[] = {
	{ MEDIA_NONE, "", 0, NULL, NULL },
	{ MEDIA_NONE, "a=1", -1, NULL, NULL },
	{ MEDIA_OTHER, "", 0, NULL, NULL },
	{ MEDIA_OTHER, "a=1", -1, NULL, NULL },
	{ F, "", 0, NULL, NULL },
	{ F, "a=1", 1, "1", NULL },
	{ F, "a=1&b=2", 2, "1", "2" },
	{ F, "a=1&&b=2&", 2, "1", "2" },
	{ F, "&", 0, NULL, NULL },
	{ F, "a", 1, "", NULL },
	{ F, "a=&b", 2, "", "" },
	{ F, "a=b=c", 1, "b=c", NULL },
	{ F, "=x&a=1", 2, "1", NULL },
	{ F, "a=%20+%2B%26%3d", 1, "  +&=", NULL },
	{ F, "%61=1&b=%c3%A9", 2, "1", "\xc3\xa9" },
	{ F, "a=\xc3\xa9", 1, "\xc3\xa9", NULL },
	{ F, "A=1", 1, NULL, NULL },
	{ F, "a=1\r\n", 1, "1\r\n", NULL },
	{ F, "a=1;b=2", 1, "1;b=2", NULL },
	{ F, "{\"a\":\"1\"}", 1, NULL, NULL },
	{ F, "a=1&a=1", -1, NULL, NULL },
	{ F, "a=1&a=2", -1, NULL, NULL },
	{ F, "a&a", -1, NULL, NULL },
	{ F, "a=1&%61=2", -1, NULL, NULL },
	{ F, "=&=", -1, NULL, NULL },
	{ F, "a=%", -1, NULL, NULL },
	{ F, "a=%1", -1, NULL, NULL },
	{ F, "a=%1&b=2", -1, NULL, NULL },
	{ F, "a=%g1", -1, NULL, NULL },
	{ F, "%zz=1", -1, NULL, NULL },
	{ F, "a=%00", -1, NULL, NULL },
	{ F, "%00=1", -1, NULL, NULL },
	{ F, "a=%ff", -1, NULL, NULL },
	{ F, "a=\xff", -1, NULL, NULL },
	{ F, "a=%c0%80", -1, NULL, NULL },
	{ F, "a=%ed%a0%80", -1, NULL, NULL },
	{ F, "%ff=1", -1, NULL, NULL },
	{ J, "", 0, NULL, NULL },
	{ J, "{}", 0, NULL, NULL },
	{ J, " {\"a\" : \"1\"}\n", 1, "1", NULL },
	{ J, "{\"a\":\"\",\"b\":\"x\"}", 2, "", "x" },
	{ J, "{\"a\":true,\"b\":false}", 1, "1", NULL },
	{ J, "{\"a\":\"\\u00e9\\\"\\n\\ud83d\\ude00\"}", 1,
	  "\xc3\xa9\"\n\xf0\x9f\x98\x80", NULL },
	{ J, "{\"\\u0061\":\"1\"}", 1, "1", NULL },
	{ J, "{\"a\":\"%41+\"}", 1, "%41+", NULL },
	{ J, "a=1", -1, NULL, NULL },
	{ J, " ", -1, NULL, NULL },
	{ J, "{", -1, NULL, NULL },
	{ J, "{\"a\":\"1\"", -1, NULL, NULL },
	{ J, "{\"a\":\"1\"}}", -1, NULL, NULL },
	{ J, "{\"a\":\"1\"}{}", -1, NULL, NULL },
	{ J, "{\"a\":\"1\",}", -1, NULL, NULL },
	{ J, "{a:\"1\"}", -1, NULL, NULL },
	{ J, "{'a':'1'}", -1, NULL, NULL },
	{ J, "[]", -1, NULL, NULL },
	{ J, "[\"a\"]", -1, NULL, NULL },
	{ J, "\"a\"", -1, NULL, NULL },
	{ J, "true", -1, NULL, NULL },
	{ J, "null", -1, NULL, NULL },
	{ J, "1", -1, NULL, NULL },
	{ J, "{\"a\":null}", -1, NULL, NULL },
	{ J, "{\"a\":1}", -1, NULL, NULL },
	{ J, "{\"a\":1e999}", -1, NULL, NULL },
	{ J, "{\"a\":{}}", -1, NULL, NULL },
	{ J, "{\"a\":[\"1\"]}", -1, NULL, NULL },
	{ J, "{\"a\":\"1\",\"a\":\"1\"}", -1, NULL, NULL },
	{ J, "{\"a\":false,\"a\":\"1\"}", -1, NULL, NULL },
	{ J, "{\"a\":\"1\",\"\\u0061\":\"2\"}", -1, NULL, NULL },
	{ J, "{\"a\":\"\\u0000\"}", -1, NULL, NULL },
	{ J, "{\"a\\u0000\":\"1\"}", -1, NULL, NULL },
	{ J, "{\"a\":\"\\ud800\"}", -1, NULL, NULL },
	{ J, "{\"a\":\"\xff\"}", -1, NULL, NULL },
	{ J, "{\"a\":\"\xc0\x80\"}", -1, NULL, NULL },
	{ J, "{\"a\":\"1\n2\"}", -1, NULL, NULL },
	{ J, "\xef\xbb\xbf{}", -1, NULL, NULL },
};

static void
check_value(int row, const struct form *f, const char *name, const char *want)
{
	struct str value = form_get(f, name);

	ck_assert_msg(want == NULL ?
			  value.p == NULL :
			  value.p != NULL && str_eq(value, str_from(want)),
		      "row %d: the value of %s is %.*s", row, name,
		      STR_ARG(value));
}

START_TEST(form_is_parsed)
{
	const struct http_request r = { .media = bodies[_i].media,
					.body = str_from(bodies[_i].body) };
	struct arena *a = arena_new(64 * 1024);
	struct form f = { .n = 77 };
	struct err err = { .code = ERR_NONE };
	int result = form_parse(&r, a, &f, &err);

	ck_assert_msg((result == 0) == (bodies[_i].fields >= 0), "row %d: %s",
		      _i, err.msg);
	if (result != 0) {
		ck_assert_int_eq(err.code, ERR_INPUT);
		ck_assert_uint_eq(f.n, 77);
	} else {
		ck_assert_msg(f.n == (size_t)bodies[_i].fields,
			      "row %d: the form has %zu fields", _i, f.n);
		check_value(_i, &f, "a", bodies[_i].a);
		check_value(_i, &f, "b", bodies[_i].b);
	}
	arena_free(a);
}
END_TEST

START_TEST(nul_bytes_are_refused)
{
	struct http_request r = { .media = MEDIA_FORM, .body = STR("a=\0") };
	struct arena *a = arena_new(64 * 1024);
	struct form f;
	struct err err;

	ck_assert_int_eq(form_parse(&r, a, &f, &err), -1);
	r.body = STR("\0=a");
	ck_assert_int_eq(form_parse(&r, a, &f, &err), -1);
	r.media = MEDIA_JSON;
	r.body = STR("{\"a\":\"\0\"}");
	ck_assert_int_eq(form_parse(&r, a, &f, &err), -1);
	r.body = STR("{}\0");
	ck_assert_int_eq(form_parse(&r, a, &f, &err), -1);
	arena_free(a);
}
END_TEST

START_TEST(too_large_bodies_are_refused)
{
	const struct http_request r = { .media = MEDIA_FORM,
					.body_too_large = true };
	struct form f;
	struct err err;

	ck_assert_int_eq(form_parse(&r, NULL, &f, &err), -1);
	ck_assert_int_eq(err.code, ERR_LIMIT);
}
END_TEST

/* Writes a body of n fields f0, f1 ... */
static struct str
many(char *out, size_t size, int n, bool json)
{
	size_t used = 0;

	for (int i = 0; i < n; i++) {
		used += (size_t)snprintf(out + used, size - used,
					 json ? "%s\"f%d\":\"v\"" : "%sf%d=v",
					 json ? (i == 0 ? "{" : ",") : "&", i);
		ck_assert_uint_lt(used, size - 2);
	}
	if (json)
		out[used++] = '}';
	return (struct str){ out, used };
}

START_TEST(number_of_fields_is_bounded)
{
	bool json = _i == 1;
	char text[1024];
	struct http_request r = { .media = json ? MEDIA_JSON : MEDIA_FORM };
	struct arena *a = arena_new(64 * 1024);
	struct form f;
	struct err err;

	r.body = many(text, sizeof(text), FORM_MAX_FIELDS, json);
	ck_assert_int_eq(form_parse(&r, a, &f, &err), 0);
	ck_assert_uint_eq(f.n, FORM_MAX_FIELDS);
	check_value(0, &f, "f31", "v");
	r.body = many(text, sizeof(text), FORM_MAX_FIELDS + 1, json);
	ck_assert_int_eq(form_parse(&r, a, &f, &err), -1);
	ck_assert_int_eq(err.code, ERR_INPUT);
	arena_free(a);
}
END_TEST

START_TEST(deep_json_is_refused)
{
	static char text[16384];
	const struct http_request r = { .media = MEDIA_JSON,
					.body = { text, sizeof(text) } };
	struct arena *a = arena_new(64 * 1024);
	struct form f;
	struct err err;

	memset(text, '[', sizeof(text));
	ck_assert_int_eq(form_parse(&r, a, &f, &err), -1);
	memcpy(text, "{\"a\":", 5);
	ck_assert_int_eq(form_parse(&r, a, &f, &err), -1);
	ck_assert_int_eq(err.code, ERR_INPUT);
	arena_free(a);
}
END_TEST

START_TEST(forms_fail_without_memory)
{
	const struct http_request requests[] = {
		{ .media = MEDIA_FORM, .body = STR("a=1&b=2") },
		{ .media = MEDIA_JSON, .body = STR("{\"a\":\"1\"}") },
	};
	bool ran_out = true;

	for (unsigned n = 0; ran_out; n++) {
		struct arena *a = arena_new(64 * 1024);
		struct form f;
		struct err err = { .code = ERR_NONE };
		int result;

		ck_assert_uint_lt(n, 100);
		arena_fail_after(a, n);
		result = form_parse(&requests[_i], a, &f, &err);
		ran_out = arena_has_failed(a);
		ck_assert_int_eq(result, ran_out ? -1 : 0);
		ck_assert_int_eq(err.code, ran_out ? ERR_INTERNAL : ERR_NONE);
		arena_free(a);
	}
}
END_TEST

static void *
no_memory(size_t n)
{
	(void)n;
	return NULL;
}

/* A failed allocation is an internal error and not a malformed body. */
START_TEST(json_without_memory_is_an_internal_error)
{
	const struct http_request r = { .media = MEDIA_JSON,
					.body = STR("{\"a\":\"1\"}") };
	struct arena *a = arena_new(64 * 1024);
	struct form f;
	struct err err;

	json_set_alloc_funcs(no_memory, free);
	ck_assert_int_eq(form_parse(&r, a, &f, &err), -1);
	ck_assert_int_eq(err.code, ERR_INTERNAL);
	json_set_alloc_funcs(malloc, free);
	ck_assert_int_eq(form_parse(&r, a, &f, &err), 0);
	arena_free(a);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("form");

	tcase_add_loop_test(t, form_is_parsed, 0, ARRAY_LEN(bodies));
	tcase_add_test(t, nul_bytes_are_refused);
	tcase_add_test(t, too_large_bodies_are_refused);
	tcase_add_loop_test(t, number_of_fields_is_bounded, 0, 2);
	tcase_add_test(t, deep_json_is_refused);
	tcase_add_loop_test(t, forms_fail_without_memory, 0, 2);
	tcase_add_test(t, json_without_memory_is_an_internal_error);
	return run_case(t);
}
