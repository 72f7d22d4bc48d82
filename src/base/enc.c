/* SPDX-License-Identifier: MIT */
/* Text encodings of bytes. */
#include "base/enc.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
base64url_encode(const uint8_t *bytes, size_t n, char *out)
{
	uint32_t bits;

	for (; n >= 3; n -= 3, bytes += 3) {
		bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 |
		       bytes[2];
		*out++ = alphabet[bits >> 18];
		*out++ = alphabet[bits >> 12 & 63];
		*out++ = alphabet[bits >> 6 & 63];
		*out++ = alphabet[bits & 63];
	}
	if (n == 0)
		return;
	bits = (uint32_t)bytes[0] << 8 | (n == 2 ? bytes[1] : 0);
	*out++ = alphabet[bits >> 10];
	*out++ = alphabet[bits >> 4 & 63];
	if (n == 2)
		*out = alphabet[bits << 2 & 63];
}

/*
 * The value of each byte in the alphabet; NO for all others.
 *
 * Which part of the table is read depends on the text, and a program on the
 * same processor may see that in the cache. The texts of requests come from
 * their clients, who know them, and the service hashes or verifies them before
 * it uses them. The secrets of a JWK are decoded once, when it is read.
 */
#define NO 64
/* clang-format off */
static const uint8_t sextets[256] = {
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 62, NO, NO,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO, NO, NO,
	NO,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO, 63,
	NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
};
/* clang-format on */

/* Decodes n + 1 characters to n bytes, 1 or 2; returns false when the unused
 * bits are not zero. Values of NO and above are added to *seen. */
static bool
decode_rest(const uint8_t *in, uint8_t *out, size_t n, uint32_t *seen)
{
	const uint32_t first = sextets[in[0]], second = sextets[in[1]];
	uint32_t third;

	*seen |= first | second;
	out[0] = (uint8_t)(first << 2 | second >> 4);
	if (n == 1)
		return (second & 15) == 0;
	third = sextets[in[2]];
	*seen |= third;
	out[1] = (uint8_t)(second << 4 | third >> 2);
	return (third & 3) == 0;
}

bool
base64url_decode(struct str s, uint8_t *out, size_t n)
{
	const uint8_t *in = (const uint8_t *)s.p;
	uint32_t seen = 0;

	if (s.n != BASE64URL_LEN(n))
		return false;
	for (; n >= 3; n -= 3, in += 4, out += 3) {
		const uint32_t first = sextets[in[0]], second = sextets[in[1]],
			       third = sextets[in[2]], last = sextets[in[3]];

		seen |= first | second | third | last;
		out[0] = (uint8_t)(first << 2 | second >> 4);
		out[1] = (uint8_t)(second << 4 | third >> 2);
		out[2] = (uint8_t)(third << 6 | last);
	}
	if (n > 0 && !decode_rest(in, out, n, &seen))
		return false;
	return seen < NO;
}

void
hex_encode(const uint8_t *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
hex_decode(struct str s, uint8_t *out, size_t n)
{
	if (s.n != HEX_LEN(n))
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(s.p[2 * i]);
		int low = hex_digit(s.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void
add_escape(struct buf *b, char c)
{
	static const char digits[] = "0123456789ABCDEF";
	char escape[3] = { '%', digits[(unsigned char)c >> 4],
			   digits[(unsigned char)c & 15] };

	buf_add(b, (struct str){ .p = escape, .n = 3 });
}

void
percent_encode(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (str_is_name((struct str){ .p = &c, .n = 1 }, "-._~"))
			buf_add_char(b, c);
		else
			add_escape(b, c);
	}
}

void
percent_encode_text(struct buf *b, struct str s)
{
	size_t done = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c >= ' ' && c <= '~' && c != '%')
			continue;
		buf_add(b, (struct str){ .p = s.p + done, .n = i - done });
		add_escape(b, c);
		done = i + 1;
	}
	buf_add(b, str_skip(s, done));
}

/* Accepts hexadecimal digits of either case (RFC 3986 section 2.1). */
static int
percent_digit(char c)
{
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return hex_digit(c);
}

bool
percent_decode(struct buf *b, struct str s, bool plus)
{
	for (size_t i = 0; i < s.n; i++) {
		int high, low;

		if (s.p[i] != '%') {
			buf_add_char(b, plus && s.p[i] == '+' ? ' ' : s.p[i]);
			continue;
		}
		if (s.n - i < 3)
			return false;
		high = percent_digit(s.p[i + 1]);
		low = percent_digit(s.p[i + 2]);
		if (high < 0 || low < 0)
			return false;
		buf_add_char(b, (char)(high << 4 | low));
		i += 2;
	}
	return true;
}
