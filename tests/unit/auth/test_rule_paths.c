/* SPDX-License-Identifier: MIT */
/* Paths that bypassed access control in other programs, and the rule that
 * matches each. */
#include <stdlib.h>

#include "base/buf.h"
#include "tests/unit/auth/rules_fixture.h"

/* Default deny, the first match, segment boundaries, regular expressions. */
static const char site[] =
    "[rule closed]\npath = /admin/closed\nrequire = deny\n"
    "[rule admin]\npath = /admin\nrequire = role:admin\n"
    "[rule late]\npath = /admin/late\nrequire = public\n"
    "[rule slash]\npath = /slash/\nrequire = user\n"
    "[rule public]\npath = /public/\nrequire = public\n"
    "[rule user]\npath = /user/\nrequire = user\n"
    "[rule allowed]\npath = /allowed\nrequire = public\n"
    "[rule status]\npath_regex = ^/api/.*/status\nrequire = public\n"
    "[rule bar]\npath_regex = ^/foo/.*/bar$\nrequire = public\n"
    "[rule login]\npath_regex = /rest/login|/rest/logout\nrequire = public\n"
    "[rule utf8]\npath_regex = /\xc3\xbc.\nrequire = user\n"
    "[rule case]\npath_regex = (?i)/Case/[a-z]+\nrequire = user\n"
    "[rule text]\npath = /a b/\xc3\xa9\nrequire = user\n";

static const struct {
	struct asked q;
	const char *rule;
} paths[] = {
	{ GET("/admin"), "admin" },
	{ GET("/admin/"), "admin" },
	{ GET("/admin/x"), "admin" },
	{ GET("/admin/late"), "admin" },
	{ GET("/admin/closed/x"), "closed" },
	{ GET("/admin/closed"), "closed" },
	{ GET("/admin/closedx"), "admin" },
	{ GET("/administrator"), "" },
	{ GET("/Admin"), "" },
	{ GET("/"), "" },
	{ GET("/slash"), "" },
	{ GET("/slash/"), "slash" },
	{ GET("/slash/x"), "slash" },
	{ GET("/public"), "" },
	/* LemonLDAP::NG, CVE-2026-95811, CVE-2020-24660 */
	{ GET("/%61dmin"), "several" },
	{ GET("/%61%64%6d%69%6E"), "several" },
	{ GET("/x/../admin"), "several" },
	{ GET("//admin"), "several" },
	/* Oathkeeper CVE-2026-33494, Heimdall CVE-2026-42274 */
	{ GET("/public/../admin/secrets"), "several" },
	{ GET("/user/../admin"), "several" },
	{ GET("/user/%2e%2e/admin"), "refused" },
	{ GET("/user/.%2e/admin"), "refused" },
	{ GET("/user/%2E%2E/admin"), "refused" },
	{ GET("/user/%2e%2e%2fadmin"), "refused" },
	{ GET("/public/.."), "several" },
	/* Heimdall CVE-2026-42272 */
	{ GET("/user%2fx"), "several" },
	{ GET("/user%2Fx"), "several" },
	/* tinyauth 1055 */
	{ GET("/admin?foo=bar"), "admin" },
	{ GET("/%2Fadmin"), "several" },
	{ GET("public"), "refused" },
	{ GET("/secret?next=/allowed"), "" },
	{ GET("/secret?/allowed"), "" },
	{ GET("/secret%3fnext=/allowed"), "" },
	{ GET("/allowed?next=/secret"), "allowed" },
	/* oauth2-proxy CVE-2025-54576, CVE-2026-41059 */
	{ GET("/api/private/x?path=/status"), "" },
	{ GET("/api/private/x?/status"), "" },
	{ GET("/api/x/status"), "status" },
	{ GET("/api/x/status/x"), "" },
	{ GET("/api/x/statusx"), "" },
	{ GET("/foo/secret%23/bar"), "bar" },
	{ GET("/foo/secret#/bar"), "refused" },
	{ GET("/foo/secret/bar"), "bar" },
	{ GET("/foo/secret/bar?x"), "bar" },
	{ GET("/foo/secret%0a/bar"), "refused" },
	/* Authelia CVE-2021-32637 */
	{ GET("/%zz"), "refused" },
	{ GET("/%"), "refused" },
	{ GET("/\x80"), "refused" },
	{ GET("/%80"), "refused" },
	{ GET(""), "refused" },
	{ GET("http://www.example.com/public/"), "refused" },
	{ GET("*"), "refused" },
	/* AOS-CX CVE-2026-23813: both alternatives are anchored */
	{ GET("/rest/login"), "login" },
	{ GET("/rest/logout"), "login" },
	{ GET("/rest/loginX"), "" },
	{ GET("/rest/logoutX"), "" },
	{ GET("/x/rest/logout"), "" },
	/* other paths of the list */
	{ GET("/admin;x=1"), "several" },
	{ GET("/public;/admin"), "several" },
	{ GET("/admin%3bx=1"), "several" },
	{ GET("/admin/..;/x"), "refused" },
	{ GET("/public/..;/admin"), "refused" },
	{ GET("/admin%00"), "refused" },
	{ GET("/public/%00/admin"), "refused" },
	{ GET("/admin%5c"), "several" },
	{ GET("\\admin"), "refused" },
	{ GET("/public/\\../admin"), "refused" },
	{ GET("/public/%252e%252e/admin"), "refused" },
	{ GET("/public/%25%32%65/admin"), "refused" },
	{ GET("/public/%c0%ae%c0%ae/admin"), "refused" },
	{ GET("/public/%c0%af"), "refused" },
	{ GET("/public/%e0%80%ae"), "refused" },
	{ GET("/./admin"), "several" },
	{ GET("/admin/."), "admin" },
	{ GET("/public/%20/x"), "public" },
	{ GET("/public/%u002e/x"), "refused" },
	/* all readings have the same rule */
	{ GET("/public//x"), "public" },
	{ GET("/public//admin"), "public" },
	{ GET("/public/@scope%2fpackage"), "public" },
	{ GET("/public/api/queues/%2F/name"), "public" },
	{ GET("/public/100%25.txt"), "public" },
	{ GET("/public/x;jsessionid=1"), "public" },
	{ GET("/public/a\\b"), "public" },
	{ GET("/public/x/../y"), "public" },
	{ GET("/admin%2fx/..%5Cy"), "refused" },
	{ GET("/admin/x%252f..%252fy"), "refused" },
	{ GET("/public/%2561"), "public" },
	{ GET("/%2561dmin"), "several" },
	{ GET("/public%255cx"), "several" },
	{ GET("/public%253bx/"), "several" },
	/* text */
	{ GET("/%c3%bcx"), "utf8" },
	{ GET("/%c3%bc%c3%bc"), "utf8" },
	{ GET("/%c3%bc"), "" },
	{ GET("/case/Abc"), "case" },
	{ GET("/case/A1"), "" },
	{ GET("/a%20b/%C3%A9/c"), "text" },
	{ GET("/a%20b/\xc3\xa9"), "text" },
	{ GET("/a+b/%C3%A9"), "" },
};

START_TEST(paths_find_their_rule)
{
	struct fixture r;

	fixture_init(&r, str_from(site));
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		expect(&r, &paths[i].q, paths[i].rule, i);
	fixture_free(&r);
}
END_TEST

/* Appends a path of at most `depth` segments, each of which is one of three
 * names, perhaps with a slash at the end. */
static void
add_path(struct buf *out, unsigned *seed, int depth)
{
	static const char *const names[] = { "/a", "/b", "/ab" };
	const int n = 1 + (int)(rand_r(seed) >> 4) % depth;

	for (int i = 0; i < n; i++)
		buf_add_cstr(out, names[(int)(rand_r(seed) >> 4) % 3]);
	if ((int)(rand_r(seed) >> 4) % 3 == 0)
		buf_add_cstr(out, "/");
}

/* Returns the name of the first rule whose path covers this one. */
static struct str
first_that_covers(const struct rules_settings *rules, struct str path)
{
	for (size_t i = 0; i < rules->n; i++) {
		if (rules->v[i].path.n == 0 ||
		    path_below(path, rules->v[i].path))
			return rules->v[i].name;
	}
	return STR("");
}

static void
make_rules(struct buf *ini, unsigned *seed)
{
	const int n = 1 + (int)(rand_r(seed) >> 4) % 80;

	for (int k = 0; k < n; k++) {
		buf_printf(ini, "[rule r%d]\nrequire = user\n", k);
		if ((int)(rand_r(seed) >> 4) % 30 == 0)
			continue;
		buf_add_cstr(ini, "path = ");
		add_path(ini, seed, 4);
		buf_add_cstr(ini, "\n");
	}
}

START_TEST(first_rule_decides_among_many)
{
	unsigned seed = (unsigned)_i;
	struct arena *a = arena_new(ARENA_BYTES);
	enum rule_verdict verdict;
	struct fixture r;
	struct buf ini;

	buf_init(&ini, a, 1024 * 1024);
	make_rules(&ini, &seed);
	fixture_init(&r, buf_str(&ini));
	for (int k = 0; k < 200; k++) {
		struct asked q = GET("");
		struct str got, expected;
		struct buf path;

		buf_init(&path, a, 1024);
		add_path(&path, &seed, 6);
		q.uri = arena_cstr(a, buf_str(&path));
		expected =
		    first_that_covers(&r.parsed.settings.rules, buf_str(&path));
		got = ask(&r, &q, &verdict);
		ck_assert_msg(str_eq(got, expected),
			      "seed %d, %s: the rule is \"%.*s\", not "
			      "\"%.*s\"",
			      _i, q.uri, STR_ARG(got), STR_ARG(expected));
	}
	fixture_free(&r);
	arena_free(a);
}
END_TEST

/* More beginnings of one path have rules than the index walks at once. */
START_TEST(rules_may_be_nested_deeply)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct asked q = GET("");
	struct fixture r;
	struct buf ini, path;

	buf_init(&ini, a, 1024 * 1024);
	buf_init(&path, a, 1024);
	for (int k = 0; k < 100; k++) {
		buf_add_cstr(&path, "/a");
		buf_printf(&ini,
			   "[rule r%d]\npath = %.*s/\nmethod = %s\n"
			   "require = user\n",
			   k, STR_ARG(buf_str(&path)), k < 90 ? "POST" : "GET");
	}
	fixture_init(&r, buf_str(&ini));
	buf_add_cstr(&path, "/b");
	q.uri = arena_cstr(a, buf_str(&path));
	expect(&r, &q, "r90", 0);
	fixture_free(&r);
	arena_free(a);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("rule_paths");

	tcase_add_test(t, paths_find_their_rule);
	tcase_add_loop_test(t, first_rule_decides_among_many, 0, 50);
	tcase_add_test(t, rules_may_be_nested_deeply);
	return run_case(t);
}
