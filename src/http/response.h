/* SPDX-License-Identifier: MIT */
/*
 * One answer, built in memory.  Until it is written it can be thrown away and
 * replaced: nothing has been sent.
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "base/buf.h"

struct arena;

#define RESPONSE_MAX_HEADERS 48
#define RESPONSE_MAX_BODY    (64 * 1024)

struct http_header {
	const char *name; /* a constant, or in the arena */
	struct str value;
};

struct http_response {
	struct arena *arena;
	unsigned status; /* 0: nobody answered yet; written as 500 */
	struct http_header header[RESPONSE_MAX_HEADERS];
	size_t nheaders;
	struct buf body;
	bool failed; /* a header was refused or did not fit: 500 */
};

void http_response_init(struct http_response *res, struct arena *a);

/* Drops headers and body and sets the status: an error replaces all. */
void http_response_reset(struct http_response *res, unsigned status);

/*
 * Adds a header; the value is copied.  CR, LF, NUL or another control byte in
 * it, or a name that is no token or is "Status", makes the whole answer fail:
 * it is then written as a 500.
 */
void http_response_header(struct http_response *res, const char *name,
			  struct str value);

/* As above, when no header of that name is there yet. */
void http_response_default(struct http_response *res, const char *name,
			   struct str value);

/*
 * CGI form (RFC 3875 section 6): `Status:` first, then the headers, an empty
 * line, and the body unless `head_only`.  What failed is written as a bare
 * 500.
 */
void http_response_write(const struct http_response *res, bool head_only,
			 struct buf *out);

#endif
