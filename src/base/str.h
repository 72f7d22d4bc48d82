/* SPDX-License-Identifier: MIT */
/*
 * Operations on borrowed bytes.  Nothing here allocates; what is returned
 * points into what was given.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/base.h"

/* A string literal as struct str, at no cost. */
#define STR(lit)	((struct str){ .p = "" lit, .n = sizeof(lit) - 1 })

/* For printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s)	(int)(s).n, (s).p

struct str str_from(const char *cstr); /* NULL gives an empty one */

bool str_eq(struct str a, struct str b);
int str_order(struct str a, struct str b); /* by bytes, as strcmp() */
bool str_eq_nocase(struct str a, struct str b); /* ASCII */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Position of the first c, or s.n. */
size_t str_find(struct str s, char c);

/* Without leading and trailing spaces and tabs. */
struct str str_trim(struct str s);

/* What is left when n bytes (at most s.n) are taken off the front. */
struct str str_skip(struct str s, size_t n);

/* Without the byte order mark that Windows writes in front of UTF-8. */
struct str str_skip_bom(struct str s);

/*
 * Takes the part before the first sep off *rest.  False when *rest was used
 * up (its p is then NULL), so `a,b` gives two parts and `` gives one empty.
 */
bool str_cut(struct str *rest, char sep, struct str *part);

/* The next word between spaces and tabs; false when there is none. */
bool str_word(struct str *rest, struct str *word);

/* Decimal digits only, the whole of s, no sign, no overflow. */
bool str_to_uint(struct str s, int64_t max, int64_t *out);

/* At most max bytes of the front, not ending within a character. */
struct str str_clip(struct str s, size_t max);

/* Whole string is well-formed UTF-8 (RFC 3629: no surrogates, shortest). */
bool str_is_utf8(struct str s);

/* Holds a byte below 0x20, or 0x7f. */
bool str_has_control(struct str s);

/*
 * Bytes of the character at the front of well-formed UTF-8; 0 for one that is
 * not just shown: control characters (C1 too), line separators and what turns
 * the direction of the text around it.
 */
size_t str_plain_char(struct str s);

/* Well-formed UTF-8 of nothing but plain characters. */
bool str_is_text(struct str s);

/* Every byte is an ASCII letter, digit or one of `more`; s is not empty. */
bool str_is_name(struct str s, const char *more);

#endif
