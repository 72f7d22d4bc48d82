/* SPDX-License-Identifier: MIT */
/* Text encodings of bytes: base64url, hexadecimal, percent. */
#ifndef BASE_ENC_H
#define BASE_ENC_H

#include "base/base.h"

struct buf;

/* The length of n encoded bytes, in characters, without padding. */
#define BASE64URL_LEN(n) (((n)*4 + 2) / 3)
#define HEX_LEN(n)	 ((n)*2)

/* Encodes as RFC 4648 section 5 without padding. Writes BASE64URL_LEN(n) bytes
 * and no NUL. */
void base64url_encode(const uint8_t *bytes, size_t n, char *out);

/*
 * Decodes exactly n bytes; returns false for any other length. The text must
 * be canonical: only the alphabet of section 5, no padding, no length of 1 mod
 * 4, and zero unused bits.
 */
bool base64url_decode(struct str s, uint8_t *out, size_t n) MUST_USE;

/* Encodes in lower case. Writes HEX_LEN(n) bytes and no NUL. */
void hex_encode(const uint8_t *bytes, size_t n, char *out);

/* Decodes exactly n bytes in lower case; returns false otherwise. */
bool hex_decode(struct str s, uint8_t *out, size_t n) MUST_USE;

/* Appends s with every byte that RFC 3986 does not call "unreserved" as %XX. */
void percent_encode(struct buf *b, struct str s);

/*
 * Appends s with '%' and every byte that is not printable ASCII as %XX. It
 * puts text of any language into a header field, for which RFC 9110 section 5.5
 * advises ASCII.
 */
void percent_encode_text(struct buf *b, struct str s);

/*
 * Appends s with each %XX decoded; if `plus` is set, a '+' becomes a space.
 * Returns false when a '%' is not followed by two hexadecimal digits.
 */
bool percent_decode(struct buf *b, struct str s, bool plus) MUST_USE;

#endif
