/* SPDX-License-Identifier: MIT */
/* Checks return URLs: the targets to which a sign-in may redirect. */
#include "http/redirect.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "conf/option.h"
#include "conf/syntax.h"
#include "http/host.h"
#include "http/origin.h"
#include "http/readings.h"

/* Browsers drop tabs and newlines and read '\\' as '/', so none is allowed. */
static bool
is_plain_byte(char c)
{
	return c > ' ' && c <= '~' && c != '\\';
}

static bool
redirect_is_plain(struct str url)
{
	for (size_t i = 0; i < url.n; i++) {
		if (!is_plain_byte(url.p[i]))
			return false;
	}
	return true;
}

struct str
redirect_escape(struct str uri, struct arena *a)
{
	struct buf b;

	buf_init(&b, a, 3 * uri.n);
	for (size_t i = 0; i < uri.n; i++) {
		if (is_plain_byte(uri.p[i]))
			buf_add_char(&b, uri.p[i]);
		else
			buf_printf(&b, "%%%02X", (unsigned char)uri.p[i]);
	}
	return buf_failed(&b) ? STR("/") : buf_str(&b);
}

/* Returns the position of the first byte of `any`, or s.n. */
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

/* Returns true when redirect.allow has the host and port; the scheme must be
 * https. */
static bool
redirect_is_allowed(struct str host, struct str port, const struct words *allow)
{
	for (size_t i = 0; i < allow->n; i++) {
		struct str rest = allow->v[i], name;

		if (!str_cut(&rest, ':', &name))
			continue;
		if (rest.n == 0)
			rest = STR("443");
		if (syntax_host_matches(host, name) && str_eq(port, rest))
			return true;
	}
	return false;
}

/* Returns true for an origin in server.hosts. *named: the host has origins
 * there, so that its other origins do not belong to the service. */
static bool
redirect_is_listed(const struct origin *o, const struct sites *sites,
		   bool *named)
{
	*named = false;
	for (size_t i = 0; sites != NULL && i < sites->n; i++) {
		struct origin lower = *o;

		if (!str_eq_nocase(sites->v[i].host, o->host))
			continue;
		lower.host = sites->v[i].host;
		*named = sites->v[i].norigins > 0;
		return site_has_origin(&sites->v[i], &lower);
	}
	return false;
}

/* Removes "https://", or "http://", which sets *plain, from *rest. */
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

/* Removes scheme and authority if they are an allowed target. */
static bool
take_origin(struct str *url, const struct redirect_from *from)
{
	struct str rest = *url, authority;
	bool plain = false, named;
	struct origin o;

	if (!take_scheme(&rest, &plain) || (plain && from->https))
		return false;
	authority.p = rest.p;
	authority.n = find_any(rest, STR("/?#"));
	if (!host_split(authority, &o.host, &o.port))
		return false;
	*url = str_skip(rest, authority.n);
	o.https = !plain;
	if (o.port.n == 0)
		o.port = plain ? STR("80") : STR("443");
	if (redirect_is_listed(&o, from->sites, &named) ||
	    (!named && str_eq_nocase(o.host, from->host)))
		return true;
	return !plain && redirect_is_allowed(o.host, o.port, from->allow);
}

bool
redirect_is_safe(struct str url, const struct redirect_from *from)
{
	char scratch[REDIRECT_MAX_BYTES];
	struct str path = url;
	bool absolute = !str_starts(url, STR("/"));

	if (url.n > REDIRECT_MAX_BYTES || !redirect_is_plain(url))
		return false;
	if (absolute && !take_origin(&path, from))
		return false;
	path.n = find_any(path, STR("?#"));
	if (absolute && path.n == 0)
		return true;
	return (absolute || !from->absolute_only) &&
	       path_may_be_target(path, scratch);
}
