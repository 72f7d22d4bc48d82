/* SPDX-License-Identifier: MIT */
/* The syntax of host names, URLs and addresses in options. No I/O. */
#ifndef CONF_SYNTAX_H
#define CONF_SYNTAX_H

#include "base/base.h"

/* Returns true for a host name (RFC 1123: letters, digits, '-' and '.') or an
 * IPv4 address, without port and without a dot at either end. */
bool syntax_is_host(struct str s);

bool syntax_is_ipv4(struct str s);

/* Returns true for an IPv6 address in brackets, as `[::1]`. */
bool syntax_is_ipv6(struct str s);

/* Returns true for a port number, 1 to 65535. */
bool syntax_is_port(struct str s);

/* Returns true when `host` is the domain or a name below it, ignoring case. */
bool syntax_is_below(struct str host, struct str domain);

/* Returns true when `host` matches `allowed`, ignoring case: a name, or, with a
 * leading dot, all names below it. */
bool syntax_host_matches(struct str host, struct str allowed);

struct syntax_url {
	struct str scheme, host; /* an IPv6 host with its brackets */
	struct str port, path; /* may be empty; path begins with '/' */
};

/*
 * Parses `https://host[:port][/path]`, or the same with http, without user,
 * query or fragment. *out borrows from s and is untouched on false.
 */
bool syntax_url(struct str s, struct syntax_url *out);

/* Returns true for localhost, 127.0.0.1 and [::1]. */
bool syntax_is_loopback(struct str host);

#endif
