/* SPDX-License-Identifier: MIT */
/*
 * What a path may be taken for.  Web servers, frameworks and containers do not
 * agree on what a path means: some compare it as it was sent, some decode it
 * once, a chain of two decodes it twice; some merge slashes, some drop ";x"
 * from a segment (servlet containers), some take '\' for '/' (Windows, and the
 * URL standard of browsers), some parse it as a URL reference, to which "//x/y"
 * is the path "/y" of a host (RFC 3986 section 4.2; parse_url() of PHP, new
 * URL() of Node), and most resolve dot segments (RFC 3986 section 5.2.4), each
 * at a time of its own.  Not among the readings: other cases of
 * letters, "%u0041", dots or blanks dropped from the end of a segment.
 */
#ifndef HTTP_READINGS_H
#define HTTP_READINGS_H

#include "base/base.h"

struct arena;
struct err;

/* Of paths as path_split() gives them. */

/* Has one reading: itself. */
bool path_is_plain(struct str path) MUST_USE;

/*
 * *hidden: decoding once or twice, '\' as '/', or ";x" dropped makes a segment
 * "." or ".." of one that did not look like it.  No client that means well
 * sends this.
 */
int path_hides_dots(struct str path, struct arena *a, bool *hidden,
		    struct err *err) MUST_USE;

/*
 * May a redirect lead there?  `raw` is as in a URL, without query; `scratch`
 * has room for it.  False for what path_split() refuses; for a dot segment,
 * also a hidden one; for "//" and a segment of blanks; and where '/', '\\', ';'
 * or a blank follows the slash at the front, raw or decoded once or twice.
 * What stands behind might be taken for a host.
 */
bool path_may_be_target(struct str raw, char *scratch);

#define PATH_READINGS_MAX   128
#define PATH_READINGS_BYTES ((size_t)128 * 1024) /* together */

struct path_readings {
	struct str v[PATH_READINGS_MAX]; /* all different; v[0] is the path */
	size_t n;
	bool complete; /* false: there are more than there is room for */
};

/*
 * All that come of decoding at most twice, dropping parameters, taking '\' for
 * '/', merging slashes, resolving dot segments and dropping a host, each or
 * not, in any order.
 * The second time, escapes that are none stay as they are, and what is not
 * UTF-8 becomes U+FFFD.  Those in v borrow from `path` and `a`.
 */
int path_readings(struct str path, struct arena *a, struct path_readings *out,
		  struct err *err) MUST_USE;

#endif
