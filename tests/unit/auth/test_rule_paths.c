/* SPDX-License-Identifier: MIT */
/* Paths that bypassed access control in other programs, and the rule that
 * matches each. */
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

int
main(void)
{
	TCase *t = new_case("rule_paths");

	tcase_add_test(t, paths_find_their_rule);
	return run_case(t);
}
