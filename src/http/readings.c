/* SPDX-License-Identifier: MIT */
/* Computes the readings of a path. */
#include "http/readings.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/path.h"

/* Changes a path: writes the result to `out`, which has room for s.n bytes, and
 * returns its length. */
typedef size_t (*changer)(struct str s, char *out);

#define DECODED_MAX 2 /* how often a path may be decoded */

static bool
is_dots(struct str segment)
{
	return str_eq(segment, STR(".")) || str_eq(segment, STR(".."));
}

bool
path_is_plain(struct str path)
{
	for (size_t i = 0; i < path.n; i++) {
		char c = path.p[i],
		     next = i + 1 < path.n ? path.p[i + 1] : '\0';

		if (c == '%' || c == ';' || c == '\\')
			return false;
		if (c != '/' || (next != '/' && next != '.'))
			continue;
		if (next == '/')
			return false;
		next = i + 2 < path.n ? path.p[i + 2] : '/';
		if (next == '.')
			next = i + 3 < path.n ? path.p[i + 3] : '/';
		if (next == '/')
			return false;
	}
	return true;
}

/* Returns the length of the first character in bytes; 0 if it is malformed. */
static size_t
character(struct str s)
{
	for (size_t n = 1; n <= 4 && n <= s.n; n++) {
		if (str_is_utf8((struct str){ .p = s.p, .n = n }))
			return n;
	}
	return 0;
}

/* Replaces malformed bytes. Each of them was an escape of three bytes, so
 * there is room for the replacement. */
static size_t
replace_malformed(struct str s, char *out)
{
	static const char replacement[] = "\xef\xbf\xbd";
	size_t n = 0;

	while (s.n > 0) {
		size_t good = character(s);

		memcpy(out + n, good > 0 ? s.p : replacement,
		       good > 0 ? good : 3);
		n += good > 0 ? good : 3;
		s = str_skip(s, good > 0 ? good : 1);
	}
	return n;
}

static size_t
readings_decode(struct str s, char *out)
{
	size_t n = 0;

	while (s.n > 0) {
		int byte = path_first_byte(s);
		bool escaped = byte >= 0 && s.p[0] == '%';

		out[n++] = byte >= 0 ? (char)byte : '%';
		s = str_skip(s, escaped ? 3 : 1);
	}
	return n;
}

static size_t
drop_parameters(struct str s, char *out)
{
	bool dropping = false;
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '/' || s.p[i] == ';')
			dropping = s.p[i] == ';';
		if (!dropping)
			out[n++] = s.p[i];
	}
	return n;
}

static size_t
turn_backslashes(struct str s, char *out)
{
	for (size_t i = 0; i < s.n; i++)
		out[i] = s.p[i];
	for (size_t i = 0; i < s.n; i++) {
		if (out[i] == '\\')
			out[i] = '/';
	}
	return s.n;
}

static size_t
merge_slashes(struct str s, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '/' || n == 0 || out[n - 1] != '/')
			out[n++] = s.p[i];
	}
	return n;
}

/* Drops the host: "//host/path" is a reference to another host (RFC 3986
 * section 4.2), also with more slashes (the URL standard of browsers). */
static size_t
drop_host(struct str s, char *out)
{
	struct str path = s;

	if (str_starts(s, STR("//"))) {
		while (str_starts(path, STR("/")))
			path = str_skip(path, 1);
		path = str_skip(path, str_find(path, '/'));
		if (path.n == 0)
			path = STR("/");
	}
	memcpy(out, path.p, path.n);
	return path.n;
}

/*
 * Returns the length of `out` without its last segment and the slash before it.
 */
static size_t
without_last(const char *out, size_t n)
{
	while (n > 0 && out[n - 1] != '/')
		n--;
	return n > 0 ? n - 1 : 0;
}

/* Resolves dot segments (RFC 3986 section 5.2.4). */
static size_t
resolve_dots(struct str s, char *out)
{
	struct str rest = str_skip(s, 1), segment;
	size_t n = 0;

	while (str_cut(&rest, '/', &segment)) {
		bool dots = is_dots(segment), last = rest.p == NULL;

		if (dots && segment.n == 2)
			n = without_last(out, n);
		if (dots && !last)
			continue;
		out[n++] = '/';
		if (!dots) {
			memcpy(out + n, segment.p, segment.n);
			n += segment.n;
		}
	}
	return n;
}

/* Counts segments "." and ".."; with `loosely`, also those between backslashes
 * and those with parameters. */
static size_t
count_dots(struct str path, bool loosely)
{
	struct str rest = str_skip(path, 1), segment, part;
	size_t count = 0;

	while (str_cut(&rest, '/', &segment)) {
		while (str_cut(&segment, loosely ? '\\' : '/', &part)) {
			if (loosely)
				part.n = str_find(part, ';');
			count += is_dots(part) ? 1 : 0;
		}
	}
	return count;
}

/* path may be in `scratch`: it can be decoded in place. */
static bool
has_more_dots(struct str path, size_t than, char *scratch)
{
	bool found = count_dots(path, true) > than;

	for (int i = 0; i < DECODED_MAX && !found; i++) {
		path.n = readings_decode(path, scratch);
		path.p = scratch;
		found = count_dots(path, true) > than;
	}
	return found;
}

int
path_hides_dots(struct str path, struct arena *a, bool *hidden, struct err *err)
{
	char *scratch = arena_alloc(a, path.n);

	if (scratch == NULL)
		return err_nomem(err);
	*hidden = has_more_dots(path, count_dots(path, false), scratch);
	return 0;
}

static bool
begins_as_host(struct str path)
{
	return path.n > 1 && ((unsigned char)path.p[1] <= ' ' ||
			      memchr("/\\;", path.p[1], 3) != NULL);
}

/* Returns true when a segment other than the last is empty or blank. */
static bool
has_empty_segment(struct str path)
{
	struct str rest = str_skip(path, 1), segment;

	while (str_cut(&rest, '/', &segment)) {
		if (rest.p != NULL && str_trim(segment).n == 0)
			return true;
	}
	return false;
}

bool
path_may_be_target(struct str raw, char *scratch)
{
	struct str path = { .p = scratch, .n = 0 };

	if (path_normalise_escapes(raw, scratch, &path.n) != NULL ||
	    has_empty_segment(path) || begins_as_host(path))
		return false;
	for (int i = 0; i < DECODED_MAX; i++) {
		if (count_dots(path, true) > 0)
			return false;
		path.n = readings_decode(path, scratch);
		if (begins_as_host(path))
			return false;
	}
	return count_dots(path, true) == 0;
}

struct path_reader {
	struct path_readings *out;
	struct arena *arena;
	char *scratch; /* room for the path */
	size_t bytes; /* bytes of all in out->v except the path */
};

static bool
is_known(const struct path_readings *r, struct str s)
{
	for (size_t i = 0; i < r->n; i++) {
		if (str_eq(r->v[i], s))
			return true;
	}
	return false;
}

static int
readings_add(struct path_reader *r, struct str s, struct err *err)
{
	struct path_readings *out = r->out;

	if (is_known(out, s))
		return 0;
	if (out->n == PATH_READINGS_MAX ||
	    r->bytes + s.n > PATH_READINGS_BYTES) {
		out->complete = false;
		return 0;
	}
	if (arena_copy(r->arena, s, &out->v[out->n]) != 0)
		return err_nomem(err);
	out->n++;
	r->bytes += s.n;
	return 0;
}

static int
readings_take(struct path_reader *r, struct str s, changer change,
	      struct err *err)
{
	struct str made = { .p = r->scratch, .n = change(s, r->scratch) };

	return readings_add(r, made, err);
}

/*
 * Adds the readings that result from s without decoding; new ones are appended.
 */
static int
vary(struct path_reader *r, struct str s, struct err *err)
{
	static const changer steps[] = { drop_parameters, turn_backslashes,
					 merge_slashes, resolve_dots,
					 drop_host };

	for (size_t i = 0; i < ARRAY_LEN(steps) && r->out->complete; i++) {
		if (readings_take(r, s, steps[i], err) != 0)
			return -1;
	}
	return 0;
}

static int
decode_one(struct path_reader *r, struct str s, struct err *err)
{
	struct str made = { .p = r->scratch,
			    .n = readings_decode(s, r->scratch) };
	char *sound;

	if (str_is_utf8(made))
		return readings_add(r, made, err);
	sound = arena_alloc(r->arena, s.n);
	if (sound == NULL)
		return err_nomem(err);
	made.n = replace_malformed(made, sound);
	made.p = sound;
	return readings_add(r, made, err);
}

static int
readings_read_all(struct path_reader *r, struct err *err)
{
	const struct path_readings *out = r->out;
	size_t from = 0;

	for (int decoded = 0; out->complete; decoded++) {
		size_t to;

		for (size_t i = from; i < out->n && out->complete; i++) {
			if (vary(r, out->v[i], err) != 0)
				return -1;
		}
		to = out->n;
		if (decoded == DECODED_MAX)
			return 0;
		for (size_t i = from; i < to && out->complete; i++) {
			if (decode_one(r, out->v[i], err) != 0)
				return -1;
		}
		from = to;
	}
	return 0;
}

int
path_readings(struct str path, struct arena *a, struct path_readings *out,
	      struct err *err)
{
	struct path_readings found = { .v = { path },
				       .n = 1,
				       .complete = true };
	struct path_reader r = { .out = &found, .arena = a };

	if (!path_is_plain(path)) {
		r.scratch = arena_alloc(a, path.n);
		if (r.scratch == NULL)
			return err_nomem(err);
		if (readings_read_all(&r, err) != 0)
			return -1;
	}
	*out = found;
	return 0;
}
