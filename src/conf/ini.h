/* SPDX-License-Identifier: MIT */
/*
 * The INI file as a list of entries with their line numbers. The file is
 * UTF-8, with an optional byte order mark, and LF or CRLF. A line is empty, a
 * comment (`;` or `#` first), `[section]`, `[section name]`, or `key = value`.
 * A value ends before ` ;` or ` #` (white space first), unless it is in double
 * quotes, in which `\"` and `\\` are escapes; the quotes must enclose the whole
 * value. A line has at most 64 KiB. There are no continuation lines and there
 * is no interpolation.
 */
#ifndef CONF_INI_H
#define CONF_INI_H

#include "base/base.h"

struct arena;
struct problems;

#define INI_MAX_BYTES (1024 * 1024)
#define INI_MAX_ITEMS 16384 /* keys and sections */

struct ini_entry {
	struct str section; /* "rule" of `[rule admin]` */
	struct str name; /* "admin"; empty for `[server]` */
	struct str key, value;
	unsigned line;
};

struct ini_section {
	struct str section, name;
	unsigned line;
	size_t first, n; /* its entries, which are consecutive */
};

struct ini {
	const char *file; /* for messages */
	struct ini_section *sections; /* in file order, also empty ones */
	size_t nsections;
	struct ini_entry *entries; /* in file order */
	size_t nentries;
};

/*
 * Parses `bytes`, which must outlive *out. Every malformed line, duplicate key
 * and duplicate section becomes a problem; parsing continues after it, so that
 * all problems are found at once. Returns -1 only when out of memory: the
 * caller must check whether there were problems.
 */
int ini_parse(struct str bytes, const char *file, struct arena *a,
	      struct ini *out, struct problems *problems) MUST_USE;

#endif
