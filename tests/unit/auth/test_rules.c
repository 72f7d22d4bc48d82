/* SPDX-License-Identifier: MIT */
/* The rule that decides about a request, and what rules may contain. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "tests/unit/auth/rules_fixture.h"

START_TEST(service_without_rules_requires_a_user)
{
	struct fixture r;
	const struct rule_question q = { .host = STR("a"),
					 .method = STR("GET"),
					 .address = STR("::1") };
	static const struct str v[] = { LIT("/"), LIT("/a") };
	const struct words paths = { .v = v, .n = ARRAY_LEN(v) };
	const struct rule_outcome *out;
	struct err err;

	fixture_init(&r, STR(""));
	ck_assert(!rules_see_paths(r.rules));
	ck_assert_int_eq(rules_evaluate(r.rules, &q, &paths, r.parsed.arena,
					&out, &err),
			 0);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(out[i].verdict, RULE_ASK);
		ck_assert_ptr_null(out[i].rule);
		ck_assert(str_eq(out[i].require, STR("user")));
	}
	fixture_free(&r);
}
END_TEST

START_TEST(requirements_give_the_verdict)
{
	static const struct {
		const char *words;
		enum rule_verdict verdict;
	} rows[] = {
		{ "public", RULE_PUBLIC },
		{ "role:x public", RULE_PUBLIC },
		{ "deny", RULE_DENY },
		{ "user", RULE_ASK },
		{ "user:a role:b:c", RULE_ASK },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static const struct asked q = GET("/");
		enum rule_verdict verdict;
		struct fixture r;
		char ini[200];

		(void)snprintf(ini, sizeof(ini), "[rule a]\nrequire = %s\n",
			       rows[i].words);
		fixture_init(&r, str_from(ini));
		ck_assert(str_eq(ask(&r, &q, &verdict), STR("a")));
		ck_assert_msg(verdict == rows[i].verdict, "row %zu", i);
		fixture_free(&r);
	}
}
END_TEST

static const char conditions[] =
    "[rule host]\nhost = App.example.com [::1] 192.0.2.1\npath = /h\n"
    "require = user\n"
    "[rule get]\nmethod = GET\npath = /m\nrequire = public\n"
    "[rule head]\nmethod = HEAD\npath = /m2\nrequire = public\n"
    "[rule write]\nmethod = POST PUT X-OWN\npath = /m\nrequire = user\n"
    "[rule v4]\nnetwork = 10.0.0.0/8 192.0.2.9\npath = /n\n"
    "require = public\n"
    "[rule v6]\nnetwork = 2001:db8::/33\npath = /n\nrequire = public\n"
    "[rule mapped]\nnetwork = ::ffff:172.16.0.0/108\npath = /n\n"
    "require = public\n"
    "[rule all6]\nnetwork = ::/0\npath = /six\nrequire = public\n"
    "[rule inner]\nnetwork = 10.0.0.0/8\npath = /deny\nrequire = deny\n"
    "[rule outer]\npath = /deny\nrequire = public\n"
    "[rule any]\npath = /any\nrequire = public\n";

static const struct {
	struct asked q;
	const char *rule;
} conditional[] = {
	{ { "GET", "app.example.com", "/h", "::1" }, "host" },
	{ { "GET", "[::1]", "/h", "::1" }, "host" },
	{ { "GET", "192.0.2.1", "/h", "::1" }, "host" },
	{ { "GET", "x.app.example.com", "/h", "::1" }, "" },
	{ { "GET", "app.example.com.evil", "/h", "::1" }, "" },
	{ { "GET", "example.com", "/h", "::1" }, "" },
	{ { "GET", "", "/h", "::1" }, "" },
	{ { "GET", "a", "/m", "::1" }, "get" },
	{ { "HEAD", "a", "/m", "::1" }, "get" },
	{ { "POST", "a", "/m", "::1" }, "write" },
	{ { "X-OWN", "a", "/m", "::1" }, "write" },
	{ { "get", "a", "/m", "::1" }, "" },
	{ { "GETX", "a", "/m", "::1" }, "" },
	{ { "OPTIONS", "a", "/m", "::1" }, "" },
	{ { "HEAD", "a", "/m2", "::1" }, "head" },
	{ { "GET", "a", "/m2", "::1" }, "" },
	{ { "GET", "a", "/n", "10.255.0.1" }, "v4" },
	{ { "GET", "a", "/n", "11.0.0.0" }, "" },
	{ { "GET", "a", "/n", "192.0.2.9" }, "v4" },
	{ { "GET", "a", "/n", "192.0.2.8" }, "" },
	{ { "GET", "a", "/n", "::ffff:10.1.2.3" }, "v4" },
	{ { "GET", "a", "/n", "::10.1.2.3" }, "" },
	{ { "GET", "a", "/n", "2001:db8:7fff::1" }, "v6" },
	{ { "GET", "a", "/n", "2001:db8:8000::1" }, "" },
	{ { "GET", "a", "/n", "172.31.0.1" }, "mapped" },
	{ { "GET", "a", "/n", "172.32.0.1" }, "" },
	{ { "GET", "a", "/six", "fe80::1" }, "all6" },
	{ { "GET", "a", "/six", "10.0.0.1" }, "" },
	{ { "GET", "a", "/six", "::ffff:10.0.0.1" }, "" },
	{ { "GET", "a", "/deny", "10.0.0.1" }, "inner" },
	{ { "GET", "a", "/deny", "11.0.0.1" }, "outer" },
	{ { "GET", "a", "/any", "" }, "any" },
};

START_TEST(conditions_select_the_rule)
{
	struct fixture r;

	fixture_init(&r, str_from(conditions));
	for (size_t i = 0; i < ARRAY_LEN(conditional); i++)
		expect(&r, &conditional[i].q, conditional[i].rule, i);
	fixture_free(&r);
}
END_TEST

/* authentik, CVE-2024-47070: without an address neither an allowing nor a
 * refusing rule is skipped. */
START_TEST(unreadable_address_is_refused)
{
	static const char *const addresses[] = {
		"",
		"unix:",
		"a",
		"10.0.0.1,10.0.0.2",
		"10.0.0.1:80",
		"[::1]",
		"fe80::1%eth0",
		"10.0.0.01",
		"10.1",
		"0x0a.0.0.1",
		" 10.0.0.1",
		"10.0.0.1/8",
	};
	static const struct {
		const char *uri, *rule;
	} rows[] = { { "/n", "v4" }, { "/six", "all6" }, { "/deny", "inner" } };
	struct fixture r;

	fixture_init(&r, str_from(conditions));
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
			const struct asked q = { "GET", "a", rows[k].uri,
						 addresses[i] };
			enum rule_verdict verdict = RULE_PUBLIC;
			struct str rule = ask(&r, &q, &verdict);

			ck_assert_msg(str_eq(rule, str_from(rows[k].rule)) &&
					  verdict == RULE_DENY,
				      "row %zu, %s: a rule was skipped", i,
				      rows[k].uri);
		}
	}
	fixture_free(&r);
}
END_TEST

/* Caddy, CVE-2026-27588: lists of more than 100 hosts were compared in another
 * way. */
START_TEST(rule_may_have_many_hosts)
{
	static const size_t counts[] = { 1, 99, 100, 101, 1000 };

	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct arena *a = arena_new(ARENA_BYTES);
		enum rule_verdict verdict;
		struct buf ini;
		struct fixture r;

		buf_init(&ini, a, 1024 * 1024);
		buf_add_cstr(&ini, "[rule a]\nrequire = public\nhost =");
		for (size_t k = 0; k < counts[i]; k++)
			buf_printf(&ini, " H%zu.Example.com", k);
		fixture_init(&r, buf_str(&ini));
		for (size_t k = 0; k <= counts[i]; k++) {
			char host[64];
			const struct asked q = { "GET", host, "/", "::1" };

			(void)snprintf(host, sizeof(host), "h%zu.example.com",
				       k);
			ck_assert_msg(str_eq(ask(&r, &q, &verdict),
					     k < counts[i] ? STR("a") :
							     STR("")),
				      "row %zu: wrong rule for host %zu", i, k);
		}
		fixture_free(&r);
		arena_free(a);
	}
}
END_TEST

START_TEST(there_may_be_many_rules)
{
	struct arena *a = arena_new(ARENA_BYTES);
	enum rule_verdict verdict;
	struct buf ini;
	struct fixture r;

	buf_init(&ini, a, 1024 * 1024);
	for (size_t k = 0; k < 1000; k++) {
		buf_printf(&ini,
			   "[rule r%zu]\nhost = h%zu.example.com\n"
			   "path_regex = /p%zu/.+\nmethod = GET\n"
			   "network = 10.0.0.0/8\nrequire = user\n",
			   k, k, k);
	}
	fixture_init(&r, buf_str(&ini));
	ck_assert_uint_eq(r.parsed.settings.rules.n, 1000);
	for (size_t k = 0; k < 1000; k++) {
		char host[64], uri[64], name[64];
		const struct asked q = { "GET", host, uri, "10.0.0.1" };

		(void)snprintf(host, sizeof(host), "h%zu.example.com", k);
		(void)snprintf(uri, sizeof(uri), "/p%zu/x", k);
		(void)snprintf(name, sizeof(name), "r%zu", k);
		expect(&r, &q, name, k);
		ck_assert_int_eq(r.parsed.settings.rules.v[k].line, 6 * k + 1);
	}
	(void)ask(&r, &(struct asked)GET("/"), &verdict);
	fixture_free(&r);
	arena_free(a);
}
END_TEST

/* Without a limit each of these would run practically for ever. */
START_TEST(expensive_regex_has_no_answer)
{
	static const char *const regexes[] = {
		"/(a+)+[bc]",	      "/(a|aa)+[bc]",  "/(.*)*[bc]",
		"/(a?){60}a{60}[bc]", "/((a*)*)*[bc]", "/(?:(?=a)a|a)+[bc]",
	};
	char uri[200] = "/";

	memset(uri + 1, 'a', 100);
	uri[101] = 'd';
	for (size_t i = 0; i < ARRAY_LEN(regexes); i++) {
		const struct asked q = GET(uri);
		enum rule_verdict verdict;
		clock_t began;
		struct fixture r;
		char ini[400];

		(void)snprintf(ini, sizeof(ini),
			       "[rule a]\npath_regex = %s\nrequire = public\n"
			       "[rule b]\nrequire = public\n",
			       regexes[i]);
		fixture_init(&r, str_from(ini));
		began = clock();
		ck_assert_msg(str_eq(ask(&r, &q, &verdict), STR("untold")),
			      "row %zu", i);
		ck_assert_int_eq(verdict, RULE_DENY);
		/* Processor time, so that a busy machine does not count. */
		ck_assert_msg(clock() - began < CLOCKS_PER_SEC / 5,
			      "row %zu takes %ld ms", i,
			      (long)(clock() - began) * 1000 / CLOCKS_PER_SEC);
		fixture_free(&r);
	}
}
END_TEST

/* An expression that costs half of the limit once is too expensive for a path
 * with many readings. */
START_TEST(readings_share_the_limit)
{
	static const char ini[] = "[rule a]\npath_regex = /(a+)+[bc].*\n"
				  "require = public\n"
				  "[rule b]\nrequire = public\n";
	struct fixture r;

	fixture_init(&r, str_from(ini));
	expect(&r, &(struct asked)GET("/aaaaaaaaaaaad/b"), "b", 0);
	expect(&r, &(struct asked)GET("/aaaaaaaaaaaad;/b"), "b", 1);
	expect(&r, &(struct asked)GET("/aaaaaaaaaaaad;%2f%5c//%253b/../b"),
	       "untold", 2);
	fixture_free(&r);
}
END_TEST

/* A usual expression has an answer for the longest path. */
START_TEST(long_path_has_an_answer)
{
	static const char ini[] =
	    "[rule a]\npath_regex = /(?:[a-z]+/)*[a-z]+\\.html\n"
	    "require = user\n"
	    "[rule b]\npath_regex = .*/x/.*/y\nrequire = user\n"
	    "[rule c]\npath_regex = (?:/[^/]+)+/?\nrequire = user\n";
	static char uri[8192];
	const struct asked q = GET(uri);
	struct fixture r;

	for (size_t i = 0; i < sizeof(uri) - 1; i++)
		uri[i] = i % 8 == 0 ? '/' : 'a';
	fixture_init(&r, str_from(ini));
	expect(&r, &q, "c", 0);
	fixture_free(&r);
}
END_TEST

/* A path with too many readings is refused if a rule has a path, and is not
 * read otherwise. */
START_TEST(path_with_too_many_readings_is_refused)
{
	static const char many[] =
	    "/a;b\\c//d%3be%5cf%2f%2fg%253bh%255ci%252f%252fj/k";
	static const struct {
		struct str ini;
		const char *rule;
	} rows[] = {
		{ LIT("[rule a]\npath = /b\nrequire = public\n"
		      "[rule b]\nrequire = user\n"),
		  "refused" },
		{ LIT("[rule a]\npath_regex = ^/b\nrequire = public\n"
		      "[rule b]\nrequire = user\n"),
		  "refused" },
		{ LIT("[rule a]\nmethod = PUT\nrequire = public\n"
		      "[rule b]\nrequire = user\n"),
		  "b" },
	};
	const struct asked q = GET(many);
	struct fixture r;

	fixture_init(&r, rows[_i].ini);
	expect(&r, &q, rows[_i].rule, (size_t)_i);
	fixture_free(&r);
}
END_TEST

/* Without memory the result is an error. */
START_TEST(lack_of_memory_is_an_error)
{
	static const struct str paths[] = {
		LIT("/a"),
		LIT("/a/%2E%2E/b"),
		LIT("/a%2Fb;c//d"),
		LIT("/a/..%2F../b"),
	};
	const struct access_question question = {
		.rule = { .host = STR("a"),
			  .method = STR("GET"),
			  .address = STR("::1") },
		.path = paths[_i],
	};
	struct fixture r;
	bool ran_out = true;

	fixture_init(&r, STR("[rule a]\npath_regex = ^/a/?$\nrequire = user\n"
			     "[rule b]\npath = /b\nrequire = public\n"));
	for (unsigned n = 0; ran_out; n++) {
		struct arena *a = arena_new(1024 * 1024);
		struct access_terms terms;
		struct err err;
		int rc;

		ck_assert_uint_lt(n, 100);
		arena_fail_after(a, n);
		rc = access_find(r.rules, &question, a, &terms, &err);
		ran_out = arena_has_failed(a);
		ck_assert_int_eq(rc, ran_out ? -1 : 0);
		arena_free(a);
	}
	fixture_free(&r);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("rules");

	tcase_add_test(t, service_without_rules_requires_a_user);
	tcase_add_test(t, requirements_give_the_verdict);
	tcase_add_test(t, conditions_select_the_rule);
	tcase_add_test(t, unreadable_address_is_refused);
	tcase_add_test(t, rule_may_have_many_hosts);
	tcase_add_test(t, there_may_be_many_rules);
	tcase_add_test(t, expensive_regex_has_no_answer);
	tcase_add_test(t, readings_share_the_limit);
	tcase_add_test(t, long_path_has_an_answer);
	tcase_add_loop_test(t, path_with_too_many_readings_is_refused, 0, 3);
	tcase_add_loop_test(t, lack_of_memory_is_an_error, 0, 4);
	return run_case(t);
}
