/* SPDX-License-Identifier: MIT */
/*
 * Operations on borrowed bytes. Nothing here allocates: results point into the
 * arguments.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/base.h"

#include <string.h>

/* A string literal as struct str, without a call of strlen(). */
#define STR(lit) ((struct str){ .p = "" lit, .n = sizeof(lit) - 1 })

/* For printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).n, (s).p

struct str str_from(const char *cstr); /* NULL gives an empty string */

/* Most strings that are compared differ in their length. */
static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int str_order(struct str a, struct str b); /* by bytes, as strcmp() */
bool str_eq_nocase(struct str a, struct str b); /* ASCII */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* The hash FNV-1a of a text, byte by byte: it begins with STR_HASH_BEGIN. */
#define STR_HASH_BEGIN UINT32_C(2166136261)
static inline uint32_t
str_hash_on(uint32_t hash, char c)
{
	return (hash ^ (unsigned char)c) * UINT32_C(16777619);
}

/* Returns the hash of a text, with its upper half added to the lower one,
 * because the low bits alone depend on the low bits of the text only. The
 * values are in stores (session_shard_of()), so they must not change. */
uint32_t str_hash(struct str s);

/* Returns the position of the first c, or s.n if there is none. */
size_t str_find(struct str s, char c);

/* Returns s without leading and trailing spaces and tabs. */
struct str str_trim(struct str s);

/* Returns s without its first n bytes (at most s.n). */
struct str str_skip(struct str s, size_t n);

/* Returns s without the byte order mark that Windows puts before UTF-8. */
struct str str_skip_bom(struct str s);

/*
 * Removes the part before the first sep, and sep, from *rest. Returns false
 * when *rest is used up (its p is NULL then): `a,b` gives two parts, and an
 * empty string gives one empty part.
 */
bool str_cut(struct str *rest, char sep, struct str *part);

/* Removes the next word, delimited by spaces and tabs, from *rest. Returns
 * false when there is none. */
bool str_word(struct str *rest, struct str *word);

/* Parses the whole of s as decimal digits, without a sign. Returns false for
 * any other text and for a value above max. */
bool str_to_uint(struct str s, int64_t max, int64_t *out);

/* Returns the first max bytes or fewer, ending between two characters. */
struct str str_clip(struct str s, size_t max);

/* Returns true when s is well-formed UTF-8 (RFC 3629: no surrogates, shortest
 * form). */
bool str_is_utf8(struct str s);

/* Returns true when s has a byte below 0x20, or 0x7f. */
bool str_has_control(struct str s);

/*
 * Returns the length of the first character of s, which must be well-formed
 * UTF-8, in bytes; 0 if the character is not plainly printed: a control
 * character (including C1), a line separator, or a character that changes the
 * direction of the text around it.
 */
size_t str_plain_char(struct str s);

/* Returns true when s is well-formed UTF-8 of plain characters only. */
bool str_is_text(struct str s);

/* Returns true when s is not empty and every byte is an ASCII letter, a digit
 * or one of `more`. */
bool str_is_name(struct str s, const char *more);

#endif
