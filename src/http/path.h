/* SPDX-License-Identifier: MIT */
/*
 * The path of a request.  What the service serves itself is decoded once and
 * never repaired: what could be read in two ways is refused.  What it is asked
 * about belongs to somebody else: it is passed on as it was sent, and
 * http/readings.h says what it may be taken for.
 */
#ifndef HTTP_PATH_H
#define HTTP_PATH_H

#include "base/base.h"

struct arena;
struct err;

/*
 * For a request of our own: splits REQUEST_URI (origin form only, RFC 9112
 * section 3.2.1) at the first '?', percent-decodes the path once and collapses
 * nothing.  ERR_INPUT for: not beginning with one '/'; raw or encoded, a
 * control byte, NUL, backslash, '#' or ';' (servlet containers drop ";x" from
 * a segment, others do not); an encoded '/' or '%'; bad %XX; a raw space or
 * byte above 0x7f; encoded bytes that are not UTF-8; "//", or a segment of
 * blanks; a segment "." or "..".  The query must be printable ASCII.  *path
 * may alias `uri`.
 */
int path_normalise(struct str uri, struct arena *a, struct str *path,
		   struct str *query, struct err *err) MUST_USE;

/*
 * For a request that we are asked about: splits REQUEST_URI (origin form only)
 * at the first '?'.  *path is as it was sent, but for escapes that say no more
 * than the byte itself: those of bytes that a URI cannot hold otherwise (RFC
 * 3986 section 3.3: space, "<>[]^`{|} and all above 0x7f) are decoded, the
 * digits of all others are upper case.  ERR_INPUT for what is no URI to any
 * server: not beginning with '/'; a control byte or NUL, raw or encoded; bad
 * %XX; a raw space or '#'; not UTF-8, raw or decoded; in the query a space or
 * control byte.  *path and *query may alias `uri`.
 */
int path_split(struct str uri, struct arena *a, struct str *path,
	       struct str *query, struct err *err) MUST_USE;

/*
 * What path_split() does with the path, for who has no arena: `out` has room
 * for raw.n bytes, *n of them are written.  NULL, or what is wrong, as
 * "path %s".
 */
const char *path_normalise_escapes(struct str raw, char *out, size_t *n)
    MUST_USE;

/* The byte that s, which is not empty, begins with, escaped or not; -1: '%'
 * without two digits. */
int path_first_byte(struct str s);

/* Could path_normalise() give this? */
bool path_is_decoded(struct str path) MUST_USE;

/* path is prefix itself or lies below it, on a segment boundary: "/a" covers
 * "/a" and "/a/b", not "/ab"; "/a/" covers "/a/" and "/a/b", not "/a". */
bool path_below(struct str path, struct str prefix);

#endif
