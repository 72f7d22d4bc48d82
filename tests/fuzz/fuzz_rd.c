/* SPDX-License-Identifier: MIT */
/* Return URLs: an accepted URL leads to an allowed host in every browser. */
#include "tests/support/fuzz.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"
#include "conf/option.h"
#include "http/redirect.h"

static const struct str own = { "auth.example.com", 16 };
static const struct str app = { "app.example.com", 15 };
static const struct str parent = { ".example.org", 12 };

static bool
ends_nocase(struct str s, struct str suffix)
{
	return s.n > suffix.n &&
	       str_eq_nocase(str_skip(s, s.n - suffix.n), suffix);
}

/* Reads the URL as a lenient reader would: the host is behind the last '@' and
 * ends at the first of "/?#:". */
static void
check_absolute(struct str url, bool https)
{
	struct str rest, authority, host, part;
	bool mine;

	assert(url.n > 8 && str_find(url, '/') < 7);
	rest = str_skip(url, str_find(url, '/') + 2);
	authority = (struct str){ rest.p, str_find(rest, '/') };
	authority.n = str_find(authority, '?');
	authority.n = str_find(authority, '#');
	assert(str_find(authority, '@') == authority.n);
	assert(str_find(authority, '%') == authority.n);
	part = authority;
	assert(str_cut(&part, ':', &host));
	mine = str_eq_nocase(host, own);
	assert(mine || str_eq_nocase(host, app) || ends_nocase(host, parent));
	assert(mine || part.p == NULL || str_eq(part, STR("443")));
	if (!str_eq_nocase((struct str){ url.p, 8 }, STR("https://")))
		assert(mine && !https);
}

static void
check(struct str url, bool https, bool absolute_only)
{
	const struct str allowed[] = { app, parent };
	const struct words allow = { allowed, ARRAY_LEN(allowed) };
	const struct redirect_from from = { .host = own,
					    .https = https,
					    .allow = &allow,
					    .absolute_only = absolute_only };

	if (!redirect_is_safe(url, &from))
		return;
	assert(url.n > 0 && url.n <= REDIRECT_MAX_BYTES);
	for (size_t i = 0; i < url.n; i++)
		assert(url.p[i] > ' ' && url.p[i] < 0x7f && url.p[i] != '\\');
	if (url.p[0] != '/') {
		check_absolute(url, https);
		return;
	}
	assert(!absolute_only);
	assert(url.n == 1 || url.p[1] != '/');
	assert(!str_starts(url, STR("/%2f")) && !str_starts(url, STR("/%2F")));
	assert(!str_starts(url, STR("/%5c")) && !str_starts(url, STR("/%5C")));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str url = { .p = (const char *)data, .n = n };

	for (unsigned bits = 0; bits < 4; bits++)
		check(url, (bits & 1) != 0, (bits & 2) != 0);
	return 0;
}
