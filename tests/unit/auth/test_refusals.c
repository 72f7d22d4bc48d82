/* SPDX-License-Identifier: MIT */
/* auth/refusals: a refused check is logged and reported to the web server. */
#include "tests/unit/auth/flow_fixture.h"

#include <string.h>

static const char rules[] =
    "[store]\ndriver = memory\n"
    "[rule public]\npath = /public\nrequire = public\n"
    "[rule admin]\npath = /admin\nrequire = role:admin\n"
    "[rule user]\npath = /user\nrequire = user\n";

static void
start(const char *server)
{
	static char ini[2048];

	(void)snprintf(ini, sizeof(ini), "[server]\n%s\n%s", server, rules);
	flow_init(&f, ini);
	flow_log(&f, LOG_ERROR);
}

/* The log since the last call. */
static struct str
logged(void)
{
	return str_from(flow_logged(&f));
}

static bool
is_logged(void)
{
	return flow_holds(logged(), " refusal refused ");
}

#define FORGED                                                                 \
	" refusal refused status=403 reason=\"forged identity header\" "       \
	"host=www.example.com method=GET path=/",                              \
	    "forged identity header"

/* The status, reason and rule of each refusal, for the log and for the access
 * log of the web server. */
static const struct {
	const char *who, *uri, *extra;
	unsigned status;
	const char *line, *reason;
} rows[] = {
	{ NULL, "/admin/x?token=hidden", NULL, 401,
	  " refusal refused status=401 reason=\"not signed in\" "
	  "host=www.example.com method=GET path=/admin/x address=192.0.2.7 "
	  "request=test-request\n",
	  "not signed in" },
	{ NULL, "/auth/link/secret?x=hidden", NULL, 401,
	  "host=www.example.com method=GET path=/auth/link/ address=",
	  "not signed in" },
	{ "HTTP_COOKIE=__Host-fcgiauth=forged", "/user", NULL, 401,
	  "status=401 reason=\"invalid credential\" host=",
	  "invalid credential" },
	{ "bob", "/admin/x?token=hidden", "REQUEST_ID=4f-98765", 403,
	  " refusal refused status=403 reason=rule rule=admin user=bob "
	  "host=www.example.com method=GET path=/admin/x address=192.0.2.7 "
	  "request=4f-98765\n",
	  "rule admin" },
	{ "bob", "/elsewhere", NULL, 403,
	  "status=403 reason=\"no rule\" user=bob host=www.example.com "
	  "method=GET path=/elsewhere address=192.0.2.7 request=test-request\n",
	  "no rule" },
	{ "bob", "/user", "AUTH_REQUIRE=role:staff", 403,
	  "reason=location user=bob host=www.example.com method=GET path=/user "
	  "require=role:staff address=",
	  "location" },
	{ "bob", "/user/%2e%2e/admin", NULL, 403,
	  "status=403 reason=\"hidden dot segment\" host=",
	  "hidden dot segment" },
	{ "bob", "/user/..//admin", NULL, 403,
	  "status=403 reason=\"ambiguous path\" user=bob host=",
	  "ambiguous path" },
	{ "bob", "/user", "HTTP_HOST=evil.example.com", 403,
	  "status=403 reason=\"unknown host\" host=evil.example.com method=GET "
	  "path=/user address=",
	  "unknown host" },
	{ "bob", "/user", "SERVER_PORT=x", 403,
	  "status=403 reason=\"malformed request\" "
	  "detail=\"SERVER_PORT is malformed\" host=www.example.com ",
	  "malformed request" },
	{ "bob", "/user", "HTTP_REMOTE_USER=alice", 403, FORGED },
	{ "bob", "/user", "HTTP_REMOTE_GROUPS=admin", 403, FORGED },
	{ "bob", "/user", "HTTP_REMOTE_EMAIL=a@b.example", 403, FORGED },
	{ "bob", "/user", "HTTP_REMOTE_NAME=Alice", 403, FORGED },
	{ NULL, "/public/x", "HTTP_REMOTE_USER=alice", 403, FORGED },
	{ "bob", "/user", "HTTP_REMOTE_USER=", 204, NULL, NULL },
	{ "bob", "/user", "HTTP_REMOTE_OTHER=x", 204, NULL, NULL },
	{ "bob", "/user", "REQUEST_ID=a b", 204, NULL, NULL },
	{ NULL, "/public/x", NULL, 204, NULL, NULL },
};

START_TEST(refusal_has_its_reason)
{
	const char *who = rows[_i].who;
	struct flow_answer a;
	struct str log;

	start("hosts = www.example.com\nlog_refusals = all");
	if (who != NULL && strchr(who, '=') == NULL)
		who = flow_login(&f, who);
	(void)logged();
	a = flow_verify(&f, rows[_i].uri, who, rows[_i].extra);
	log = logged();
	ck_assert_msg(a.status == rows[_i].status, "row %d: the status is %u",
		      _i, a.status);
	ck_assert_msg(rows[_i].line == NULL ? !flow_holds(log, "refused") :
					      flow_holds(log, rows[_i].line),
		      "row %d: the log is %.*s", _i, STR_ARG(log));
	ck_assert(!flow_holds(log, "hidden\n") && !flow_holds(log, "token"));
	ck_assert_msg(str_eq(flow_header(&a, "Auth-Reason"),
			     str_from(rows[_i].reason)),
		      "row %d", _i);
	/* Only an allowed check has an identity. */
	if (a.status != 204)
		ck_assert_ptr_null(flow_header(&a, "Remote-User").p);
	ck_assert_uint_eq(a.body.n, 0);
}
END_TEST

/* At a page of the service the host may not have been checked before. */
START_TEST(unknown_host_is_logged)
{
	static const char other[] = "HTTP_HOST=other.example.com";

	start("hosts = www.example.com");
	f.log.level = LOG_INFO;
	(void)logged();
	ck_assert_uint_eq(flow_get(&f, "/auth/login", other, NULL).status, 400);
	ck_assert(flow_holds(
	    logged(), " unknown_host host=other.example.com path=/auth/login "
		      "address=192.0.2.7 request=test-request "
		      "cure=\"if this host is yours, add "
		      "it to server.hosts\" left_out=0\n"));
	/* Clients can cause as many of these as they like, so the lines are
	 * limited. */
	for (int i = 0; i < 3; i++)
		(void)flow_get(&f, "/auth/login", other, NULL);
	ck_assert(!flow_holds(logged(), "unknown_host"));
	fake_env_advance(&f.fake, 1);
	(void)flow_get(&f, "/auth/login", other, NULL);
	ck_assert(flow_holds(logged(), "left_out=3\n"));
	/* These endpoints answer for every host. */
	ck_assert_uint_eq(flow_get(&f, "/auth/health", other, NULL).status,
			  200);
}
END_TEST

/* The user name of a refused request, for the access log. */
START_TEST(refused_user_is_named)
{
	struct flow_answer a;

	start("");
	a = flow_verify(&f, "/admin", flow_login(&f, "bob"), NULL);
	ck_assert_uint_eq(a.status, 403);
	ck_assert(str_eq(flow_header(&a, "Auth-User"), STR("bob")));
	a = flow_verify(&f, "/user", flow_login(&f, "bob"), NULL);
	ck_assert_uint_eq(a.status, 204);
	ck_assert_ptr_null(flow_header(&a, "Auth-User").p);
	ck_assert_ptr_null(flow_header(&a, "Auth-Reason").p);
}
END_TEST

/* Returns the ID in the line of a refused request. */
static struct str
logged_id(const char *extra)
{
	const char *id;
	struct str log;

	(void)logged();
	ck_assert_uint_eq(flow_verify(&f, "/user", NULL, extra).status, 401);
	log = logged();
	id = strstr(flow_text(&f, "%.*s", STR_ARG(log)), "request=");
	if (id == NULL)
		return STR("");
	id += strlen("request=");
	return (struct str){ .p = id, .n = strcspn(id, "\n") };
}

/* The service makes an ID if the web server sends none, or an unusual one. */
START_TEST(request_without_id_gets_one)
{
	struct str first, second;

	start("log_refusals = all");
	first = logged_id("REQUEST_ID=");
	second = logged_id("REQUEST_ID=short");
	ck_assert_uint_eq(first.n, 16);
	ck_assert_uint_eq(strspn(first.p, "0123456789abcdef"), 16);
	ck_assert_uint_eq(second.n, 16);
	ck_assert(!str_eq(first, second));
	f.fake.no_entropy = true;
	ck_assert_uint_eq(logged_id("REQUEST_ID=").n, 0);
}
END_TEST

/* Values that clients choose are cut, each to its own length. */
START_TEST(long_values_are_cut)
{
	static const struct {
		const char *param, *shown;
		size_t most;
		const char *other; /* the reason of the refusal */
	} longest[] = {
		{ "HTTP_HOST=", " host=", 255, "SERVER_PORT=x" },
		{ "REQUEST_METHOD=", " method=", 32, "SERVER_PORT=x" },
		{ "REQUEST_URI=", " path=", 512, "SERVER_PORT=x" },
		{ "REMOTE_ADDR=", " address=", 64, "SERVER_PORT=x" },
		{ "AUTH_REQUIRE=role:", " require=role:", 128 - 5,
		  "REQUEST_ID=1" },
	};
	static char xs[601];
	const char *bob;

	start("log_refusals = all");
	memset(xs, 'x', sizeof(xs) - 1);
	bob = flow_login(&f, "bob");
	for (size_t i = 0; i < ARRAY_LEN(longest); i++) {
		const char *const params[] = {
			"AUTH_ACTION=verify", bob, longest[i].other,
			flow_text(&f, "%s%s", longest[i].param, xs), NULL
		};
		const char *field = flow_text(&f, "%s%.*s", longest[i].shown,
					      (int)longest[i].most, xs);
		struct str log;

		(void)logged();
		ck_assert_uint_eq(flow_ask(&f, false, params, NULL).status,
				  403);
		log = logged();
		ck_assert_msg(flow_holds(log, flow_text(&f, "%s ", field)) ||
				  flow_holds(log, flow_text(&f, "%s\n", field)),
			      "%s is not cut in %.*s", longest[i].shown,
			      STR_ARG(log));
	}
}
END_TEST

START_TEST(log_refusals_selects_the_lines)
{
	static const struct {
		const char *set;
		bool login, forbidden;
	} sets[] = {
		{ "", false, true },
		{ "log_refusals = no", false, false },
		{ "log_refusals = forbidden", false, true },
		{ "log_refusals = all", true, true },
	};
	const char *bob;

	start(sets[_i].set);
	bob = flow_login(&f, "bob");
	(void)logged();
	ck_assert_uint_eq(flow_verify(&f, "/user", NULL, NULL).status, 401);
	ck_assert(is_logged() == sets[_i].login);
	ck_assert_uint_eq(flow_verify(&f, "/admin", bob, NULL).status, 403);
	ck_assert(is_logged() == sets[_i].forbidden);
	/* A challenge is about the same request, so one line is enough. */
	(void)flow_get(&f, "/admin", "AUTH_ACTION=challenge", bob);
	ck_assert(!is_logged());
}
END_TEST

START_TEST(lines_of_refusals_are_limited)
{
	const char *bob;
	size_t n = 0;
	struct str log, line;

	start("");
	bob = flow_login(&f, "bob");
	(void)logged();
	for (unsigned i = 0; i < 50; i++)
		(void)flow_verify(&f, "/admin", bob, NULL);
	log = logged();
	while (str_cut(&log, '\n', &line))
		n += flow_holds(line, "refused") ? 1 : 0;
	ck_assert_uint_eq(n, 20);
	fake_env_advance(&f.fake, 1);
	(void)flow_verify(&f, "/admin", bob, NULL);
	ck_assert(flow_holds(logged(), " left_out=30\n"));
}
END_TEST

/* The lines of a failed store or user source are limited, too. */
START_TEST(lines_of_failures_are_limited)
{
	size_t n = 0;
	struct str log, line;

	start("");
	f.users_table.down = true;
	for (unsigned i = 0; i < 50; i++)
		ck_assert_uint_eq(
		    flow_sign_in(&f, "bob", FLOW_PASSWORD, NULL).status, 503);
	log = logged();
	while (str_cut(&log, '\n', &line))
		n += flow_holds(line, " unavailable reason=") ? 1 : 0;
	ck_assert_uint_eq(n, 20);
	fake_env_advance(&f.fake, 1);
	(void)flow_sign_in(&f, "bob", FLOW_PASSWORD, NULL);
	ck_assert(flow_holds(logged(), " left_out=30\n"));
	fake_env_advance(&f.fake, 1);
	(void)flow_sign_in(&f, "bob", FLOW_PASSWORD, NULL);
	ck_assert(!flow_holds(logged(), "left_out"));
}
END_TEST

/* For each refusal of an authorizer or a challenge a person gets a page, and a
 * program JSON. */
START_TEST(every_refusal_has_a_page)
{
	static const char *const extra[] = { "HTTP_HOST=evil.example.com",
					     "SERVER_PORT=x",
					     "REQUEST_URI=/user/%2e%2e/admin",
					     "REQUEST_URI=/user/..//admin" };
	const char *bob;

	start("hosts = www.example.com");
	bob = flow_login(&f, "bob");
	for (unsigned i = 0; i < 4; i++) {
		const bool authorizer = i < 2;
		const char *const params[] = {
			bob, extra[_i],
			i % 2 == 0 ? "HTTP_ACCEPT=text/html" :
				     "HTTP_ACCEPT=*/*",
			authorizer ? NULL : "AUTH_ACTION=challenge", NULL
		};
		struct flow_answer a = flow_ask(&f, authorizer, params, NULL);

		ck_assert_uint_eq(a.status, 403);
		ck_assert_msg(str_starts(flow_header(&a, "Content-Type"),
					 i % 2 == 0 ? STR("text/html") :
						      STR("application/json")),
			      "wrong type of answer %u", i);
		ck_assert(!flow_holds(a.body, "<h1>Sign in</h1>"));
		ck_assert_ptr_null(flow_header(&a, "Auth-Reason").p);
	}
}
END_TEST

/* The page of a refusal has a heading, and a button for the next step if there
 * is one. */
START_TEST(refusals_have_headings)
{
	static const struct {
		const char *method, *uri, *type, *body, *extra, *title;
		unsigned status;
		const char *next; /* where the button leads to; NULL: none */
	} pages[] = {
		{ "GET", "/auth/login?rd=%zz", "", NULL, NULL,
		  "This address does not work", 400, "/" },
		{ "POST", "/auth/logout", "", NULL,
		  "HTTP_COOKIE=__Host-fcgiauth=a; __Host-fcgiauth=b",
		  "Two accounts at once", 401, "/auth/login" },
		{ "POST", "/auth/logout", "", NULL,
		  "HTTP_ORIGIN=https://evil.example",
		  "This form came from another site", 403, NULL },
		{ "GET", "/auth/none", "", NULL, NULL, "There is no such page",
		  404, "/" },
		{ "DELETE", "/auth/me", "", NULL, NULL,
		  "This page cannot be used in this way", 405, "/" },
		{ "POST", "/auth/logout", "text/plain", "x", NULL,
		  "This form cannot be read", 415, "/" },
	};
	struct flow_answer a;
	const char *params[6];

	start("");
	params[0] = flow_text(&f, "REQUEST_METHOD=%s", pages[_i].method);
	params[1] = flow_text(&f, "REQUEST_URI=%s", pages[_i].uri);
	params[2] = flow_text(&f, "CONTENT_TYPE=%s", pages[_i].type);
	params[3] = "HTTP_SEC_FETCH_MODE=navigate";
	params[4] = pages[_i].extra;
	params[5] = NULL;
	a = flow_ask(&f, false, params, pages[_i].body);
	ck_assert_uint_eq(a.status, pages[_i].status);
	ck_assert_msg(flow_holds(a.body,
				 flow_text(&f, "<h1>%s</h1>", pages[_i].title)),
		      "wrong heading in %.*s", STR_ARG(a.body));
	ck_assert(flow_holds(a.body, "class=\"button\"") ==
		  (pages[_i].next != NULL));
	ck_assert(pages[_i].next == NULL ||
		  flow_holds(a.body,
			     flow_text(&f, "class=\"button\" href=\"%s\"",
				       pages[_i].next)));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("refusals");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_loop_test(t, refusal_has_its_reason, 0, ARRAY_LEN(rows));
	tcase_add_test(t, unknown_host_is_logged);
	tcase_add_test(t, refused_user_is_named);
	tcase_add_test(t, request_without_id_gets_one);
	tcase_add_test(t, long_values_are_cut);
	tcase_add_loop_test(t, log_refusals_selects_the_lines, 0, 4);
	tcase_add_test(t, lines_of_refusals_are_limited);
	tcase_add_test(t, lines_of_failures_are_limited);
	tcase_add_loop_test(t, every_refusal_has_a_page, 0, 4);
	tcase_add_loop_test(t, refusals_have_headings, 0, 6);
	return run_case(t);
}
