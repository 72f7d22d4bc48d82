/* SPDX-License-Identifier: MIT */
/* Parsing parameters into a checked request: the action, the values, and
 * parameters that occur twice. */
#include "tests/unit/http/message.h"

START_TEST(plain_request_is_parsed)
{
	ck_assert_int_eq(PARSE(), 0);
	ck_assert_int_eq(request.action, ACTION_ENDPOINT);
	ck_assert(!request.authorizer && !request.https && !request.xhr);
	ck_assert_int_eq(request.method, HTTP_GET);
	ck_str(request.method_name, "GET");
	ck_str(request.uri, "/a/b?c=d");
	ck_str(request.path, "/a/b");
	ck_str(request.query, "c=d");
	ck_str(request.host, "example.com");
	ck_str(request.host_port, "");
	ck_str(request.remote_addr, "192.0.2.1");
	ck_assert_ptr_null(request.authorization.p);
	ck_assert_ptr_null(request.origin.p);
	ck_assert_ptr_null(request.fetch_mode.p);
	/* Values that are stored or compared are never NULL. */
	ck_assert_ptr_nonnull(request.user_agent.p);
	ck_assert_ptr_nonnull(request.require.p);
	ck_assert_ptr_nonnull(request.secret.p);
	ck_assert_ptr_nonnull(request.server_port.p);
	ck_assert_uint_eq(request.ncookies, 0);
	ck_assert_int_eq(request.media, MEDIA_NONE);
}
END_TEST

START_TEST(all_values_are_read)
{
	ck_assert_int_eq(
	    PARSE("AUTH_REQUIRE=role:admin", "AUTH_SECRET=s", "HTTPS=on",
		  "SERVER_PORT=8443", "HTTP_AUTHORIZATION=Bearer x",
		  "HTTP_ORIGIN=https://a.example", "HTTP_USER_AGENT=a\tb",
		  "HTTP_SEC_FETCH_SITE=same-origin", "HTTP_SEC_FETCH_MODE=cors",
		  "HTTP_X_REQUESTED_WITH=", "HTTP_COOKIE=a=b",
		  "HTTP_COOKIE=c=d", "REQUEST_ID=4-f-8765",
		  "HTTP_ACCESS_CONTROL_REQUEST_METHOD=PUT", ),
	    0);
	ck_str(request.require, "role:admin");
	ck_str(request.secret, "s");
	ck_assert(request.https && request.xhr);
	ck_str(request.server_port, "8443");
	ck_str(request.authorization, "Bearer x");
	ck_assert(!request.authorization_twice);
	ck_str(request.origin, "https://a.example");
	ck_str(request.user_agent, "a\tb");
	ck_str(request.fetch_site, "same-origin");
	ck_str(request.fetch_mode, "cors");
	ck_str(request.request_id, "4-f-8765");
	ck_str(request.preflight_method, "PUT");
	ck_assert_uint_eq(request.ncookies, 2);
	ck_str(request.cookies[0], "a=b");
	ck_str(request.cookies[1], "c=d");
}
END_TEST

START_TEST(empty_headers_are_present)
{
	ck_assert_int_eq(PARSE("HTTP_ORIGIN=", "HTTP_AUTHORIZATION=",
			       "HTTP_SEC_FETCH_MODE=", "HTTP_ACCEPT=",
			       "HTTP_COOKIE=", "CONTENT_TYPE=", ),
			 0);
	ck_assert_ptr_nonnull(request.origin.p);
	ck_assert_ptr_nonnull(request.authorization.p);
	ck_assert_ptr_nonnull(request.fetch_mode.p);
	ck_assert_int_eq(request.media, MEDIA_NONE);

	/* A header is present even if its empty value has no address. */
	(void)PARSE();
	add(STR("HTTP_ORIGIN"), (struct str){ NULL, 0 });
	ck_assert_int_eq(parse_again(), 0);
	ck_assert_ptr_nonnull(request.origin.p);
}
END_TEST

/* Only the names that the web server sets are read, and none of these is
 * one. */
START_TEST(foreign_names_are_ignored)
{
	ck_assert_int_eq(PARSE("HTTP_X_FORWARDED_URI=/public",
			       "HTTP_X_ORIGINAL_URI=/public",
			       "HTTP_X_FORWARDED_HOST=evil.example",
			       "HTTP_X_FORWARDED_PROTO=https",
			       "HTTP_X_FORWARDED_METHOD=POST",
			       "HTTP_X_FORWARDED_FOR=127.0.0.1",
			       "HTTP_X_FORWARDED_PREFIX=/x",
			       "HTTP_FORWARDED=for=127.0.0.1;host=evil.example",
			       "HTTP_AUTH_ACTION=challenge",
			       "HTTP_CONTENT_LENGTH=7", "HTTP_REMOTE_ADDR=::1",
			       "REQUEST_SCHEME=https", "REMOTE_USER=evil",
			       "FCGI_ROLE=AUTHORIZER", "FCGI_ROLE=AUTHORIZER",
			       "auth_action=verify", "AUTH_ACTIO=verify",
			       "AUTH_ACTIONS=verify", "QUERY_STRING=a",
			       "QUERY_STRING=b", "=x", ),
			 0);
	ck_assert_int_eq(request.action, ACTION_ENDPOINT);
	ck_assert(!request.https);
	ck_str(request.uri, "/a/b?c=d");
	ck_str(request.host, "example.com");
	ck_str(request.remote_addr, "192.0.2.1");
}
END_TEST

static const struct {
	bool authorizer;
	const char *pair, *second;
	enum http_action action;
	int result;
} actions[] = {
	{ false, NULL, NULL, ACTION_ENDPOINT, 0 },
	{ true, NULL, NULL, ACTION_VERIFY, 0 },
	{ false, "AUTH_ACTION=verify", NULL, ACTION_VERIFY, 0 },
	{ true, "AUTH_ACTION=verify", NULL, ACTION_VERIFY, 0 },
	{ false, "AUTH_ACTION=challenge", NULL, ACTION_CHALLENGE, 0 },
	{ true, "AUTH_ACTION=challenge", NULL, ACTION_UNKNOWN, 0 },
	{ false, "AUTH_ACTION=", NULL, ACTION_UNKNOWN, 0 },
	{ true, "AUTH_ACTION=", NULL, ACTION_UNKNOWN, 0 },
	{ false, "AUTH_ACTION=Verify", NULL, ACTION_UNKNOWN, 0 },
	{ false, "AUTH_ACTION=verify ", NULL, ACTION_UNKNOWN, 0 },
	{ false, "AUTH_ACTION=login", NULL, ACTION_UNKNOWN, 0 },
	{ false, "AUTH_ACTION=verify", "AUTH_ACTION=verify", ACTION_UNKNOWN,
	  -1 },
	{ false, "AUTH_ACTION=verify", "AUTH_ACTION=challenge", ACTION_UNKNOWN,
	  -1 },
	{ false, "AUTH_ACTION=ver\nify", NULL, ACTION_UNKNOWN, -1 },
	/* The action is known even if the rest of the request is malformed. */
	{ false, "AUTH_ACTION=verify", "HTTPS=perhaps", ACTION_VERIFY, -1 },
	{ false, "AUTH_ACTION=verify", "HTTP_HOST", ACTION_VERIFY, -1 },
	{ false, "AUTH_ACTION=challenge", "REQUEST_URI=x", ACTION_CHALLENGE,
	  -1 },
	{ true, "REQUEST_METHOD", NULL, ACTION_VERIFY, -1 },
	{ false, "REQUEST_METHOD", NULL, ACTION_ENDPOINT, -1 },
};

START_TEST(action_is_determined)
{
	int result;

	message.authorizer = actions[_i].authorizer;
	result = parse((const char *const[]){ actions[_i].pair,
					      actions[_i].second, NULL });
	ck_assert_msg(result == actions[_i].result &&
			  request.action == actions[_i].action &&
			  request.authorizer == actions[_i].authorizer,
		      "row %d: the result is %d, the action %d: %s", _i, result,
		      request.action, failure.msg);
}
END_TEST

/* One change of the good request, and whether the request is still accepted. */
static const struct {
	const char *change;
	bool ok;
} facts[] = {
	{ "REQUEST_METHOD", false },
	{ "REQUEST_METHOD=", false },
	{ "REQUEST_METHOD=GE T", false },
	{ "REQUEST_METHOD=GET/", false },
	{ "REQUEST_METHOD=G\xc3\x89T", false },
	{ "REQUEST_METHOD=PROPFIND", true },
	{ "REQUEST_METHOD=M-SEARCH", true },
	{ "REQUEST_URI", false },
	{ "REQUEST_URI=", false },
	{ "REQUEST_URI=*", false },
	{ "REQUEST_URI=http://example.com/", false },
	{ "REQUEST_URI=/%zz", false },
	{ "REQUEST_URI=/a\tb", false },
	{ "REQUEST_URI=/\xff", false },
	{ "HTTP_HOST", false },
	{ "HTTP_HOST=", false },
	{ "HTTP_HOST=.", false },
	{ "HTTP_HOST=:80", false },
	{ "HTTP_HOST=a..b", false },
	{ "HTTP_HOST=.a", false },
	{ "HTTP_HOST=a..", false },
	{ "HTTP_HOST=a/b", false },
	{ "HTTP_HOST=a b", false },
	{ "HTTP_HOST=u@a", false },
	{ "HTTP_HOST=a,b", false },
	{ "HTTP_HOST=a%2eb", false },
	{ "HTTP_HOST=a:", false },
	{ "HTTP_HOST=a:0", false },
	{ "HTTP_HOST=a:65536", false },
	{ "HTTP_HOST=a:000080", false },
	{ "HTTP_HOST=a:80:80", false },
	{ "HTTP_HOST=a:8x", false },
	{ "HTTP_HOST=::1", false },
	{ "HTTP_HOST=[::1", false },
	{ "HTTP_HOST=[::1]x", false },
	{ "HTTP_HOST=[]", false },
	{ "HTTP_HOST=[", false },
	{ "HTTP_HOST=[127.0.0.1]", false },
	{ "HTTP_HOST=[fe80::1%25eth0]", false },
	{ "HTTP_HOST=b\303\274cher.example", false },
	{ "HTTP_HOST=a_b.example", true },
	{ "HTTP_HOST=127.0.0.1:65535", true },
	{ "HTTP_HOST=127.0.0.1:00080", true },
	{ "REMOTE_ADDR", false },
	{ "REMOTE_ADDR=", false },
	{ "REMOTE_ADDR=a", false },
	{ "REMOTE_ADDR=1.2.3", false },
	{ "REMOTE_ADDR=1.2.3.4.5", false },
	{ "REMOTE_ADDR=1.2.3.4, 5.6.7.8", false },
	{ "REMOTE_ADDR= 1.2.3.4", false },
	{ "REMOTE_ADDR=[::1]", false },
	{ "REMOTE_ADDR=unix:/x", false },
	{ "REMOTE_ADDR=UNIX:", false },
	{ "REMOTE_ADDR=0000000000000000000000000000000000000000000000001",
	  false },
	{ "REMOTE_ADDR=unix:", true },
	{ "REMOTE_ADDR=2001:db8::1", true },
	{ "REMOTE_ADDR=::ffff:192.0.2.1", true },
	{ "HTTPS=", true },
	{ "HTTPS=OFF", true },
	{ "HTTPS=On", true },
	{ "HTTPS=1", true },
	{ "HTTPS=0", false },
	{ "HTTPS=yes", false },
	{ "HTTPS=on ", false },
	{ "SERVER_PORT=", true },
	{ "SERVER_PORT=443", true },
	{ "SERVER_PORT=-1", false },
	{ "SERVER_PORT=99999", false },
	{ "CONTENT_LENGTH=", true },
	{ "CONTENT_LENGTH=0", true },
	{ "CONTENT_LENGTH=x", false },
	{ "CONTENT_LENGTH=-1", false },
	{ "CONTENT_LENGTH=1", false },
	{ "CONTENT_LENGTH=99999999999999999999", false },
	{ "HTTP_COOKIE=a=\x01", true },
	{ "HTTP_COOKIE=a=\tb; \x7f=\x1f", true },
	{ "HTTP_AUTHORIZATION=Bearer\r", false },
	{ "HTTP_USER_AGENT=a\nb", false },
	{ "HTTP_USER_AGENT=\x7f", false },
	{ "HTTP_ACCEPT=a\tb", false },
	{ "AUTH_REQUIRE=a\x1b", false },
	{ "HTTP_USER_AGENT=\xc3\xa9 \xff", true },
};

START_TEST(values_are_checked)
{
	int result = parse((const char *const[]){ facts[_i].change, NULL });

	ck_assert_msg((result == 0) == facts[_i].ok,
		      "row %d: %s: the result is %d: %s", _i, facts[_i].change,
		      result, failure.msg);
	if (result != 0) {
		ck_assert_int_eq(failure.code, ERR_INPUT);
		ck_assert_ptr_null(request.path.p);
	}
}
END_TEST

START_TEST(nul_bytes_are_refused)
{
	static const char *const names[] = {
		"REQUEST_METHOD",  "REQUEST_URI", "HTTP_HOST",
		"REMOTE_ADDR",	   "HTTPS",	  "AUTH_SECRET",
		"HTTP_USER_AGENT",
	};
	int result;

	(void)PARSE();
	for (size_t i = 0; i < message.nparams; i++) {
		if (str_eq(params[i].name, str_from(names[_i])))
			params[i] = params[--message.nparams];
	}
	add(str_from(names[_i]), STR("/1.2.3.4\0x"));
	result = parse_again();
	ck_assert_msg(result == -1, "row %d", _i);
}
END_TEST

static const struct {
	const char *first, *second;
	bool ok;
} twice[] = {
	{ "AUTH_REQUIRE=a", "AUTH_REQUIRE=a", false },
	{ "AUTH_SECRET=a", "AUTH_SECRET=a", false },
	{ "REQUEST_METHOD=GET", "REQUEST_METHOD=GET", false },
	{ "REQUEST_URI=/", "REQUEST_URI=/", false },
	{ "REMOTE_ADDR=::1", "REMOTE_ADDR=::1", false },
	{ "HTTPS=on", "HTTPS=", false },
	{ "HTTP_HOST=a", "HTTP_HOST=b", false },
	{ "SERVER_PORT=1", "SERVER_PORT=1", false },
	{ "CONTENT_TYPE=a/b", "CONTENT_TYPE=a/b", false },
	{ "CONTENT_LENGTH=0", "CONTENT_LENGTH=", false },
	{ "HTTP_ORIGIN=https://a", "HTTP_ORIGIN=https://a", false },
	{ "HTTP_AUTHORIZATION=a", "HTTP_AUTHORIZATION=a", true },
	{ "HTTP_ACCEPT=text/html", "HTTP_ACCEPT=application/json", true },
	{ "HTTP_USER_AGENT=a", "HTTP_USER_AGENT=b", true },
	{ "HTTP_SEC_FETCH_SITE=none", "HTTP_SEC_FETCH_SITE=none", true },
	{ "HTTP_SEC_FETCH_MODE=navigate", "HTTP_SEC_FETCH_MODE=cors", true },
	{ "HTTP_X_REQUESTED_WITH=a", "HTTP_X_REQUESTED_WITH=b", true },
	{ "HTTP_ACCESS_CONTROL_REQUEST_METHOD=GET",
	  "HTTP_ACCESS_CONTROL_REQUEST_METHOD=GET", true },
	{ "REQUEST_ID=12345678", "REQUEST_ID=12345678", true },
	{ "SERVER_NAME=a", "SERVER_NAME=b", true },
};

START_TEST(duplicates_are_refused)
{
	int result = parse((const char *const[]){ twice[_i].first,
						  twice[_i].second, NULL });

	ck_assert_msg((result == 0) == twice[_i].ok, "row %d: %s", _i,
		      failure.msg);
	if (result != 0)
		return;
	ck_assert_int_eq(request.authorization_twice,
			 strstr(twice[_i].first, "AUTHORIZATION") != NULL);
	ck_assert(request.fetch_mode.p == NULL && request.fetch_site.p == NULL);
	ck_assert(request.preflight_method.p == NULL);
	ck_str(request.request_id, "");
	ck_assert(!request.accepts_json);
	ck_assert_int_eq(request.accepts_html,
			 strstr(twice[_i].first, "ACCEPT") != NULL);
	ck_str(request.user_agent,
	       strstr(twice[_i].first, "AGENT") != NULL ? "a" : "");
	ck_assert_int_eq(str_eq(request.authorization, STR("a")),
			 strstr(twice[_i].first, "AUTHORIZATION") != NULL);
}
END_TEST

START_TEST(number_of_cookie_fields_is_bounded)
{
	ck_assert_int_eq(PARSE("HTTP_COOKIE=1", "HTTP_COOKIE=2",
			       "HTTP_COOKIE=3", "HTTP_COOKIE=4",
			       "HTTP_COOKIE=5", "HTTP_COOKIE=6",
			       "HTTP_COOKIE=7", "HTTP_COOKIE=8", ),
			 0);
	ck_assert_uint_eq(request.ncookies, 8);
	ck_str(request.cookies[7], "8");
	add(STR("HTTP_COOKIE"), STR("9"));
	ck_assert_int_eq(parse_again(), -1);
	ck_assert_int_eq(failure.code, ERR_INPUT);
}
END_TEST

static const struct {
	const char *sent, *host, *port;
} hosts[] = {
	{ "Secure.Admin.EXAMPLE.com", "secure.admin.example.com", "" },
	{ "example.com.", "example.com", "" },
	{ "example.com:443", "example.com", "443" },
	{ "EXAMPLE.com.:443", "example.com", "443" },
	{ "127.0.0.1:8080", "127.0.0.1", "8080" },
	{ "[2001:DB8::1]:80", "[2001:db8::1]", "80" },
	{ "[::1]", "[::1]", "" },
	{ "localhost", "localhost", "" },
};

START_TEST(host_is_split_and_lowered)
{
	ck_assert_int_eq(PARSE("HTTP_HOST", ), -1);
	add(STR("HTTP_HOST"), str_from(hosts[_i].sent));
	ck_assert_msg(parse_again() == 0, "row %d", _i);
	ck_str(request.host, hosts[_i].host);
	ck_str(request.host_port, hosts[_i].port);
}
END_TEST

/* The bytes of a label and of a name are bounded: RFC 1035 section 2.3.4. */
static const struct {
	size_t label, labels;
	bool ok;
} lengths[] = {
	{ 63, 1, true },  { 64, 1, false }, { 63, 3, true },   { 62, 4, true },
	{ 63, 4, false }, { 1, 127, true }, { 1, 128, false },
};

START_TEST(length_of_the_host_is_bounded)
{
	char name[512];
	size_t n = 0;

	for (size_t i = 0; i < lengths[_i].labels; i++) {
		memset(name + n, 'a', lengths[_i].label);
		n += lengths[_i].label;
		name[n++] = '.';
	}
	(void)PARSE("HTTP_HOST", );
	add(STR("HTTP_HOST"), (struct str){ name, n });
	ck_assert_msg((parse_again() == 0) == lengths[_i].ok, "row %d", _i);
}
END_TEST

START_TEST(length_of_the_uri_is_bounded)
{
	static char uri[8194];

	memset(uri, 'a', sizeof(uri));
	uri[0] = '/';
	for (size_t n = 8192; n <= 8193; n++) {
		(void)PARSE("REQUEST_URI", );
		add(STR("REQUEST_URI"), (struct str){ uri, n });
		ck_assert_int_eq(parse_again(), n == 8192 ? 0 : -1);
	}
}
END_TEST

START_TEST(length_of_the_body_must_match)
{
	message.body = STR("12345");
	ck_assert_int_eq(PARSE("CONTENT_LENGTH=5", ), 0);
	ck_str(request.body, "12345");
	ck_assert_int_eq(PARSE("CONTENT_LENGTH=4", ), -1);
	ck_assert_int_eq(PARSE("CONTENT_LENGTH=6", ), -1);
	ck_assert_int_eq(PARSE("CONTENT_LENGTH=", ), 0);
	message.body = STR("");
	/* In a check the length is that of a body which the service does not
	 * get. */
	ck_assert_int_eq(PARSE("CONTENT_LENGTH=6", "AUTH_ACTION=verify", ), 0);
	ck_assert_int_eq(PARSE("CONTENT_LENGTH=x", "AUTH_ACTION=verify", ), -1);
	message.body_too_large = true;
	ck_assert_int_eq(PARSE("CONTENT_LENGTH=6", ), 0);
	ck_assert(request.body_too_large);
}
END_TEST

START_TEST(parsing_fails_without_memory)
{
	bool ran_out = true;

	for (unsigned n = 0; ran_out; n++) {
		int result;

		ck_assert_uint_lt(n, 100);
		arena_fail_after(arena, n);
		result = PARSE();
		ran_out = arena_has_failed(arena);
		ck_assert_int_eq(result, ran_out ? -1 : 0);
		ck_assert_int_eq(failure.code,
				 ran_out ? ERR_INTERNAL : ERR_NONE);
	}
}
END_TEST

/* The message tells a missing parameter from a malformed one. */
START_TEST(missing_parameter_is_named)
{
	static const char *const names[] = { "REQUEST_METHOD", "REQUEST_URI",
					     "HTTP_HOST", "REMOTE_ADDR" };
	const char *name = names[_i];
	char text[64];

	ck_assert_int_eq(PARSE(name, ), -1);
	ck_assert_int_eq(failure.code, ERR_INPUT);
	(void)snprintf(text, sizeof(text), "%s is missing", name);
	ck_assert_str_eq(failure.msg, text);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("http_request");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, plain_request_is_parsed);
	tcase_add_test(t, all_values_are_read);
	tcase_add_test(t, empty_headers_are_present);
	tcase_add_test(t, foreign_names_are_ignored);
	tcase_add_loop_test(t, action_is_determined, 0, ARRAY_LEN(actions));
	tcase_add_loop_test(t, values_are_checked, 0, ARRAY_LEN(facts));
	tcase_add_loop_test(t, nul_bytes_are_refused, 0, 7);
	tcase_add_loop_test(t, duplicates_are_refused, 0, ARRAY_LEN(twice));
	tcase_add_test(t, number_of_cookie_fields_is_bounded);
	tcase_add_loop_test(t, host_is_split_and_lowered, 0, ARRAY_LEN(hosts));
	tcase_add_loop_test(t, length_of_the_host_is_bounded, 0,
			    ARRAY_LEN(lengths));
	tcase_add_test(t, length_of_the_uri_is_bounded);
	tcase_add_test(t, length_of_the_body_must_match);
	tcase_add_loop_test(t, missing_parameter_is_named, 0, 4);
	tcase_add_test(t, parsing_fails_without_memory);
	return run_case(t);
}
