/* SPDX-License-Identifier: MIT */
/* Cookie header fields, one per line: a value that is found is in one of
 * them. */
#include "tests/support/fuzz.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"
#include "http/cookie.h"
#include "http/request.h"

static const struct str name = { "fcgiauth", 8 };

static size_t
count_pairs(struct str s)
{
	size_t count = 0;

	for (; s.n > name.n; s = str_skip(s, 1)) {
		if (str_starts(s, name) && s.p[name.n] == '=')
			count++;
	}
	return count;
}

static void
check_found(struct str field, struct str value)
{
	const char *end = field.p + field.n;

	assert(value.p >= field.p + name.n + 1 && value.p + value.n <= end);
	assert(memcmp(value.p - name.n - 1, "fcgiauth=", name.n + 1) == 0);
	assert(str_find(value, ';') == value.n);
}

static bool
is_inside(struct str field, struct str value)
{
	return value.p >= field.p && value.p <= field.p + field.n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct http_request r = { .ncookies = 0 };
	struct str rest = { .p = (const char *)data, .n = n }, line;
	struct str value = { .p = NULL, .n = 0 };
	size_t pairs = 0, holders = 0;
	enum cookie_answer answer;

	while (r.ncookies < ARRAY_LEN(r.cookies) &&
	       str_cut(&rest, '\n', &line)) {
		r.cookies[r.ncookies++] = line;
		pairs += count_pairs(line);
	}
	answer = cookie_find(&r, name, &value);
	for (size_t i = 0; i < r.ncookies && answer == COOKIE_FOUND; i++) {
		if (!is_inside(r.cookies[i], value))
			continue;
		check_found(r.cookies[i], value);
		holders++;
	}
	assert(answer == COOKIE_FOUND ? holders == 1 : value.n == 0);
	assert(answer == COOKIE_ABSENT || pairs > 0);
	assert(answer != COOKIE_CONFLICT || pairs > 1);
	return 0;
}
