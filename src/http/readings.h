/* SPDX-License-Identifier: MIT */
/*
 * The readings of a path: the ways in which a server may understand it. Web
 * servers, frameworks and containers differ: some compare a path as it was
 * sent, some decode it once, a chain of two decodes it twice; some merge
 * slashes, some drop ";x" from a segment (servlet containers), some read '\' as
 * '/' (Windows, and the URL standard of browsers), some parse it as a URL
 * reference, in which "//x/y" is the path "/y" on another host (RFC 3986
 * section 4.2; parse_url() of PHP, new URL() of Node), and most resolve dot
 * segments (RFC 3986 section 5.2.4), each at a different time. Not among the
 * readings are: a change of case, "%u0041", and dropping dots or blanks from
 * the end of a segment.
 */
#ifndef HTTP_READINGS_H
#define HTTP_READINGS_H

#include "base/base.h"

struct arena;
struct err;

/* All functions except path_may_be_target() take paths from path_split(). */

/* Returns true when the path has only one reading: itself. */
bool path_is_plain(struct str path) MUST_USE;

/*
 * Sets *hidden to whether decoding once or twice, reading '\' as '/', or
 * dropping ";x" turns a segment into "." or ".." that was not one before.
 * Well-behaved clients do not send such paths.
 */
int path_hides_dots(struct str path, struct arena *a, bool *hidden,
		    struct err *err) MUST_USE;

/*
 * Returns true when a redirect may lead to the path. `raw` is as in a URL,
 * without query; `scratch` must have room for it. It returns false for a path
 * that path_split() refuses; for a dot segment, also a hidden one; for "//" and
 * a segment of blanks; and where '/', '\\', ';' or a blank follows the first
 * slash, raw or decoded once or twice, because the rest might be read as a
 * host.
 */
bool path_may_be_target(struct str raw, char *scratch);

#define PATH_READINGS_MAX   128
/* bytes of all readings together */
#define PATH_READINGS_BYTES ((size_t)128 * 1024)

struct path_readings {
	/* all different; v[0] is the path itself */
	struct str v[PATH_READINGS_MAX];
	size_t n;
	bool complete; /* false: there was no room for all of them */
};

/*
 * Computes all readings: those that result from decoding at most twice,
 * dropping parameters, reading '\' as '/', merging slashes, resolving dot
 * segments and dropping a host, each or not, in any order. In the second
 * decoding, invalid escapes are kept, and bytes that are not UTF-8 become
 * U+FFFD. The readings borrow from `path` and `a`.
 */
int path_readings(struct str path, struct arena *a, struct path_readings *out,
		  struct err *err) MUST_USE;

#endif
