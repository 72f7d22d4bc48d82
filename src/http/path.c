/* SPDX-License-Identifier: MIT */
/* Splits and checks the path of a request. */
#include "http/path.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Returns the value of a hexadecimal digit, or -1. */
static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = memchr(digits, c, sizeof(digits) - 1);

	return at != NULL ? (int)(at - digits) & 15 : -1;
}

int
path_first_byte(struct str s)
{
	int high, low;

	if (s.p[0] != '%')
		return (unsigned char)s.p[0];
	if (s.n < 3)
		return -1;
	high = digit(s.p[1]);
	low = digit(s.p[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Returns true for control bytes and for delimiters that programs read
 * differently. '/' and '%' are refused only if they are escaped. */
static bool
is_refused(int byte, bool escaped)
{
	if (byte < 0x20 || byte == 0x7f || strchr("\\#;", byte) != NULL)
		return true;
	if (escaped)
		return byte == '/' || byte == '%';
	return byte == ' ' || byte > 0x7f;
}

/* Returns false for a path with a segment "" (as in "//"), ".", ".." or of
 * blanks; the last segment may be empty. */
static bool
segments_are_plain(struct str path)
{
	struct str rest = str_skip(path, 1), segment;

	while (str_cut(&rest, '/', &segment)) {
		if (segment.n == 0 && rest.p == NULL)
			return true;
		if (str_trim(segment).n == 0 || str_eq(segment, STR(".")) ||
		    str_eq(segment, STR("..")))
			return false;
	}
	return true;
}

/* Decodes the path for path_normalise(); `out`, *n and the result are as for
 * path_normalise_escapes(). */
static const char *
path_decode(struct str raw, char *out, size_t *n)
{
	struct str path = { .p = out, .n = 0 };

	if (!str_starts(raw, STR("/")))
		return "does not begin with '/'";
	while (raw.n > 0) {
		bool escaped = raw.p[0] == '%';
		int byte = path_first_byte(raw);

		if (byte < 0)
			return "has a bad escape";
		if (is_refused(byte, escaped))
			return "has a byte that is not allowed";
		out[path.n++] = (char)byte;
		raw = str_skip(raw, escaped ? 3 : 1);
	}
	if (!str_is_utf8(path))
		return "is not UTF-8";
	if (!segments_are_plain(path))
		return "has an empty segment or a dot segment";
	*n = path.n;
	return NULL;
}

bool
path_is_decoded(struct str path)
{
	for (size_t i = 0; i < path.n; i++) {
		/* A decoded byte may be any that is allowed in escaped form,
		 * and also '/'. */
		if (path.p[i] != '/' &&
		    is_refused((unsigned char)path.p[i], true))
			return false;
	}
	return str_starts(path, STR("/")) && str_is_utf8(path) &&
	       segments_are_plain(path);
}

/* Accepts more bytes than RFC 3986 section 3.4, because browsers send some,
 * such as '|'. */
static bool
query_is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	}
	return true;
}

int
path_normalise(struct str uri, struct arena *a, struct str *path,
	       struct str *query, struct err *err)
{
	struct str raw = { .p = uri.p, .n = str_find(uri, '?') };
	struct str after = str_skip(uri, raw.n + 1);
	char *decoded = arena_alloc(a, raw.n + 1);
	const char *wrong;
	size_t n = 0;

	if (decoded == NULL)
		return err_nomem(err);
	wrong = path_decode(raw, decoded, &n);
	if (wrong != NULL)
		return err_set(err, ERR_INPUT, "path %s", wrong);
	if (!query_is_plain(after))
		return err_set(err, ERR_INPUT,
			       "query has a byte that is not allowed");
	*path = (struct str){ .p = decoded, .n = n };
	*query = after;
	return 0;
}

/*
 * Returns true for bytes that a URI can only hold escaped (RFC 3986 section
 * 3.3), or that browsers may escape or not: the escape means the same as the
 * byte.
 */
static bool
must_be_escaped(int byte)
{
	return byte > 0x7f || strchr(" \"<>[]^`{|}", byte) != NULL;
}

static char
upper(char c)
{
	return (char)(c >= 'a' && c <= 'f' ? c - ('a' - 'A') : c);
}

const char *
path_normalise_escapes(struct str raw, char *out, size_t *n)
{
	size_t length = 0;

	if (!str_starts(raw, STR("/")))
		return "does not begin with '/'";
	while (raw.n > 0) {
		int byte = path_first_byte(raw);

		if (byte < 0)
			return "has a bad escape";
		if (byte < 0x20 || byte == 0x7f ||
		    (raw.p[0] != '%' && (byte == ' ' || byte == '#')))
			return "has a byte that is not allowed";
		if (raw.p[0] != '%' || must_be_escaped(byte)) {
			out[length++] = (char)byte;
			raw = str_skip(raw, raw.p[0] == '%' ? 3 : 1);
			continue;
		}
		out[length++] = '%';
		out[length++] = upper(raw.p[1]);
		out[length++] = upper(raw.p[2]);
		raw = str_skip(raw, 3);
	}
	if (!str_is_utf8((struct str){ .p = out, .n = length }))
		return "is not UTF-8";
	*n = length;
	return NULL;
}

/* Returns true when path_normalise_escapes() would change and refuse nothing;
 * all bytes are ASCII. */
static bool
is_normal(struct str raw)
{
	for (size_t i = 0; i < raw.n; i++) {
		unsigned char c = (unsigned char)raw.p[i];

		if (c <= ' ' || c > '~' || c == '%' || c == '#')
			return false;
	}
	return true;
}

/* Accepts what query_is_plain() accepts, and bytes that some clients fail to
 * escape. */
static bool
query_is_sound(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c == 0x7f)
			return false;
	}
	return true;
}

int
path_split(struct str uri, struct arena *a, struct str *path, struct str *query,
	   struct err *err)
{
	struct str raw = { .p = uri.p, .n = str_find(uri, '?') };
	struct str after = str_skip(uri, raw.n + 1), found = raw;

	if (!query_is_sound(after))
		return err_set(err, ERR_INPUT,
			       "query has a byte that is not allowed");
	if (!str_starts(raw, STR("/")) || !is_normal(raw)) {
		char *text = arena_alloc(a, raw.n);
		const char *wrong;

		if (text == NULL)
			return err_nomem(err);
		found.p = text;
		wrong = path_normalise_escapes(raw, text, &found.n);
		if (wrong != NULL)
			return err_set(err, ERR_INPUT, "path %s", wrong);
	}
	*path = found;
	*query = after;
	return 0;
}

bool
path_below(struct str path, struct str prefix)
{
	struct str rest = str_skip(path, prefix.n);

	if (!str_starts(path, prefix))
		return false;
	return rest.n == 0 || rest.p[0] == '/' || str_ends(prefix, STR("/"));
}
