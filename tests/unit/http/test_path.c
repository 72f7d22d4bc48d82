/* SPDX-License-Identifier: MIT */
/* Paths: those of this service, and those that it checks. */
#include "http/path.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "tests/support/run.h"

static const struct {
	const char *uri;
	const char *path; /* NULL: refused */
	const char *query;
} uris[] = {
	{ "/", "/", "" },
	{ "/a", "/a", "" },
	{ "/a/", "/a/", "" },
	{ "/a?", "/a", "" },
	{ "/a?b", "/a", "b" },
	{ "/a?b?c=/../d", "/a", "b?c=/../d" },
	{ "/secret?next=/allowed", "/secret", "next=/allowed" },
	{ "/api/private/x?path=/status", "/api/private/x", "path=/status" },
	{ "/a?b=%zz%00", "/a", "b=%zz%00" },
	{ "/%61dmin", "/admin", "" },
	{ "/%41%2d%7E", "/A-~", "" },
	{ "/a%20b", "/a b", "" },
	{ "/a+b", "/a+b", "" },
	{ "/%c3%a9", "/\xc3\xa9", "" },
	{ "/%E2%82%ac%F0%9F%98%80", "/\xe2\x82\xac\xf0\x9f\x98\x80", "" },
	{ "/a%3Fb", "/a?b", "" },
	{ "/.a/..b/c./d..", "/.a/..b/c./d..", "" },
	{ "/...", "/...", "" },
	{ "/~u/a:b@c!$&'()*,=", "/~u/a:b@c!$&'()*,=", "" },
	/* URIs that are not in origin form. */
	{ "", NULL, NULL },
	{ "?", NULL, NULL },
	{ "*", NULL, NULL },
	{ "public", NULL, NULL },
	{ "http://example.com/", NULL, NULL },
	{ "example.com:443", NULL, NULL },
	{ "%2Fadmin", NULL, NULL },
	/* Empty segments. */
	{ "//", NULL, NULL },
	{ "//admin", NULL, NULL },
	{ "/a//b", NULL, NULL },
	{ "/a//", NULL, NULL },
	{ "/%2Fadmin", NULL, NULL },
	{ "/a%2Fb", NULL, NULL },
	{ "/a%2fb", NULL, NULL },
	{ "/%2fadmin", NULL, NULL },
	{ "/a/%20/b", NULL, NULL },
	{ "/%20", NULL, NULL },
	/* Dot segments, plain and escaped. */
	{ "/.", NULL, NULL },
	{ "/..", NULL, NULL },
	{ "/./admin", NULL, NULL },
	{ "/admin/.", NULL, NULL },
	{ "/admin/..", NULL, NULL },
	{ "/x/../admin", NULL, NULL },
	{ "/public/../admin/secrets", NULL, NULL },
	{ "/user/%2e%2e/admin", NULL, NULL },
	{ "/user/%2e%2e%2fadmin", NULL, NULL },
	{ "/user/%2E./admin", NULL, NULL },
	{ "/user/.%2e/admin", NULL, NULL },
	{ "/%2e", NULL, NULL },
	{ "/..;/admin", NULL, NULL },
	{ "/admin/..;/x", NULL, NULL },
	{ "/admin/..;a=b/x", NULL, NULL },
	{ "/admin/.;/x", NULL, NULL },
	{ "/admin/%2e%2e;/x", NULL, NULL },
	{ "/..%3b/admin", NULL, NULL },
	/* Path parameters, which some servers remove and others keep. */
	{ "/admin;x=1", NULL, NULL },
	{ "/admin%3Bx", NULL, NULL },
	{ "/;/admin", NULL, NULL },
	/* Escaped twice. */
	{ "/%252e%252e/admin", NULL, NULL },
	{ "/%2561dmin", NULL, NULL },
	{ "/%25", NULL, NULL },
	{ "/a%252fb", NULL, NULL },
	/* Bad escapes. */
	{ "/%", NULL, NULL },
	{ "/%6", NULL, NULL },
	{ "/%zz", NULL, NULL },
	{ "/%6g", NULL, NULL },
	{ "/%g6", NULL, NULL },
	{ "/% 6", NULL, NULL },
	{ "/%+6", NULL, NULL },
	{ "/%u0061", NULL, NULL },
	{ "/a%?b", NULL, NULL },
	/* Separators of other systems. */
	{ "\\admin", NULL, NULL },
	{ "/\\admin", NULL, NULL },
	{ "/admin%5c", NULL, NULL },
	{ "/a%5Cb", NULL, NULL },
	{ "/foo/secret%23/bar", NULL, NULL },
	{ "/foo/secret#/bar", NULL, NULL },
	{ "/public#?/admin", NULL, NULL },
	/* Control characters and blanks. */
	{ "/admin%00", NULL, NULL },
	{ "/admin%00.png", NULL, NULL },
	{ "/a%0d%0ab", NULL, NULL },
	{ "/a%09", NULL, NULL },
	{ "/a%7f", NULL, NULL },
	{ "/a\tb", NULL, NULL },
	{ "/a b", NULL, NULL },
	{ " /a", NULL, NULL },
	{ "/a\n", NULL, NULL },
	{ "/a?b c", NULL, NULL },
	{ "/a?b\x01", NULL, NULL },
	{ "/a?\x7f", NULL, NULL },
	/* Bytes that are not ASCII, and escapes that do not decode to UTF-8. */
	{ "/\xc3\xa9", NULL, NULL },
	{ "/a?\xc3\xa9", NULL, NULL },
	{ "/\xff", NULL, NULL },
	{ "/%ff", NULL, NULL },
	{ "/%c3", NULL, NULL },
	{ "/%c3/a9", NULL, NULL },
	{ "/%c0%ae%c0%ae/admin", NULL, NULL },
	{ "/%c0%afadmin", NULL, NULL },
	{ "/%e0%80%af", NULL, NULL },
	{ "/%ed%a0%80", NULL, NULL },
	{ "/%f4%90%80%80", NULL, NULL },
};

START_TEST(path_is_normalised)
{
	struct arena *a = arena_new(4096);
	struct str path = STR("untouched"), query = STR("untouched");
	struct err err = { .code = ERR_NONE };
	const char *want = uris[_i].path;
	int result =
	    path_normalise(str_from(uris[_i].uri), a, &path, &query, &err);

	ck_assert_msg((result == 0) == (want != NULL), "row %d: %s: %s", _i,
		      uris[_i].uri, err.msg);
	if (want == NULL) {
		ck_assert_int_eq(err.code, ERR_INPUT);
		ck_assert(str_eq(path, STR("untouched")));
		ck_assert(str_eq(query, STR("untouched")));
	} else {
		ck_assert_msg(str_eq(path, str_from(want)) &&
				  str_eq(query, str_from(uris[_i].query)),
			      "row %d: %.*s", _i, STR_ARG(path));
	}
	arena_free(a);
}
END_TEST

START_TEST(nul_bytes_in_a_path_are_refused)
{
	struct arena *a = arena_new(4096);
	struct str path, query;
	struct err err;

	ck_assert_int_eq(path_normalise(STR("/a\0b"), a, &path, &query, &err),
			 -1);
	ck_assert_int_eq(path_normalise(STR("/a?\0b"), a, &path, &query, &err),
			 -1);
	ck_assert_int_eq(path_split(STR("/a\0b"), a, &path, &query, &err), -1);
	ck_assert_int_eq(path_split(STR("/a?\0b"), a, &path, &query, &err), -1);
	arena_fail_after(a, 0);
	ck_assert_int_eq(path_split(STR("/%61"), a, &path, &query, &err), -1);
	ck_assert_int_eq(err.code, ERR_INTERNAL);
	ck_assert_int_eq(path_normalise(STR("/a"), a, &path, &query, &err), -1);
	ck_assert_int_eq(err.code, ERR_INTERNAL);
	arena_free(a);
}
END_TEST

/* Paths of a check: what no server can read as a path is refused; other paths
 * are kept as they are. */
static const struct {
	const char *uri;
	const char *path; /* NULL: refused */
	const char *query;
} asked[] = {
	{ "/", "/", "" },
	{ "/a/b-._~!$&'()*+,;=:@", "/a/b-._~!$&'()*+,;=:@", "" },
	{ "/a?b?c=/../d", "/a", "b?c=/../d" },
	{ "/a?\xc3\xbc=\xff", "/a", "\xc3\xbc=\xff" },
	{ "/%61%2d%7e", "/%61%2D%7E", "" },
	{ "/%2f%5c%3b%23%25%3f", "/%2F%5C%3B%23%25%3F", "" },
	{ "/%20%22%3c%3e%5b%5D%5e%60%7b%7c%7D", "/ \"<>[]^`{|}", "" },
	{ "/\"<>[]^`{|}", "/\"<>[]^`{|}", "" },
	{ "/%C3%a9\xc3\xa9", "/\xc3\xa9\xc3\xa9", "" },
	{ "//a/./../b\\c;d", "//a/./../b\\c;d", "" },
	{ "/%2500%25ff%25zz", "/%2500%25ff%25zz", "" },
	{ "", NULL, NULL },
	{ "?", NULL, NULL },
	{ "*", NULL, NULL },
	{ "public", NULL, NULL },
	{ "\\admin", NULL, NULL },
	{ "http://example.com/", NULL, NULL },
	{ "%2Fadmin", NULL, NULL },
	{ "/%", NULL, NULL },
	{ "/%6", NULL, NULL },
	{ "/100%.txt", NULL, NULL },
	{ "/%u0061", NULL, NULL },
	{ "/a%?b", NULL, NULL },
	{ "/a#b", NULL, NULL },
	{ "/a b", NULL, NULL },
	{ "/a\tb", NULL, NULL },
	{ "/a\x7f", NULL, NULL },
	{ "/a%00", NULL, NULL },
	{ "/a%0a", NULL, NULL },
	{ "/a%7F", NULL, NULL },
	{ "/\xff", NULL, NULL },
	{ "/%ff", NULL, NULL },
	{ "/%c3/a9", NULL, NULL },
	{ "/%c0%ae%c0%ae/admin", NULL, NULL },
	{ "/\xc0\xaf", NULL, NULL },
	{ "/%ed%a0%80", NULL, NULL },
	{ "/a?b c", NULL, NULL },
	{ "/a?b\x01", NULL, NULL },
	{ "/a?\x7f", NULL, NULL },
};

START_TEST(uri_is_split)
{
	struct arena *a = arena_new(4096);
	struct str path = STR("untouched"), query = STR("untouched");
	struct err err = { .code = ERR_NONE };
	const char *want = asked[_i].path;
	int result =
	    path_split(str_from(asked[_i].uri), a, &path, &query, &err);

	ck_assert_msg((result == 0) == (want != NULL), "row %d: %s: %s", _i,
		      asked[_i].uri, err.msg);
	if (want == NULL) {
		ck_assert_int_eq(err.code, ERR_INPUT);
		ck_assert(str_eq(path, STR("untouched")));
		ck_assert(str_eq(query, STR("untouched")));
	} else {
		ck_assert_msg(str_eq(path, str_from(want)) &&
				  str_eq(query, str_from(asked[_i].query)),
			      "row %d: %.*s", _i, STR_ARG(path));
	}
	arena_free(a);
}
END_TEST

/* No byte behind the end of the path is read as part of an escape. */
START_TEST(cut_escapes_are_refused)
{
	static const char text[] = "/a%61";
	struct arena *a = arena_new(4096);
	struct err err;

	for (size_t n = sizeof(text) - 3; n < sizeof(text) - 1; n++) {
		const struct str cut = { .p = text, .n = n };
		struct str path, query;

		ck_assert_int_eq(path_split(cut, a, &path, &query, &err), -1);
		ck_assert_int_eq(path_normalise(cut, a, &path, &query, &err),
				 -1);
	}
	arena_free(a);
}
END_TEST

/* path_split() and path_normalise() give the same reason. */
START_TEST(refusal_says_why)
{
	static const struct {
		const char *uri, *why;
	} rows[] = {
		{ "a", "path does not begin with '/'" },
		{ "/%", "path has a bad escape" },
		{ "/%zz", "path has a bad escape" },
		{ "/%00", "path has a byte that is not allowed" },
		{ "/%1f", "path has a byte that is not allowed" },
		{ "/%7f", "path has a byte that is not allowed" },
		{ "/ ", "path has a byte that is not allowed" },
		{ "/%ff", "path is not UTF-8" },
		{ "/?\x01", "query has a byte that is not allowed" },
	};
	struct arena *a = arena_new(4096);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str path, query;
		struct err err;

		ck_assert_int_eq(path_split(str_from(rows[i].uri), a, &path,
					    &query, &err),
				 -1);
		ck_assert_str_eq(err.msg, rows[i].why);
		ck_assert_int_eq(path_normalise(str_from(rows[i].uri), a, &path,
						&query, &err),
				 -1);
		ck_assert_str_eq(err.msg, rows[i].why);
	}
	arena_free(a);
}
END_TEST

static const struct {
	const char *path, *prefix;
	bool below;
} prefixes[] = {
	{ "/a", "/a", true },
	{ "/a/", "/a", true },
	{ "/a/b", "/a", true },
	{ "/ab", "/a", false },
	{ "/administrator", "/admin", false },
	{ "/rest/loginX", "/rest/login", false },
	{ "/", "/a", false },
	{ "/a", "/a/", false },
	{ "/a/", "/a/", true },
	{ "/a/b", "/a/", true },
	{ "/b/a/", "/a/", false },
	{ "/A", "/a", false },
	{ "/", "/", true },
	{ "/x", "/", true },
	{ "/x", "", true },
};

START_TEST(path_is_below_a_prefix)
{
	ck_assert_msg(path_below(str_from(prefixes[_i].path),
				 str_from(prefixes[_i].prefix)) ==
			  prefixes[_i].below,
		      "row %d", _i);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("path");

	tcase_add_loop_test(t, path_is_normalised, 0, ARRAY_LEN(uris));
	tcase_add_loop_test(t, uri_is_split, 0, ARRAY_LEN(asked));
	tcase_add_test(t, cut_escapes_are_refused);
	tcase_add_test(t, refusal_says_why);
	tcase_add_test(t, nul_bytes_in_a_path_are_refused);
	tcase_add_loop_test(t, path_is_below_a_prefix, 0, ARRAY_LEN(prefixes));
	return run_case(t);
}
