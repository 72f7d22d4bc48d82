/* SPDX-License-Identifier: MIT */
/* The syntax of host names, URLs and addresses in options. */
#include "conf/syntax.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"

#define HOST_MAX  253
#define LABEL_MAX 63

static bool
is_label(struct str s)
{
	return s.n > 0 && s.n <= LABEL_MAX && str_is_name(s, "-") &&
	       s.p[0] != '-' && s.p[s.n - 1] != '-';
}

static bool
syntax_is_address(int family, struct str s)
{
	unsigned char address[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN];

	if (s.n >= sizeof(text) || str_find(s, '\0') < s.n)
		return false;
	if (s.n > 0)
		memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(family, text, address) == 1;
}

bool
syntax_is_ipv4(struct str s)
{
	return syntax_is_address(AF_INET, s);
}

bool
syntax_is_ipv6(struct str s)
{
	return s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']' &&
	       syntax_is_address(AF_INET6,
				 (struct str){ .p = s.p + 1, .n = s.n - 2 });
}

bool
syntax_is_host(struct str s)
{
	struct str rest = s, label = { .p = "", .n = 0 };
	int64_t number;

	if (s.n == 0 || s.n > HOST_MAX)
		return false;
	while (str_cut(&rest, '.', &label)) {
		if (!is_label(label))
			return false;
	}
	/* No host name ends in a number (RFC 1123 section 2.1), but some
	 * programs parse 1.2.3 and 0x7f.1 as addresses. */
	if (str_to_uint(label, INT64_MAX, &number))
		return syntax_is_ipv4(s);
	return true;
}

bool
syntax_is_port(struct str s)
{
	int64_t port;

	return s.n <= 5 && str_to_uint(s, 65535, &port) && port > 0;
}

bool
syntax_is_below(struct str host, struct str domain)
{
	struct str tail;

	if (host.n <= domain.n)
		return str_eq_nocase(host, domain);
	tail = str_skip(host, host.n - domain.n);
	return str_eq_nocase(tail, domain) &&
	       host.p[host.n - domain.n - 1] == '.';
}

bool
syntax_host_matches(struct str host, struct str allowed)
{
	if (!str_starts(allowed, STR(".")))
		return str_eq_nocase(host, allowed);
	return host.n > allowed.n &&
	       str_eq_nocase(str_skip(host, host.n - allowed.n), allowed);
}

/* Returns the position of the end of the host in `authority`. */
static size_t
host_length(struct str authority)
{
	size_t end;

	if (authority.n == 0 || authority.p[0] != '[')
		return str_find(authority, ':');
	end = str_find(authority, ']');
	return end < authority.n ? end + 1 : end;
}

bool
syntax_url(struct str s, struct syntax_url *out)
{
	struct syntax_url url = { .scheme = STR("https") };
	struct str authority, rest;
	size_t n;

	if (str_starts(s, STR("http://")))
		url.scheme = STR("http");
	else if (!str_starts(s, STR("https://")))
		return false;
	authority = str_skip(s, url.scheme.n + strlen("://"));
	n = str_find(authority, '/');
	url.path = str_skip(authority, n);
	authority.n = n;

	n = host_length(authority);
	url.host = (struct str){ .p = authority.p, .n = n };
	if (!syntax_is_host(url.host) && !syntax_is_ipv6(url.host))
		return false;
	rest = str_skip(authority, n);
	if (rest.n > 0) {
		url.port = str_skip(rest, 1);
		if (rest.p[0] != ':' || !syntax_is_port(url.port))
			return false;
	}
	if (url.path.n > 0 && !str_is_name(url.path, "-._~/%!$&'()*+,;=:@"))
		return false;
	*out = url;
	return true;
}

bool
syntax_is_loopback(struct str host)
{
	return str_eq_nocase(host, STR("localhost")) ||
	       str_eq(host, STR("127.0.0.1")) || str_eq(host, STR("[::1]"));
}
