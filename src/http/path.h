/* SPDX-License-Identifier: MIT */
/*
 * The path of a request. The path of a request to the service itself is
 * decoded once and never repaired: a path with two possible meanings is
 * refused. The path of a check belongs to another program: it is passed on as
 * it was sent, and http/readings.h lists the meanings it may have.
 */
#ifndef HTTP_PATH_H
#define HTTP_PATH_H

#include "base/base.h"

struct arena;
struct err;

/*
 * For a request to the service itself: splits REQUEST_URI (origin form only,
 * RFC 9112 section 3.2.1) at the first '?' and percent-decodes the path once;
 * nothing is collapsed. ERR_INPUT for a path that does not begin with exactly
 * one '/', or has: a control byte, NUL, backslash, '#' or ';', raw or encoded
 * (servlet containers drop ";x" from a segment, others do not); an encoded '/'
 * or '%'; an invalid %XX; a raw space or byte above 0x7f; encoded bytes that
 * are not UTF-8; "//", or a segment of blanks; a segment "." or "..". The
 * query must be printable ASCII. *path may alias `uri`.
 */
int path_normalise(struct str uri, struct arena *a, struct str *path,
		   struct str *query, struct err *err) MUST_USE;

/*
 * For a check: splits REQUEST_URI (origin form only) at the first '?'. *path
 * is as it was sent, except for escapes that mean nothing but the byte itself:
 * escapes of bytes that a URI can only hold escaped (RFC 3986 section 3.3:
 * space, "<>[]^`{|} and all above 0x7f) are decoded; the digits of all other
 * escapes become upper case. ERR_INPUT for a text that no server accepts as a
 * URI: a path that does not begin with '/', or has a control byte or NUL, raw
 * or encoded, an invalid %XX, a raw space or '#', or bytes that are not UTF-8,
 * raw or decoded; a query with a space or control byte. *path and *query may
 * alias `uri`.
 */
int path_split(struct str uri, struct arena *a, struct str *path,
	       struct str *query, struct err *err) MUST_USE;

/*
 * Does what path_split() does with the path, for callers without an arena:
 * `out` must have room for raw.n bytes, of which *n are written. Returns NULL,
 * or the reason for refusing the path, to be printed as "path %s".
 */
const char *path_normalise_escapes(struct str raw, char *out,
				   size_t *n) MUST_USE;

/* Returns the first byte of s, decoded if it is an escape; -1 for a '%' without
 * two digits. s must not be empty. */
int path_first_byte(struct str s);

/* Returns true for a path that path_normalise() may return. */
bool path_is_decoded(struct str path) MUST_USE;

/*
 * Returns true when path is prefix or is below it, at the boundary of a
 * segment: "/a" covers "/a" and "/a/b", but not "/ab"; "/a/" covers "/a/" and
 * "/a/b", but not "/a".
 */
bool path_below(struct str path, struct str prefix);

#endif
