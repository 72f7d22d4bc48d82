/* SPDX-License-Identifier: MIT */
/* Messages to the person and to the administrator when an Origin is refused. */
#include "tests/unit/auth/origin_fixture.h"

/* The messages on the page and in the log. */
static const struct {
	const char *hosts;
	struct post p;
	const char *page, *reason, *cure;
} told[] = {
	{ "",
	  { "a.example", NULL, "80", "https://a.example", "same-origin" },
	  "shows this site as <bdi>https://a.example</bdi>, but",
	  "not named",
	  "cure=\"server.hosts = https://a.example\"" },
	{ "",
	  { "a.example", NULL, "80", "http://a.example:8080", NULL },
	  "<bdi>http://a.example:8080</bdi>, but",
	  "not named",
	  "cure=\"server.hosts = http://a.example:8080\"" },
	{ "hosts = b.example a.example https://c.example:1\n",
	  { "a.example", NULL, "80", "https://a.example:8443", NULL },
	  "<bdi>https://a.example:8443</bdi>, but",
	  "not named",
	  "cure=\"server.hosts = b.example https://c.example:1 "
	  "https://a.example:8443\"" },
	{ "hosts = https://a.example b.example\n",
	  { "a.example", NULL, "80", "https://a.example:8443", NULL },
	  "<bdi>https://a.example:8443</bdi>, but",
	  "not named",
	  "cure=\"server.hosts = https://a.example b.example "
	  "https://a.example:8443\"" },
	{ "hosts = http://a.example b.example\n",
	  { "a.example", NULL, "80", "https://a.example", NULL },
	  "<bdi>https://a.example</bdi>, but",
	  "not named",
	  "cure=\"server.hosts = b.example https://a.example\"" },
	/* No message recommends a change to http. */
	{ "hosts = https://a.example\n",
	  { "a.example", NULL, "80", "http://a.example", NULL },
	  "Open this site by https",
	  "over plain http",
	  "cure=\"let the web server redirect http to https\"" },
	{ "",
	  { "a.example", "on", "443", "http://a.example", NULL },
	  "Open this site by https",
	  "over plain http",
	  "cure=\"let the web server redirect http to https\"" },
	{ "",
	  { "127.0.0.1:9", NULL, "9", "https://a.example", "same-origin" },
	  "pass on the Host header unchanged",
	  "Host header",
	  "cure=\"pass the Host header on unchanged\"" },
	{ "",
	  { "a.example", "on", "443", "https://evil.example", "cross-site" },
	  "A page of <bdi>https://evil.example</bdi>",
	  "another site",
	  "cors.origins" },
	{ "",
	  { "a.example", "on", "443", "null", NULL },
	  "does not say which page",
	  "does not say",
	  "Referrer-Policy" },
	{ "",
	  { "a.example", "on", "443", NULL, "cross-site" },
	  "does not say which page",
	  "does not say",
	  "Referrer-Policy" },
	{ "",
	  { "a.example", "on", "443", NULL, "same-site" },
	  "does not say which page",
	  "does not say",
	  "Referrer-Policy" },
	{ "",
	  { "a.example", "on", "443", "<b>", NULL },
	  "does not say which page",
	  "does not say",
	  "Referrer-Policy" },
};

static struct flow_answer
post_form(const struct post *p, const char *more)
{
	const char *const params[] = {
		"REQUEST_METHOD=POST",
		"REQUEST_URI=/auth/login",
		"CONTENT_TYPE=" FORM,
		"HTTP_ACCEPT=text/html,*/*",
		flow_text(&f, "HTTP_HOST=%s", p->host),
		flow_text(&f, "HTTPS=%s", p->https != NULL ? p->https : ""),
		flow_text(&f, "SERVER_PORT=%s", p->port),
		flow_text(&f, "%s_ORIGIN=%s", p->origin != NULL ? "HTTP" : "X",
			  p->origin != NULL ? p->origin : ""),
		flow_text(&f, "%s=%s",
			  p->site != NULL ? "HTTP_SEC_FETCH_SITE" : "X_SITE",
			  p->site != NULL ? p->site : ""),
		more,
		NULL,
	};

	return flow_ask(&f, false, params,
			"username=alice&password=correct+horse+battery&csrf=x");
}

START_TEST(refusal_tells_its_cure)
{
	struct flow_answer a;
	const char *text;
	char ini[256];

	(void)snprintf(ini, sizeof(ini), "[server]\n%s" MEMORY, told[_i].hosts);
	init(ini);
	a = post_form(&told[_i].p, NULL);
	ck_assert_uint_eq(a.status, 403);
	ck_assert_msg(flow_holds(flow_header(&a, "Content-Type"), "text/html"),
		      "row %d", _i);
	ck_assert_msg(flow_holds(a.body, told[_i].page), "row %d: %.*s", _i,
		      STR_ARG(a.body));
	ck_assert(!flow_holds(a.body, "<b>"));
	text = logged();
	ck_assert_msg(strstr(text, "csrf_refused") != NULL &&
			  strstr(text, told[_i].reason) != NULL &&
			  strstr(text, told[_i].cure) != NULL,
		      "row %d: %s", _i, text);
	/* At most five lines per second are logged, and the next line tells how
	 * many were suppressed. */
	for (int i = 0; i < 20; i++)
		(void)post_form(&told[_i].p, NULL);
	text = logged();
	for (int i = 0; i < 5; i++) {
		text = strchr(text, '\n');
		ck_assert_ptr_nonnull(text++);
	}
	ck_assert_str_eq(text, "");
	(void)post_form(&told[_i].p, NULL);
	ck_assert_ptr_nonnull(strstr(logged(), "left_out=15"));
	/* A program gets the same refusal as JSON. */
	a = post_json(&told[_i].p);
	ck_assert_uint_eq(a.status, 403);
	ck_assert(flow_holds(a.body, "{\"error\":\"csrf\","));
	done();
}
END_TEST

/* A browser drops Secure cookies on plain http. The origin is then correct, but
 * each form lacks its cookie. */
static const struct {
	const char *ini;
	struct post p;
	bool told;
	const char *cure;
} dropped[] = {
	{ MEMORY,
	  { "nas.lan", NULL, "80", "http://nas.lan", NULL },
	  true,
	  "cure=\"server.hosts = http://nas.lan\"" },
	{ MEMORY,
	  { "nas.lan:8080", NULL, "8080", "http://nas.lan:8080", NULL },
	  true,
	  "cure=\"server.hosts = http://nas.lan:8080\"" },
	{ MEMORY,
	  { "nas.lan:8080", NULL, "8080", NULL, NULL },
	  true,
	  "cure=\"server.hosts = http://nas.lan:8080\"" },
	{ "[server]\nhosts = nas.lan b.lan\n" MEMORY,
	  { "nas.lan", NULL, "80", "http://nas.lan", NULL },
	  true,
	  "cure=\"server.hosts = b.lan http://nas.lan\"" },
	{ "[server]\nhosts = http://nas.lan\n" MEMORY,
	  { "nas.lan", NULL, "80", "http://nas.lan", NULL },
	  false,
	  "did not send our cookie" },
	{ "[cookie]\nsecure = no\n" MEMORY,
	  { "nas.lan", NULL, "80", "http://nas.lan", NULL },
	  false,
	  "did not send our cookie" },
	{ "[server]\nhosts = https://nas.lan\n" MEMORY,
	  { "nas.lan", NULL, "80", "https://nas.lan", NULL },
	  false,
	  "did not send our cookie" },
	{ MEMORY,
	  { "nas.lan", "on", "443", "https://nas.lan", NULL },
	  false,
	  "did not send our cookie" },
};

START_TEST(missing_cookie_is_explained)
{
	struct flow_answer a;
	const char *text;

	init(dropped[_i].ini);
	a = post_form(&dropped[_i].p, NULL);
	ck_assert_uint_eq(a.status, 403);
	ck_assert(flow_holds(a.body, "<form method=\"post\""));
	ck_assert_msg(flow_holds(a.body, "This address is plain http") ==
			  dropped[_i].told,
		      "row %d: %.*s", _i, STR_ARG(a.body));
	text = logged();
	ck_assert_msg(strstr(text, "csrf_refused") != NULL &&
			  strstr(text, dropped[_i].cure) != NULL,
		      "row %d: %s", _i, text);
	done();
}
END_TEST

/* The cookie was sent, but the token is not that of the cookie. */
START_TEST(wrong_token_is_explained)
{
	static const struct post p = { "a.example", NULL, "80",
				       "http://a.example", NULL };
	struct flow_answer a;

	init(MEMORY);
	a = post_form(&p, "HTTP_COOKIE=__Host-fcgiauth_login="
			  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	ck_assert_uint_eq(a.status, 403);
	ck_assert(flow_holds(a.body, "This page was open for too long"));
	ck_assert_ptr_nonnull(strstr(logged(), "not belong to the cookie"));
	done();
}
END_TEST

/* The list of hosts is too long for a line of the log. */
START_TEST(long_list_is_shortened_in_the_log)
{
	static char ini[8192];
	static const struct post p = { "a.example", NULL, "80",
				       "https://a.example", NULL };
	size_t n =
	    (size_t)snprintf(ini, sizeof(ini), "[server]\nhosts = a.example");

	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(ini + n, sizeof(ini) - n,
				      " host-number-%d.example", i);
	(void)snprintf(ini + n, sizeof(ini) - n, "\n" MEMORY);
	init(ini);
	ck_assert_uint_eq(post_form(&p, NULL).status, 403);
	ck_assert_ptr_nonnull(strstr(
	    logged(), "cure=\"add to server.hosts: https://a.example\""));
	done();
}
END_TEST

int
main(void)
{
	TCase *t = new_case("origin_refusals");

	tcase_add_loop_test(t, refusal_tells_its_cure, 0, ARRAY_LEN(told));
	tcase_add_loop_test(t, missing_cookie_is_explained, 0,
			    ARRAY_LEN(dropped));
	tcase_add_test(t, wrong_token_is_explained);
	tcase_add_test(t, long_list_is_shortened_in_the_log);
	return run_case(t);
}
