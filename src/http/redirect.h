/* SPDX-License-Identifier: MIT */
/* Return URLs (`rd`): where a login may lead (ASVS 3.7.2, CWE-601). */
#ifndef HTTP_REDIRECT_H
#define HTTP_REDIRECT_H

#include "base/base.h"

struct arena;
struct sites;
struct words;

#define REDIRECT_MAX_BYTES 8192

/* The page that would lead there. */
struct redirect_from {
	struct str host; /* lower case, without port */
	bool https;	 /* as browsers see it */
	const struct sites *sites; /* whose origins are ours; or NULL */
	const struct words *allow; /* redirect.allow */
	bool absolute_only;	   /* a path is refused too */
};

/*
 * True for a path of our own host that path_may_be_target() accepts, or an absolute
 * URL with such a path or none, without userinfo, to one of:
 *  - an origin of `sites`;
 *  - `host` by any port, when `sites` has no origin of it;
 *  - by https, a host of `allow`: "app.example.com" exactly,
 *    ".example.com" any below it; by the port after a colon there, else 443.
 * From an https page no `http` URL, whosever it is.  Any query and fragment
 * of printable ASCII is fine, but no backslash.
 */
bool redirect_is_safe(struct str url, const struct redirect_from *from);

/* The path and query of a request, with escapes for what a return URL may not
 * have as it is; "/" when there is no memory. */
struct str redirect_escape(struct str uri, struct arena *a);

#endif
