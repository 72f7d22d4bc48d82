/* SPDX-License-Identifier: MIT */
/* Return URLs: where a login may lead. */
#include "http/redirect.h"

#include "base/str.h"
#include "conf/option.h"
#include "http/host.h"
#include "http/path.h"

/* Browsers drop tabs and newlines and read '\\' as '/': none may be in it. */
static bool
is_plain(struct str url)
{
	for (size_t i = 0; i < url.n; i++) {
		if (url.p[i] <= ' ' || url.p[i] > '~' || url.p[i] == '\\')
			return false;
	}
	return true;
}

/* Position of the first byte of `any`, or s.n. */
static size_t
find_any(struct str s, struct str any)
{
	size_t first = s.n;

	for (size_t i = 0; i < any.n; i++) {
		size_t at = str_find(s, any.p[i]);

		if (at < first)
			first = at;
	}
	return first;
}

static bool
host_matches(struct str host, struct str allowed)
{
	if (!str_starts(allowed, STR(".")))
		return str_eq_nocase(host, allowed);
	return host.n > allowed.n &&
	    str_eq_nocase(str_skip(host, host.n - allowed.n), allowed);
}

static bool
is_allowed(struct str host, const struct words *allow)
{
	for (size_t i = 0; i < allow->n; i++) {
		if (host_matches(host, allow->v[i]))
			return true;
	}
	return false;
}

/* Takes "https:" and two slashes off; or "http:", which sets *plain. */
static bool
take_scheme(struct str *rest, bool *plain)
{
	static const struct {
		const char *text;
		bool plain;
	} schemes[] = { { "https://", false }, { "http://", true } };

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		struct str scheme = str_from(schemes[i].text);
		struct str start = { .p = rest->p, .n = scheme.n };

		if (rest->n < scheme.n || !str_eq_nocase(start, scheme))
			continue;
		*rest = str_skip(*rest, scheme.n);
		*plain = schemes[i].plain;
		return true;
	}
	return false;
}

/* Takes scheme and authority off, when they may be a target. */
static bool
take_origin(struct str *url, struct str own, bool https,
	    const struct words *allow)
{
	struct str rest = *url, authority, host, port;
	bool plain = false;

	if (!take_scheme(&rest, &plain) || (plain && https))
		return false;
	authority.p = rest.p;
	authority.n = find_any(rest, STR("/?#"));
	if (!host_split(authority, &host, &port))
		return false;
	*url = str_skip(rest, authority.n);
	if (str_eq_nocase(host, own))
		return true;
	return !plain && (port.n == 0 || str_eq(port, STR("443"))) &&
	    is_allowed(host, allow);
}

bool
redirect_is_safe(struct str url, struct str host, bool https,
		 const struct words *allow, bool absolute_only)
{
	char decoded[REDIRECT_MAX_BYTES];
	struct str path = url;
	bool absolute = !str_starts(url, STR("/"));
	size_t n = 0;

	if (url.n > REDIRECT_MAX_BYTES || !is_plain(url))
		return false;
	if (absolute && !take_origin(&path, host, https, allow))
		return false;
	path.n = find_any(path, STR("?#"));
	if (absolute && path.n == 0)
		return true;
	return (absolute || !absolute_only) &&
	    path_decode(path, decoded, &n) == NULL;
}
