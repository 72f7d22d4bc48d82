/* SPDX-License-Identifier: MIT */
/*
 * Parses INI files. A line that cannot be parsed becomes a problem and is
 * skipped; its text is never repeated, because it may be a part of a secret.
 */
#include "conf/ini.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "conf/problems.h"

#define LINE_MAX_BYTES (64 * 1024)

struct ini_reader {
	struct arena *arena;
	struct problems *problems;
	struct ini *out;
	size_t section_room, entry_room;
	/* false before the first section and after a malformed header */
	bool in_section;
	bool seen_header;
	unsigned line;
};

static void
problem(const struct ini_reader *r, const char *what)
{
	const struct place at = { .file = r->out->file, .line = r->line };

	problems_add(r->problems, &at, "%s", what);
}

/* Doubles a vector that is full; returns NULL when out of memory. */
static void *
grown(struct arena *a, void *old, size_t n, size_t *room, size_t size)
{
	size_t more = *room == 0 ? 32 : 2 * *room;
	void *p;

	if (n < *room)
		return old;
	p = arena_array(a, more, size);
	if (p == NULL)
		return NULL;
	if (n > 0)
		memcpy(p, old, n * size);
	*room = more;
	return p;
}

/* Returns true for an empty text or a comment. */
static bool
is_idle(struct str s)
{
	s = str_trim(s);
	return s.n == 0 || s.p[0] == ';' || s.p[0] == '#';
}

static bool
line_is_readable(const struct ini_reader *r, struct str line)
{
	if (line.n > LINE_MAX_BYTES)
		problem(r, "the line is longer than 64 KiB");
	else if (str_find(line, '\0') < line.n)
		problem(r, "the line has a NUL byte");
	else if (!str_is_utf8(line))
		problem(r, "the line is not UTF-8");
	else
		return true;
	return false;
}

static bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		const struct str c = { .p = s.p + i, .n = 1 };

		if (s.p[i] != '\t' && str_has_control(c))
			return true;
	}
	return false;
}

static int
add_section(struct ini_reader *r, const struct ini_section *new)
{
	struct ini *ini = r->out;
	const struct place at = { .file = ini->file,
				  .line = new->line,
				  .section = new->section,
				  .name = new->name };
	struct ini_section *v;

	for (size_t i = 0; i < ini->nsections; i++) {
		const struct ini_section *old = &ini->sections[i];

		if (str_eq(old->section, new->section) &&
		    str_eq(old->name, new->name)) {
			problems_add(r->problems, &at,
				     "duplicate section; the first is in "
				     "line %u",
				     old->line);
			break;
		}
	}
	v = grown(r->arena, ini->sections, ini->nsections, &r->section_room,
		  sizeof(*v));
	if (v == NULL)
		return -1;
	ini->sections = v;
	v[ini->nsections] = *new;
	v[ini->nsections++].first = ini->nentries;
	r->in_section = true;
	return 0;
}

/* Parses `[section]` or `[section name]`, with at most a comment after it. */
static int
read_header(struct ini_reader *r, struct str line)
{
	struct ini_section new = { .line = r->line };
	size_t end = str_find(line, ']');
	struct str inner = { .p = line.p + 1, .n = end - 1 };

	r->seen_header = true;
	r->in_section = false;
	if (end == line.n) {
		problem(r, "the section header has no ]");
		return 0;
	}
	if (!is_idle(str_skip(line, end + 1))) {
		problem(r, "there is text after the section header");
		return 0;
	}
	if (!str_word(&inner, &new.section) || !str_is_name(new.section, "_")) {
		problem(r, "a section header must be [section] or [section "
			   "name]");
		return 0;
	}
	new.name = str_trim(inner);
	if (new.name.n > 0 && !str_is_name(new.name, "._-")) {
		problem(r, "the name in a section header must be one word of "
			   "letters, digits and . _ -");
		return 0;
	}
	return add_section(r, &new);
}

/* Removes the comment from the text after the '='; returns false after a
 * problem. */
static bool
plain_value(const struct ini_reader *r, struct str s, struct str *out)
{
	size_t quotes = 0, n = 0;

	for (; n < s.n; n++) {
		bool blank = n > 0 && (s.p[n - 1] == ' ' || s.p[n - 1] == '\t');

		if (blank && (s.p[n] == ';' || s.p[n] == '#'))
			break;
		if (s.p[n] == '"')
			quotes++;
	}
	/* In `a "b ; c"`, it is not clear whether `; c"` is a comment. */
	if (n < s.n && quotes % 2 == 1) {
		problem(r, "a comment begins inside quotes; quotes must "
			   "enclose the whole value");
		return false;
	}
	*out = str_trim((struct str){ .p = s.p, .n = n });
	return true;
}

/* Removes quotes and escapes from s, which begins with a quote. After a
 * problem, *ok is false and *out is empty. */
static int
quoted_value(const struct ini_reader *r, struct str s, struct str *out,
	     bool *ok)
{
	char *p = arena_alloc(r->arena, s.n);
	size_t n = 0, i = 1;

	if (p == NULL)
		return -1;
	*ok = false;
	*out = STR("");
	for (; i < s.n && s.p[i] != '"'; i++) {
		if (s.p[i] == '\\') {
			i++;
			if (i == s.n || (s.p[i] != '"' && s.p[i] != '\\')) {
				problem(r, "inside quotes, \\ may only be "
					   "followed by \" or \\");
				return 0;
			}
		}
		p[n++] = s.p[i];
	}
	if (i >= s.n) {
		problem(r, "the closing quote is missing");
		return 0;
	}
	if (!is_idle(str_skip(s, i + 1))) {
		problem(r, "there is text after the closing quote");
		return 0;
	}
	*out = (struct str){ .p = p, .n = n };
	*ok = true;
	return 0;
}

static int
add_entry(struct ini_reader *r, struct str key, struct str value)
{
	struct ini *ini = r->out;
	struct ini_section *in = &ini->sections[ini->nsections - 1];
	const struct place at = { .file = ini->file,
				  .line = r->line,
				  .section = in->section,
				  .name = in->name,
				  .key = key };
	struct ini_entry *v;

	for (size_t i = in->first; i < ini->nentries; i++) {
		if (str_eq(ini->entries[i].key, key)) {
			problems_add(r->problems, &at,
				     "duplicate key; the first is in line %u",
				     ini->entries[i].line);
			return 0;
		}
	}
	v = grown(r->arena, ini->entries, ini->nentries, &r->entry_room,
		  sizeof(*v));
	if (v == NULL)
		return -1;
	ini->entries = v;
	v[ini->nentries++] = (struct ini_entry){ .section = in->section,
						 .name = in->name,
						 .key = key,
						 .value = value,
						 .line = r->line };
	in->n++;
	return 0;
}

static int
read_entry(struct ini_reader *r, struct str line)
{
	size_t at = str_find(line, '=');
	struct str key = str_trim((struct str){ .p = line.p, .n = at });
	struct str rest = str_skip(line, at + 1);
	struct str quoted = str_trim(rest);
	struct str value = { .p = "", .n = 0 };
	bool ok = true;

	if (at == line.n) {
		problem(r, "expected key = value, a [section] or a comment");
		return 0;
	}
	if (!str_is_name(key, "_")) {
		problem(r, "a key must be one word of letters, digits and _");
		return 0;
	}
	if (quoted.n > 0 && quoted.p[0] == '"') {
		if (quoted_value(r, quoted, &value, &ok) != 0)
			return -1;
	} else
		ok = plain_value(r, rest, &value);
	if (!ok || !r->in_section) {
		/* After a malformed header, only the header is reported. */
		if (ok && !r->seen_header)
			problem(r, "the key is before the first [section]");
		return 0;
	}
	return add_entry(r, key, value);
}

static int
ini_read_line(struct ini_reader *r, struct str line)
{
	if (!line_is_readable(r, line))
		return 0;
	line = str_trim(line);
	if (is_idle(line))
		return 0;
	if (has_control(line)) {
		problem(r, "the line has a control character");
		return 0;
	}
	if (line.p[0] == '[')
		return read_header(r, line);
	return read_entry(r, line);
}

int
ini_parse(struct str bytes, const char *file, struct arena *a, struct ini *out,
	  struct problems *problems)
{
	struct ini ini = { .file = file };
	struct ini_reader r = { .arena = a, .problems = problems, .out = &ini };
	struct str line;

	if (bytes.n > INI_MAX_BYTES) {
		problem(&r, "the file is larger than 1 MiB");
		bytes.n = 0;
	}
	bytes = str_skip_bom(bytes);
	while (str_cut(&bytes, '\n', &line)) {
		r.line++;
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (ini.nentries + ini.nsections >= INI_MAX_ITEMS) {
			problem(&r, "too many keys and sections");
			break;
		}
		if (ini_read_line(&r, line) != 0)
			return -1;
	}
	*out = ini;
	return 0;
}
