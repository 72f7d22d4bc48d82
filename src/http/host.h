/* SPDX-License-Identifier: MIT */
/* The authority of a request or of a URL: a host and perhaps a port. */
#ifndef HTTP_HOST_H
#define HTTP_HOST_H

#include "base/base.h"

/*
 * Splits `name`, `name:port`, `[v6]` or `[v6]:port`.  A name is labels of
 * letters, digits, '-' and '_' with dots between them, perhaps one at the
 * end; IPv4 is such a name.  *host keeps case, brackets and that dot; *port
 * is 1 to 65535, or empty.  False, and nothing set, for anything else: user
 * information, escapes, bytes that are not ASCII, an empty label or port.
 */
bool host_split(struct str authority, struct str *host,
		struct str *port) MUST_USE;

#endif
