/* SPDX-License-Identifier: MIT */
/* The authority of a request or of a URL: a host and perhaps a port. */
#ifndef HTTP_HOST_H
#define HTTP_HOST_H

#include "base/base.h"

/*
 * Splits `name`, `name:port`, `[v6]` or `[v6]:port`. A name consists of labels
 * of letters, digits, '-' and '_' separated by dots, with an optional dot at
 * the end; an IPv4 address is such a name. *host keeps case, brackets and the
 * last dot; *port is 1 to 65535, or empty. Returns false, with nothing set,
 * for anything else: user information, escapes, bytes that are not ASCII, an
 * empty label or port.
 */
bool host_split(struct str authority, struct str *host,
		struct str *port) MUST_USE;

#endif
