/* SPDX-License-Identifier: MIT */
/* The readings of a path: the ways in which servers may understand it. */
#include "http/readings.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/path.h"
#include "tests/support/run.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

/* URIs, and all readings of each in any order, separated by commas. */
static const struct {
	const char *uri, *readings;
} rows[] = {
	{ "/", "/" },
	{ "/a/b.c/", "/a/b.c/" },
	{ "/.well-known/..x/.../x.", "/.well-known/..x/.../x." },
	{ "/%C3%A9/%7C[x]", "/\xc3\xa9/|[x]" },
	{ "/\xc3\xa9", "/\xc3\xa9" },
	{ "/%61", "/%61,/a" },
	{ "/%2561", "/%2561,/%61,/a" },
	{ "/%252561", "/%252561,/%2561,/%61" },
	{ "/100%25", "/100%25,/100%" },
	{ "/100%25zz", "/100%25zz,/100%zz" },
	{ "/a%2fb", "/a%2Fb,/a/b" },
	{ "/@scope%2Fname", "/@scope%2Fname,/@scope/name" },
	{ "/queues/%2F/x", "/queues/%2F/x,/queues///x,/queues/x" },
	{ "//a", "//a,/a,/" },
	{ "//a/b", "//a/b,/a/b,/b" },
	{ "///a/b//c", "///a/b//c,/a/b/c,/b//c,/b/c" },
	{ "/\\a/b", "/\\a/b,//a/b,/a/b,/b" },
	{ "/%2Fa/b", "/%2Fa/b,//a/b,/a/b,/b" },
	{ "/a//b/c", "/a//b/c,/a/b/c" },
	{ "//", "//,/" },
	{ "/a//", "/a//,/a/" },
	{ "/a;b=c/d", "/a;b=c/d,/a/d" },
	{ "/a;b/;c", "/a;b/;c,/a/" },
	{ "/;/a", "/;/a,//a,/a,/" },
	{ "/a%3Bb", "/a%3Bb,/a;b,/a" },
	{ "/a%253bb", "/a%253bb,/a%3bb,/a;b,/a" },
	{ "/a\\b", "/a\\b,/a/b" },
	{ "/a%5Cb", "/a%5Cb,/a\\b,/a/b" },
	{ "/a;b\\c", "/a;b\\c,/a,/a;b/c,/a/c" },
	{ "/a/./b", "/a/./b,/a/b" },
	{ "/a/../b", "/a/../b,/b" },
	{ "/a/..", "/a/..,/" },
	{ "/../../a", "/../../a,/a" },
	{ "/a/b/.", "/a/b/.,/a/b/" },
	/* Slashes may be merged before or after dot segments are resolved. */
	{ "/a//../b", "/a//../b,/a/../b,/a/b,/b" },
	/* An encoded slash may be decoded before or after dot segments are
	 * resolved. */
	{ "/a/x%2Fy/../b", "/a/x%2Fy/../b,/a/x/y/../b,/a/b,/a/x/b" },
	/* The second decoding gives a byte sequence that is not UTF-8 or is too
	 * long. */
	{ "/%25ff", "/%25ff,/%ff,/\xef\xbf\xbd" },
	{ "/%25c3%25a9", "/%25c3%25a9,/%c3%a9,/\xc3\xa9" },
	{ "/%25c0%25ae", "/%25c0%25ae,/%c0%ae,/\xef\xbf\xbd\xef\xbf\xbd" },
	{ "/%2500", "/%2500,/%00" },
};

/* Writes the escapes of the first reading in upper case, as path_split()
 * does. */
static void
upper_first(char *text)
{
	for (char *p = text; *p != '\0' && *p != ','; p++) {
		if (*p != '%')
			continue;
		for (int i = 1; i < 3; i++) {
			if (p[i] >= 'a' && p[i] <= 'f')
				p[i] = (char)(p[i] - 'a' + 'A');
		}
	}
}

static struct path_readings
read(const char *uri, struct arena *a)
{
	struct path_readings found;
	struct str path, query;
	struct err err;

	ck_assert_int_eq(path_split(str_from(uri), a, &path, &query, &err), 0);
	ck_assert_int_eq(path_readings(path, a, &found, &err), 0);
	ck_assert(str_eq(found.v[0], path));
	ck_assert(path_is_plain(path) == (found.n == 1));
	return found;
}

static bool
has(const struct path_readings *r, struct str s)
{
	for (size_t i = 0; i < r->n; i++) {
		if (str_eq(r->v[i], s))
			return true;
	}
	/* "/%00" has the only reading with a NUL byte, which a C string cannot
	 * hold. */
	return str_eq(s, STR("/%00")) && r->n == 3 &&
	       str_eq(r->v[2], STR("/\0"));
}

START_TEST(path_has_all_its_readings)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct path_readings found = read(rows[_i].uri, a);
	char *wanted = arena_cstr(a, str_from(rows[_i].readings));
	struct str rest, one;
	size_t n = 0;

	upper_first(wanted);
	rest = str_from(wanted);
	ck_assert(found.complete);
	while (str_cut(&rest, ',', &one)) {
		ck_assert_msg(has(&found, one),
			      "row %d: the reading %.*s is missing", _i,
			      STR_ARG(one));
		n++;
	}
	if (str_eq(found.v[0], STR("/%2500")))
		n++;
	ck_assert_msg(n == found.n,
		      "row %d: there are %zu readings, the last is %.*s", _i,
		      found.n, STR_ARG(found.v[found.n - 1]));
	arena_free(a);
}
END_TEST

static const struct {
	const char *uri;
	bool hidden;
} dots[] = {
	{ "/a/../b", false },
	{ "/a/./b/..", false },
	{ "/..a/.b/c..", false },
	{ "/.%61/%2e%2ea", false },
	{ "/a;../b", false },
	{ "/a;x/../b", false },
	{ "/.../%2e%2e%2e", false },
	{ "/a%2fb/..%20/c", false },
	{ "/a%252e%252e/b", false },
	{ "/%25252e/b", false },
	{ "/%2e", true },
	{ "/a/%2E%2e/b", true },
	{ "/a/.%2e/b", true },
	{ "/a/../%2e./b", true },
	{ "/a/..;/b", true },
	{ "/a/.;x=1", true },
	{ "/a/..%3b/b", true },
	{ "/a/..%253B/b", true },
	{ "/a/..%2fb", true },
	{ "/a%2f..%2fb", true },
	{ "/a%2f../b", true },
	{ "/a/..%252Fb", true },
	{ "/a\\..\\b", true },
	{ "/a/..\\b", true },
	{ "/a/..%5cb", true },
	{ "/a/..%255cb", true },
	{ "/a/%252e%252e/b", true },
	{ "/a/%25%32%65%25%32%65/b", true },
	{ "/a/%2e%252e;x%2f", true },
	{ "/a;x%2f..%2fb", true },
	{ "/a;x\\..\\b", true },
};

START_TEST(hidden_dot_segments_are_found)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct str path, query;
	struct err err;
	bool hidden;

	ck_assert_int_eq(path_split(str_from(dots[_i].uri), a, &path, &query,
				    &err),
			 0);
	ck_assert_int_eq(path_hides_dots(path, a, &hidden, &err), 0);
	ck_assert_msg(hidden == dots[_i].hidden, "row %d: %s", _i,
		      dots[_i].uri);
	if (hidden)
		ck_assert(!path_is_plain(path));
	arena_free(a);
}
END_TEST

/* The first path has every feature at every level, and so too many readings.
 * The second is so long that its readings take too many bytes. */
START_TEST(number_and_size_of_readings_are_bounded)
{
	static const char *const parts[] = {
		"/a;b",	   "\\c",    "//d",    "%3be",	      "%5cf",
		"%2f%2fg", "%253bh", "%255ci", "%252f%252fj", "/x/../k",
	};
	struct arena *a = arena_new(ARENA_BYTES);
	struct path_readings found;
	static char uri[8192];
	size_t bytes = 0;

	for (int round = 0; round < 2; round++) {
		uri[0] = '\0';
		do {
			for (size_t i = 0; i < ARRAY_LEN(parts); i++)
				strcat(uri, parts[i]);
		} while (round > 0 && strlen(uri) < sizeof(uri) - 100);
		found = read(uri, a);
		ck_assert(!found.complete);
		ck_assert_uint_le(found.n, PATH_READINGS_MAX);
	}
	for (size_t i = 1; i < found.n; i++)
		bytes += found.v[i].n;
	ck_assert_uint_le(bytes, PATH_READINGS_BYTES);
	ck_assert_uint_gt(found.n, 10);
	arena_free(a);
}
END_TEST

START_TEST(long_paths_are_read)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct path_readings found;
	static char uri[8192];

	for (size_t i = 0; i + 8 < sizeof(uri); i += 8)
		strcpy(uri + i, "/a%2fb;c");
	found = read(uri, a);
	ck_assert(found.complete);
	ck_assert_uint_eq(found.n, 4);
	arena_free(a);
}
END_TEST

START_TEST(readings_fail_without_memory)
{
	static const struct str uri = { .p = "/a%2F%25ff;x//\\y", .n = 16 };
	struct path_readings found = { .n = 77 };
	bool hidden, read = false;
	struct arena *a;
	struct err err;

	for (unsigned i = 0; !read && i < 1000; i++) {
		a = arena_new(ARENA_BYTES);
		arena_fail_after(a, i);
		read = path_readings(uri, a, &found, &err) == 0;
		if (!read) {
			ck_assert_int_eq(err.code, ERR_INTERNAL);
			ck_assert_uint_eq(found.n, 77);
		}
		arena_free(a);
	}
	ck_assert(read);
	a = arena_new(ARENA_BYTES);
	arena_fail_after(a, 0);
	ck_assert_int_eq(path_hides_dots(uri, a, &hidden, &err), -1);
	arena_free(a);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("readings");

	tcase_add_loop_test(t, path_has_all_its_readings, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(t, hidden_dot_segments_are_found, 0,
			    ARRAY_LEN(dots));
	tcase_add_test(t, number_and_size_of_readings_are_bounded);
	tcase_add_test(t, long_paths_are_read);
	tcase_add_test(t, readings_fail_without_memory);
	return run_case(t);
}
