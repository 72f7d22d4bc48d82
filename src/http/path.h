/* SPDX-License-Identifier: MIT */
/*
 * The path of a request as rules see it: decoded once, never repaired.  What
 * web servers and applications may read in different ways is refused.
 */
#ifndef HTTP_PATH_H
#define HTTP_PATH_H

#include "base/base.h"

struct arena;
struct err;

/*
 * Splits REQUEST_URI (origin form only, RFC 9112 section 3.2.1) at the first
 * '?', percent-decodes the path once and collapses nothing.  ERR_INPUT for:
 * not beginning with one '/'; raw or encoded, a control byte, NUL, backslash,
 * '#' or ';' (servlet containers drop ";x" from a segment, others do not); an
 * encoded '/' or '%'; bad %XX; a raw space or byte above 0x7f; encoded bytes
 * that are not UTF-8; "//", or a segment of blanks; a segment "." or "..".
 * The query must be printable ASCII.  *path may alias `uri`.
 */
int path_normalise(struct str uri, struct arena *a, struct str *path,
		   struct str *query, struct err *err) MUST_USE;

/*
 * The part about the path, for who has no arena: `out` has room for raw.n
 * bytes, *n of them are written.  NULL, or what is wrong, as "path %s".
 */
const char *path_decode(struct str raw, char *out, size_t *n) MUST_USE;

/* Could path_decode() give this?  What it could not, no request has. */
bool path_is_decoded(struct str path) MUST_USE;

/* path is prefix itself or lies below it, on a segment boundary: "/a" covers
 * "/a" and "/a/b", not "/ab"; "/a/" covers "/a/" and "/a/b", not "/a". */
bool path_below(struct str path, struct str prefix);

#endif
