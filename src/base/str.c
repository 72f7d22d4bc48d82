/* SPDX-License-Identifier: MIT */
/* Operations on borrowed bytes. */
#include "base/str.h"

#include <string.h>

uint32_t
str_hash(struct str s)
{
	uint32_t hash = STR_HASH_BEGIN;

	for (size_t i = 0; i < s.n; i++)
		hash = str_hash_on(hash, s.p[i]);
	return hash ^ hash >> 16;
}

struct str
str_from(const char *cstr)
{
	struct str s = { .p = "", .n = 0 };

	if (cstr != NULL) {
		s.p = cstr;
		s.n = strlen(cstr);
	}
	return s;
}

int
str_order(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool
str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	}
	return true;
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n &&
	       str_eq((struct str){ .p = s.p, .n = prefix.n }, prefix);
}

bool
str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_skip(s, s.n - suffix.n), suffix);
}

size_t
str_find(struct str s, char c)
{
	const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return at != NULL ? (size_t)(at - s.p) : s.n;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = str_skip(s, 1);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str
str_skip(struct str s, size_t n)
{
	if (n > s.n)
		n = s.n;
	return (struct str){ .p = s.p + n, .n = s.n - n };
}

struct str
str_skip_bom(struct str s)
{
	const struct str bom = STR("\xef\xbb\xbf");

	return str_starts(s, bom) ? str_skip(s, bom.n) : s;
}

bool
str_cut(struct str *rest, char sep, struct str *part)
{
	size_t at;

	if (rest->p == NULL)
		return false;
	at = str_find(*rest, sep);
	*part = (struct str){ .p = rest->p, .n = at };
	if (at == rest->n)
		*rest = (struct str){ .p = NULL, .n = 0 };
	else
		*rest = str_skip(*rest, at + 1);
	return true;
}

bool
str_word(struct str *rest, struct str *word)
{
	size_t n = 0;

	*rest = str_trim(*rest);
	while (n < rest->n && !is_blank(rest->p[n]))
		n++;
	if (n == 0)
		return false;
	*word = (struct str){ .p = rest->p, .n = n };
	*rest = str_skip(*rest, n);
	return true;
}

bool
str_to_uint(struct str s, int64_t max, int64_t *out)
{
	int64_t value = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int digit = s.p[i] - '0';

		if (digit < 0 || digit > 9 || digit > max ||
		    value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

/* Returns the length of the sequence that `lead` begins, and the range of its
 * second byte (RFC 3629 section 4); 0 when no sequence begins with it. */
static size_t
utf8_sequence(unsigned char lead, unsigned char *low, unsigned char *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef) {
		if (lead == 0xe0)
			*low = 0xa0;
		if (lead == 0xed)
			*high = 0x9f;
		return 3;
	}
	if (lead >= 0xf0 && lead <= 0xf4) {
		if (lead == 0xf0)
			*low = 0x90;
		if (lead == 0xf4)
			*high = 0x8f;
		return 4;
	}
	return 0;
}

struct str
str_clip(struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
		max--;
	return (struct str){ .p = s.p, .n = max };
}

bool
str_is_utf8(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0;

	while (i < s.n) {
		unsigned char low, high;
		size_t n = utf8_sequence(p[i], &low, &high);

		if (n == 0 || n > s.n - i)
			return false;
		for (size_t k = 1; k < n; k++) {
			if (p[i + k] < low || p[i + k] > high)
				return false;
			low = 0x80;
			high = 0xbf;
		}
		i += n;
	}
	return true;
}

/* Returns a number that is not zero if one of eight bytes is less than n, 1 to
 * 128: its subtraction then borrows from its highest bit. */
static uint64_t
less(uint64_t bytes, uint64_t n)
{
	const uint64_t each = UINT64_MAX / 255;

	return (bytes - each * n) & ~bytes & each * 128;
}

static bool
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

bool
str_has_control(struct str s)
{
	const uint64_t del = UINT64_MAX / 255 * 0x7f;
	uint64_t found = 0;
	size_t i = 0;

	for (; s.n - i >= sizeof(found); i += sizeof(found)) {
		uint64_t bytes;

		memcpy(&bytes, s.p + i, sizeof(bytes));
		found |= less(bytes, 0x20) | less(bytes ^ del, 1);
	}
	for (; i < s.n; i++)
		found |= is_control((unsigned char)s.p[i]);
	return found != 0;
}

size_t
str_plain_char(struct str s)
{
	static const struct {
		const char *first, *last;
	} tricks[] = {
		{ "\xc2\x80", "\xc2\x9f" }, /* C1 */
		{ "\xd8\x9c", "\xd8\x9c" }, /* marks */
		{ "\xe2\x80\x8e", "\xe2\x80\x8f" },
		{ "\xe2\x80\xa8", "\xe2\x80\xae" }, /* lines, overrides */
		{ "\xe2\x81\xa6", "\xe2\x81\xa9" }, /* isolates */
	};
	unsigned char low, high;
	size_t n = utf8_sequence((unsigned char)s.p[0], &low, &high);

	if (n == 1)
		return is_control((unsigned char)s.p[0]) ? 0 : 1;
	for (size_t i = 0; i < ARRAY_LEN(tricks); i++) {
		if (strlen(tricks[i].first) == n &&
		    memcmp(s.p, tricks[i].first, n) >= 0 &&
		    memcmp(s.p, tricks[i].last, n) <= 0)
			return 0;
	}
	return n;
}

bool
str_is_text(struct str s)
{
	if (!str_is_utf8(s))
		return false;
	while (s.n > 0) {
		size_t n = str_plain_char(s);

		if (n == 0)
			return false;
		s = str_skip(s, n);
	}
	return true;
}

bool
str_is_name(struct str s, const char *more)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		const char letter = (char)(c | ('a' - 'A'));
		const bool alnum =
		    (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9');

		if (!alnum && (c == '\0' || strchr(more, c) == NULL))
			return false;
	}
	return s.n > 0;
}
