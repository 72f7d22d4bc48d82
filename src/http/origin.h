/* SPDX-License-Identifier: MIT */
/*
 * Origins (RFC 6454): scheme, host and port of a page, and which are our own.
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
	struct str port; /* decimal, never empty: the scheme's own if absent */
};

/*
 * `https://host[:port]` or `http://`, as host_split() takes host and port.
 * Schemes are in lower case, as browsers write them.  False, and nothing set,
 * for anything else: `null`, a path, user information.  *out borrows.
 */
bool origin_parse(struct str text, struct origin *out) MUST_USE;

/* Byte by byte: both sides are in lower case. */
bool origin_equal(const struct origin *a, const struct origin *b);

/* As browsers write it: without the port that the scheme implies. */
void origin_print(const struct origin *o, struct buf *out);

/*
 * One host that we answer for (server.hosts).  With origins of its own, scheme
 * and ports are what these say; without, what the web server says.
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

/* Of names and origins that conf/checks.h has accepted; borrows from them. */
int sites_read(const struct words *hosts, struct arena *a, struct sites *out,
	       struct err *err) MUST_USE;

/* The site of a host in lower case, as of a request; NULL when there is none
 * of that name. */
const struct site *sites_find(const struct sites *sites, struct str host);

bool site_has_origin(const struct site *site, const struct origin *o);

#endif
