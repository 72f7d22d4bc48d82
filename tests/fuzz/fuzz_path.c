/* SPDX-License-Identifier: MIT */
/* REQUEST_URI: an accepted path of the service's own has one reading. For a
 * check, the readings are distinct paths, and a plain path has one. */
#include "tests/support/fuzz.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "http/path.h"
#include "http/readings.h"

static void
check_segments(struct str path)
{
	struct str rest = str_skip(path, 1), segment;

	assert(path.n > 0 && path.p[0] == '/');
	while (str_cut(&rest, '/', &segment)) {
		assert(segment.n > 0 || rest.p == NULL);
		assert(!str_eq(segment, STR(".")));
		assert(!str_eq(segment, STR("..")));
	}
}

/* The path written as a URL, without escapes that it does not need, must be
 * read as the same path. */
static void
check_round_trip(struct str path, struct arena *a)
{
	static const char digits[] = "0123456789abcdef";
	struct str again, query;
	struct err err;
	struct buf b;

	buf_init(&b, a, 3 * path.n);
	for (size_t i = 0; i < path.n; i++) {
		unsigned char c = (unsigned char)path.p[i];

		if (c > ' ' && c < 0x7f && c != '?') {
			buf_add_char(&b, path.p[i]);
			continue;
		}
		buf_add_char(&b, '%');
		buf_add_char(&b, digits[c >> 4]);
		buf_add_char(&b, digits[c & 15]);
	}
	assert(!buf_failed(&b));
	assert(path_normalise(buf_str(&b), a, &again, &query, &err) == 0);
	assert(str_eq(again, path) && query.n == 0);
}

static void
check_readings(struct str path, struct arena *a)
{
	static struct path_readings all;
	struct err err;
	bool hidden;

	assert(path_readings(path, a, &all, &err) == 0);
	assert(all.n >= 1 && all.n <= PATH_READINGS_MAX);
	assert(path_hides_dots(path, a, &hidden, &err) == 0);
	if (path_is_plain(path))
		assert(all.n == 1 && all.complete && !hidden);
	for (size_t i = 0; i < all.n; i++) {
		assert(str_starts(all.v[i], STR("/")));
		assert(all.v[i].n <= path.n && str_is_utf8(all.v[i]));
		for (size_t k = 0; k < i; k++)
			assert(!str_eq(all.v[i], all.v[k]));
	}
}

/* path_split() and path_normalise() agree on a plain path. */
static void
check_asked(struct str uri, struct str *normal, struct arena *a)
{
	struct str path, query;
	struct err err = { .code = ERR_NONE };

	if (path_split(uri, a, &path, &query, &err) != 0) {
		assert(err.code == ERR_INPUT && normal == NULL);
		return;
	}
	assert(!str_has_control(path) && !str_has_control(query));
	check_readings(path, a);
	if (normal != NULL && path_is_plain(path))
		assert(str_eq(path, *normal));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str uri = { .p = (const char *)data, .n = n };
	struct arena *a = arena_new(512 * n + 1024 * 1024);
	struct str path, query;
	struct err err = { .code = ERR_NONE };

	if (a == NULL)
		return 0;
	if (path_normalise(uri, a, &path, &query, &err) != 0) {
		assert(err.code == ERR_INPUT);
		check_asked(uri, NULL, a);
	} else {
		check_asked(uri, &path, a);
		assert(str_is_utf8(path) && !str_has_control(path));
		for (size_t i = 0; i < path.n; i++)
			assert(strchr("\\#;%", path.p[i]) == NULL);
		check_segments(path);
		check_round_trip(path, a);
		assert(path_below(path, STR("/")) && path_below(path, path));
		assert(!str_has_control(query) && query.n < n);
	}
	arena_free(a);
	return 0;
}
