/* SPDX-License-Identifier: MIT */
/*
 * Origins (RFC 6454): scheme, host and port of a page; and the origins of the
 * service.
 */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include "conf/option.h"

struct arena;
struct buf;
struct err;

struct origin {
	bool https;
	struct str host; /* without a dot at its end */
	/* decimal, never empty: the default of the scheme if absent */
	struct str port;
};

/*
 * Parses `https://host[:port]` or `http://host[:port]`, with host and port as
 * for host_split(). The scheme must be lower case, as browsers write it.
 * Returns false, with nothing set, for anything else: `null`, a path, user
 * information. *out borrows from text.
 */
bool origin_parse(struct str text, struct origin *out) MUST_USE;

/* Compares two origins, byte by byte: both must be in lower case. */
bool origin_equal(const struct origin *a, const struct origin *b);

/* Prints an origin as browsers write it: without the default port of the
 * scheme. */
void origin_print(const struct origin *o, struct buf *out);

/*
 * One host of server.hosts. If it has origins, they define scheme and ports;
 * otherwise the web server does.
 */
struct site {
	struct str host; /* lower case, without port and dot at the end */
	const struct origin *origins; /* all of the same scheme */
	size_t norigins;
};

struct sites {
	const struct site *v;
	size_t n; /* 0: any host */
};

/* Makes the sites of server.hosts, which conf/checks.h has checked; borrows
 * from it. */
int sites_read(const struct words *hosts, struct arena *a, struct sites *out,
	       struct err *err) MUST_USE;

/* Finds the site of a host, which must be in lower case as in a request;
 * returns NULL when there is none. */
const struct site *sites_find(const struct sites *sites, struct str host);

bool site_has_origin(const struct site *site, const struct origin *o);

#endif
