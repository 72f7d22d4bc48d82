/* SPDX-License-Identifier: MIT */
/* The table of routes: paths with a variable segment, and methods. */
#include "auth/routes.h"

#include "base/arena.h"
#include "tests/support/run.h"

#define TEN	"0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define LONGEST HUNDRED TEN TEN "Abz_-xyZ"

static void
handle(struct request_context *ctx)
{
	(void)ctx;
}

static const struct route routes[] = {
	{ HTTP_GET, "/things", handle, 0 },
	{ HTTP_DELETE, "/things/*", handle, 0 },
	{ HTTP_DELETE, "/things", handle, 0 },
	{ HTTP_POST, "/things/*/end", handle, 0 },
	{ HTTP_POST, "/things/end", handle, 0 },
	{ HTTP_GET, "/link/*", handle, 0 },
	{ HTTP_POST, "/link/*", handle, 0 },
};

static const struct route_table table = { .v = routes, .n = ARRAY_LEN(routes) };

static const struct {
	enum http_method method;
	const char *path;
	int route; /* index; -1: none has this path and method */
	const char *segment;
	const char *methods; /* of the path; empty: none has it */
} rows[] = {
	{ HTTP_GET, "/things", 0, "", "GET, HEAD, DELETE" },
	{ HTTP_HEAD, "/things", 0, "", "GET, HEAD, DELETE" },
	{ HTTP_DELETE, "/things", 2, "", "GET, HEAD, DELETE" },
	{ HTTP_POST, "/things", -1, "", "GET, HEAD, DELETE" },
	{ HTTP_OPTIONS, "/things", -1, "", "GET, HEAD, DELETE" },
	{ HTTP_OTHER, "/things", -1, "", "GET, HEAD, DELETE" },
	{ HTTP_DELETE, "/things/a", 1, "a", "DELETE" },
	{ HTTP_DELETE, "/things/" LONGEST, 1, LONGEST, "DELETE" },
	{ HTTP_GET, "/things/a", -1, "", "DELETE" },
	{ HTTP_POST, "/things/a/end", 3, "a", "POST" },
	{ HTTP_POST, "/things/end/end", 3, "end", "POST" },
	{ HTTP_DELETE, "/things/a/end", -1, "", "POST" },
	/* A path without a variable segment hides those with one. */
	{ HTTP_POST, "/things/end", 4, "", "POST" },
	{ HTTP_DELETE, "/things/end", -1, "", "POST" },
	{ HTTP_GET, "/link/x-Y_9", 5, "x-Y_9", "GET, HEAD, POST" },
	{ HTTP_POST, "/link/x", 6, "x", "GET, HEAD, POST" },
	/* No route has these paths. */
	{ HTTP_GET, "", -1, "", "" },
	{ HTTP_GET, "/", -1, "", "" },
	{ HTTP_GET, "/thing", -1, "", "" },
	{ HTTP_GET, "/things/", -1, "", "" },
	{ HTTP_DELETE, "/things/", -1, "", "" },
	{ HTTP_DELETE, "/things/" LONGEST "x", -1, "", "" },
	{ HTTP_DELETE, "/things/a/", -1, "", "" },
	{ HTTP_DELETE, "/things/a/b", -1, "", "" },
	{ HTTP_DELETE, "/things/a.b", -1, "", "" },
	{ HTTP_DELETE, "/things/*", -1, "", "" },
	{ HTTP_DELETE, "/things/a b", -1, "", "" },
	{ HTTP_DELETE, "/things/%61", -1, "", "" },
	{ HTTP_DELETE, "/things/\xc3\xa9", -1, "", "" },
	{ HTTP_DELETE, "/thingsa", -1, "", "" },
	{ HTTP_POST, "/things//end", -1, "", "" },
	{ HTTP_POST, "/things/a/end/", -1, "", "" },
	{ HTTP_POST, "/things/a/ends", -1, "", "" },
	{ HTTP_POST, "/things/a/en", -1, "", "" },
	{ HTTP_GET, "/link", -1, "", "" },
	{ HTTP_GET, "/Link/x", -1, "", "" },
};

static const char *
label(int i)
{
	return rows[i].path;
}

START_TEST(routes_are_found)
{
	const struct str path = str_from(rows[_i].path);
	struct arena *a = arena_new(4096);
	const struct route_match is = route_find(&table, rows[_i].method, path);

	ck_assert_int_eq(is.known, rows[_i].methods[0] != '\0');
	if (rows[_i].route < 0)
		ck_assert_ptr_null(is.route);
	else
		ck_assert_ptr_eq(is.route, &routes[rows[_i].route]);
	ck_assert(str_eq(is.segment, str_from(rows[_i].segment)));
	ck_assert(str_eq(route_methods(&table, path, a),
			 str_from(rows[_i].methods)));
	arena_free(a);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("routes");

	label_loops(label);
	tcase_add_loop_test(t, routes_are_found, 0, ARRAY_LEN(rows));
	return run_case(t);
}
