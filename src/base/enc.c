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
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | bytes[i];
		for (have += 8; have >= 6; have -= 6)
			*out++ = alphabet[bits >> (have - 6) & 63];
	}
	if (have > 0)
		*out = alphabet[bits << (6 - have) & 63];
}

static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

bool
base64url_decode(struct str s, uint8_t *out, size_t n)
{
	uint32_t bits = 0;
	unsigned have = 0;

	if (s.n != BASE64URL_LEN(n))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int v = sextet(s.p[i]);

		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*out++ = (uint8_t)(bits >> have);
		}
	}
	return (bits & ((1U << have) - 1)) == 0;
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
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c >= ' ' && c <= '~' && c != '%')
			buf_add_char(b, c);
		else
			add_escape(b, c);
	}
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
