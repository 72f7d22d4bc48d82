/* SPDX-License-Identifier: MIT */
/* Return URLs (`rd`): where a login may lead (ASVS 3.7.2, CWE-601). */
#ifndef HTTP_REDIRECT_H
#define HTTP_REDIRECT_H

#include "base/base.h"

struct words;

#define REDIRECT_MAX_BYTES 2048

/*
 * True for a path of our own host that path_decode() accepts, or an absolute
 * https URL with such a path or none, without userinfo, whose host is `host`
 * or allowed: "app.example.com" exactly, ".example.com" any subdomain; port
 * 443 or none unless it is `host` itself.  `http` URLs only to `host`, when
 * this request came by http.  Any query and fragment of printable ASCII is
 * fine, but no backslash.  With `absolute_only` a path is refused too.
 */
bool redirect_is_safe(struct str url, struct str host, bool https,
		      const struct words *allow, bool absolute_only);

#endif
