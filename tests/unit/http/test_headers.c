/* SPDX-License-Identifier: MIT */
/* The names of parameters, the type of the body that a request states, the type
 * of answer that it accepts, and its query. */
#include "tests/unit/http/message.h"

/* All names that are read, but HTTP_COOKIE, whose value may be anything. */
static const char *const names_read[] = {
	"AUTH_ACTION",
	"AUTH_REQUIRE",
	"AUTH_METRICS",
	"AUTH_SECRET",
	"REQUEST_METHOD",
	"REQUEST_URI",
	"REMOTE_ADDR",
	"HTTPS",
	"HTTP_HOST",
	"SERVER_PORT",
	"CONTENT_TYPE",
	"CONTENT_LENGTH",
	"HTTP_AUTHORIZATION",
	"HTTP_ORIGIN",
	"HTTP_ACCEPT",
	"HTTP_USER_AGENT",
	"HTTP_SEC_FETCH_SITE",
	"HTTP_SEC_FETCH_MODE",
	"HTTP_X_REQUESTED_WITH",
	"HTTP_ACCESS_CONTROL_REQUEST_METHOD",
	"REQUEST_ID",
};

/* A value with a control byte is refused under this name. It is ignored under
 * the name without its last byte, with one more, or with one other byte. */
START_TEST(names_are_compared_whole)
{
	const struct str name = str_from(names_read[_i]);
	char text[64], expected[64];

	(void)PARSE();
	add(name, STR("\x01"));
	ck_assert_int_eq(parse_again(), -1);
	(void)snprintf(expected, sizeof(expected), "%s has a control byte",
		       names_read[_i]);
	ck_assert_str_eq(failure.msg, expected);
	for (size_t i = 0; i < name.n + 2; i++) {
		struct str other = { text, name.n };

		memcpy(text, name.p, name.n);
		if (i < name.n)
			text[i] ^= 1;
		else
			other.n = i == name.n ? name.n - 1 : name.n + 1;
		text[name.n] = 'S';
		(void)PARSE();
		add(other, STR("\x01"));
		ck_assert_msg(parse_again() == 0, "%.*s: %s", STR_ARG(other),
			      failure.msg);
	}
}
END_TEST

/* No name is longer than the longest that is read. */
START_TEST(long_names_are_ignored)
{
	static char name[300];

	memset(name, 'A', sizeof(name));
	for (size_t n = 0; n < sizeof(name); n++) {
		(void)PARSE();
		add((struct str){ name, n }, STR("\x01"));
		ck_assert_msg(parse_again() == 0, "%zu bytes", n);
	}
}
END_TEST

static const struct {
	const char *type;
	enum http_media media;
} media[] = {
	{ "", MEDIA_NONE },
	{ " ", MEDIA_NONE },
	{ ";", MEDIA_NONE },
	{ "application/x-www-form-urlencoded", MEDIA_FORM },
	{ "Application/X-WWW-Form-Urlencoded;charset=UTF-8", MEDIA_FORM },
	{ "application/x-www-form-urlencoded; charset=latin1", MEDIA_OTHER },
	{ "application/json", MEDIA_JSON },
	{ "APPLICATION/JSON ; a=b; Charset=\"utf-8\"", MEDIA_JSON },
	{ "application/json; charset", MEDIA_OTHER },
	{ "application/json; charset=utf-16", MEDIA_OTHER },
	{ "application/json;", MEDIA_JSON },
	{ "application/jsonx", MEDIA_OTHER },
	{ "application/problem+json", MEDIA_OTHER },
	{ "text/plain", MEDIA_OTHER },
	{ "multipart/form-data; boundary=x", MEDIA_OTHER },
	{ "text/plain; application/json", MEDIA_OTHER },
	{ "application/json, text/plain", MEDIA_OTHER },
};

START_TEST(media_type_of_the_body_is_read)
{
	(void)PARSE();
	add(STR("CONTENT_TYPE"), str_from(media[_i].type));
	ck_assert_int_eq(parse_again(), 0);
	ck_assert_msg(request.media == media[_i].media,
		      "row %d: the media type is %d", _i, request.media);
}
END_TEST

static const struct {
	const char *accept;
	bool html, json;
} accepts[] = {
	{ "", false, false },
	{ "*/*", false, false },
	{ "text/*", false, false },
	{ "text/html", true, false },
	{ "Text/HTML;q=0.9", true, false },
	{ "text/html;q=0", false, false },
	{ "text/html; q=0.000", false, false },
	{ "text/html; q=0.001", true, false },
	{ "text/html;q=x", false, false },
	{ "text/html;q=", false, false },
	{ "text/htmlx, xtext/html", false, false },
	{ "x=text/html", false, false },
	{ "application/json", false, true },
	{ "application/json, text/plain, */*", false, true },
	{ "application/xhtml+xml,application/json;q=0,text/html", true, false },
	{ "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
	  true, false },
	{ ",, ,text/html ;level=1,", true, false },
	{ "text/html;q=0,text/html;q=1", true, false },
	{ "application/json;q=0.1,text/html", true, true },
};

START_TEST(accepted_media_types_are_read)
{
	(void)PARSE();
	add(STR("HTTP_ACCEPT"), str_from(accepts[_i].accept));
	ck_assert_int_eq(parse_again(), 0);
	ck_assert_msg(request.accepts_html == accepts[_i].html &&
			  request.accepts_json == accepts[_i].json,
		      "row %d", _i);
	ck_assert_msg(http_request_wants_json(&request) ==
			  (accepts[_i].json && !accepts[_i].html),
		      "row %d", _i);
}
END_TEST

START_TEST(json_body_gets_a_json_answer)
{
	ck_assert_int_eq(PARSE("CONTENT_TYPE=application/json",
			       "HTTP_ACCEPT=text/html", ),
			 0);
	ck_assert(http_request_wants_json(&request));
	ck_assert_int_eq(PARSE("CONTENT_TYPE=text/plain", ), 0);
	ck_assert(!http_request_wants_json(&request));
}
END_TEST

#define HTML "HTTP_ACCEPT=text/html"

static const struct {
	const char *changes[4];
	bool navigation;
} navigations[] = {
	{ { "HTTP_SEC_FETCH_MODE=navigate" }, true },
	{ { "HTTP_SEC_FETCH_MODE=navigate", "REQUEST_METHOD=HEAD" }, true },
	{ { "HTTP_SEC_FETCH_MODE=navigate", "REQUEST_METHOD=POST" }, true },
	{ { "HTTP_SEC_FETCH_MODE=cors", "REQUEST_METHOD=POST", HTML }, false },
	{ { "REQUEST_METHOD=POST", HTML }, true },
	{ { "REQUEST_METHOD=POST", HTML, "HTTP_X_REQUESTED_WITH=X" }, false },
	{ { "REQUEST_METHOD=POST" }, false },
	{ { "HTTP_SEC_FETCH_MODE=cors", HTML }, false },
	{ { "HTTP_SEC_FETCH_MODE=", HTML }, false },
	{ { "HTTP_SEC_FETCH_MODE=Navigate", HTML }, false },
	{ { HTML }, true },
	{ { "HTTP_ACCEPT=*/*", "REQUEST_METHOD=PROPFIND" }, false },
	{ { HTML, "HTTP_X_REQUESTED_WITH=XMLHttpRequest" }, false },
	{ { "HTTP_ACCEPT=*/*" }, false },
	{ { NULL }, false },
	{ { "HTTP_SEC_FETCH_MODE=navigate", "HTTP_SEC_FETCH_MODE=navigate" },
	  false },
};

START_TEST(navigation_is_recognised)
{
	ck_assert_int_eq(parse(navigations[_i].changes), 0);
	ck_assert_msg(http_request_is_navigation(&request) ==
			  navigations[_i].navigation,
		      "row %d", _i);
}
END_TEST

static const struct {
	const char *query;
	const char *value; /* NULL: absent */
	int result;
} queries[] = {
	{ "", NULL, 0 },
	{ "&", NULL, 0 },
	{ "?&", NULL, 0 },
	{ "=&=", NULL, -1 },
	{ "rd", "", 0 },
	{ "rd=", "", 0 },
	{ "rd=%2Fa%3Fb%3Dc%26d", "/a?b=c&d", 0 },
	{ "rd=/a?b=c", "/a?b=c", 0 },
	{ "x=1&rd=a+b", "a b", 0 },
	{ "%72d=a", "a", 0 },
	{ "RD=a&xrd=b", NULL, 0 },
	{ "rd=a&rd=a", NULL, -1 },
	{ "rd=a&%72%64=b", NULL, -1 },
	{ "rd=%", NULL, -1 },
	{ "rd=%0", NULL, -1 },
	{ "rd=%00", NULL, -1 },
	{ "rd=%ff", NULL, -1 },
	{ "rd=%c3%a9", "\xc3\xa9", 0 },
};

START_TEST(field_of_the_query_is_found)
{
	const struct http_request r = { .query = str_from(queries[_i].query) };
	struct str value = STR("untouched");
	int result = http_request_query(&r, STR("rd"), arena, &value, &failure);

	ck_assert_msg(result == queries[_i].result, "row %d", _i);
	if (result != 0)
		ck_str(value, "untouched");
	else if (queries[_i].value == NULL)
		ck_assert_msg(value.p == NULL, "row %d", _i);
	else
		ck_str(value, queries[_i].value);
}
END_TEST

#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *param, *id;
} ids[] = {
	{ "REQUEST_ID=0123abcd", "0123abcd" },
	{ "REQUEST_ID=aZ9@_-aZ9@_-", "aZ9@_-aZ9@_-" },
	{ "REQUEST_ID=" X32 X32, X32 X32 },
	{ "REQUEST_ID=" X32 X32 "x", "" },
	{ "REQUEST_ID=0123abc", "" },
	{ "REQUEST_ID=0123 abcd", "" },
	{ "REQUEST_ID=0123.abcd", "" },
	{ "REQUEST_ID=0123\xc3\xa4"
	  "abcd",
	  "" },
	{ "HTTP_REQUEST_ID=0123abcd", "" },
	{ "HTTP_X_REQUEST_ID=0123abcd", "" },
};

START_TEST(request_id_is_checked)
{
	ck_assert_int_eq(PARSE(ids[_i].param, ), 0);
	ck_str(request.request_id, ids[_i].id);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("http_headers");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, names_are_compared_whole, 0,
			    ARRAY_LEN(names_read));
	tcase_add_test(t, long_names_are_ignored);
	tcase_add_loop_test(t, media_type_of_the_body_is_read, 0,
			    ARRAY_LEN(media));
	tcase_add_loop_test(t, accepted_media_types_are_read, 0,
			    ARRAY_LEN(accepts));
	tcase_add_test(t, json_body_gets_a_json_answer);
	tcase_add_loop_test(t, navigation_is_recognised, 0,
			    ARRAY_LEN(navigations));
	tcase_add_loop_test(t, field_of_the_query_is_found, 0,
			    ARRAY_LEN(queries));
	tcase_add_loop_test(t, request_id_is_checked, 0, ARRAY_LEN(ids));
	return run_case(t);
}
