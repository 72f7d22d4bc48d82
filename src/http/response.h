/* SPDX-License-Identifier: MIT */
/*
 * One response, built in memory. Nothing is sent before it is written, so it
 * can be discarded and replaced.
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "base/buf.h"

struct arena;

#define RESPONSE_MAX_HEADERS 48
#define RESPONSE_MAX_HEAD    (128 * 1024) /* of all headers, in bytes */
#define RESPONSE_MAX_BODY    (64 * 1024)

struct http_response {
	struct arena *arena;
	unsigned status; /* not set yet; written as 500 */
	struct buf head; /* the lines of the headers, as they are written */
	size_t nheaders;
	struct buf body;
	bool failed; /* a header was invalid or did not fit: 500 */
};

void http_response_init(struct http_response *res, struct arena *a);

/* Removes headers and body and sets the status: an error replaces the whole
 * response. */
void http_response_reset(struct http_response *res, unsigned status);

/*
 * Adds a header; name and value are copied. If the value has CR, LF, NUL or
 * another control byte, or if the name is not a token or is "Status", the whole
 * response fails and is written as a 500.
 */
void http_response_header(struct http_response *res, const char *name,
			  struct str value);

/* Adds a header unless there is one of that name. */
void http_response_default(struct http_response *res, const char *name,
			   struct str value);

/*
 * Writes the response in CGI form (RFC 3875 section 6): `Status:` first, then
 * the headers, an empty line, and the body unless `head_only`. A failed
 * response is written as a bare 500.
 */
void http_response_write(const struct http_response *res, bool head_only,
			 struct buf *out);

#endif
