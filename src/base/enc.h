/* SPDX-License-Identifier: MIT */
/* Text encodings of bytes: base64url, hexadecimal, percent. */
#ifndef BASE_ENC_H
#define BASE_ENC_H

#include "base/base.h"

struct buf;

/* Characters that n bytes become, without padding. */
#define BASE64URL_LEN(n)	(((n)*4 + 2) / 3)
#define HEX_LEN(n)		((n)*2)

/* RFC 4648 section 5, no padding; writes BASE64URL_LEN(n) bytes, no NUL. */
void base64url_encode(const uint8_t *bytes, size_t n, char *out);

/*
 * Strict and canonical: alphabet of section 5 only, no padding, no length of
 * 1 mod 4, unused bits zero.  Exactly n bytes, else false.
 */
bool base64url_decode(struct str s, uint8_t *out, size_t n) MUST_USE;

/* Lower case; writes HEX_LEN(n) bytes, no NUL. */
void hex_encode(const uint8_t *bytes, size_t n, char *out);

/* Lower case only; exactly n bytes, else false. */
bool hex_decode(struct str s, uint8_t *out, size_t n) MUST_USE;

/* Everything but RFC 3986 "unreserved" becomes %XX. */
void percent_encode(struct buf *b, struct str s);

/* Everything but printable ASCII, and '%' itself, becomes %XX: text of any
 * language in a header field (RFC 9110 section 5.5 advises ASCII). */
void percent_encode_text(struct buf *b, struct str s);

/*
 * %XX becomes its byte, and with `plus` a '+' becomes a space.  False on a
 * '%' that two hexadecimal digits do not follow.
 */
bool percent_decode(struct buf *b, struct str s, bool plus) MUST_USE;

#endif
