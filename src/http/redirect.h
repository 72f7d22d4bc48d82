/* SPDX-License-Identifier: MIT */
/* Return URLs (`rd`): the targets to which a sign-in may redirect (ASVS 3.7.2,
 * CWE-601). */
#ifndef HTTP_REDIRECT_H
#define HTTP_REDIRECT_H

#include "base/base.h"

struct arena;
struct sites;
struct words;

#define REDIRECT_MAX_BYTES 8192

/* The page that would redirect, and the allowed targets. */
struct redirect_from {
	struct str host; /* lower case, without port */
	bool https; /* the scheme that browsers use */
	const struct sites *sites; /* the origins of the service; or NULL */
	const struct words *allow; /* redirect.allow */
	bool absolute_only; /* a path is refused too */
};

/*
 * Returns true for a path on the same host that path_may_be_target() accepts,
 * and for an absolute URL with such a path or none, without userinfo, to one
 * of:
 *
 *	- an origin of `sites`;
 *	- `host` with any port, if `sites` has no origin of it;
 *	- by https, a host of `allow`: "app.example.com" means this host,
 *	  ".example.com" any host below it; with the port after a colon in the
 *	  entry, otherwise 443.
 *
 * From an https page, no `http` URL is allowed, whatever its host. Any query
 * and fragment of printable ASCII without backslash is allowed.
 */
bool redirect_is_safe(struct str url, const struct redirect_from *from);

/* Returns the path and query of a request, with bytes escaped that a return URL
 * must not have; "/" when out of memory. */
struct str redirect_escape(struct str uri, struct arena *a);

#endif
