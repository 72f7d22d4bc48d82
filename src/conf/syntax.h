/* SPDX-License-Identifier: MIT */
/* The syntax of host names, URLs and addresses in options.  No I/O. */
#ifndef CONF_SYNTAX_H
#define CONF_SYNTAX_H

#include "base/base.h"

/* A host name (RFC 1123: letters, digits, '-' and '.') or an IPv4 address;
 * no port, no dot at either end. */
bool syntax_is_host(struct str s);

bool syntax_is_ipv4(struct str s);

/* `[::1]`, with the brackets. */
bool syntax_is_ipv6(struct str s);

/* 1 to 65535. */
bool syntax_is_port(struct str s);

/* The domain itself, or a name below it; without regard to case. */
bool syntax_is_below(struct str host, struct str domain);

/* `allowed` is a name, or with a dot in front stands for all names below it;
 * without regard to case. */
bool syntax_host_matches(struct str host, struct str allowed);

struct syntax_url {
	struct str scheme, host; /* an IPv6 host with its brackets */
	struct str port, path;	 /* may be empty; path begins with '/' */
};

/*
 * `https://host[:port][/path]` or http; no user, query or fragment.  *out
 * borrows from s and is untouched when false.
 */
bool syntax_url(struct str s, struct syntax_url *out);

/* localhost, 127.0.0.1 or [::1]. */
bool syntax_is_loopback(struct str host);

#endif
