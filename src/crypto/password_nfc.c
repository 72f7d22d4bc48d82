/* SPDX-License-Identifier: MIT */
/* The form NFC of a password. */
#include "crypto/password_nfc.h"

#include <string.h>
#include <utf8proc.h>

#include "base/secret.h"
#include "base/str.h"

/* Room for the decomposed characters. No character has more than three for
 * every two of its bytes. */
#define ROOM (PASSWORD_MAX_BYTES * 2)

static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* Writes the form to the beginning of `chars`. Returns its length in bytes; 0
 * or less if there is none. */
static utf8proc_ssize_t
compose(struct str s, utf8proc_int32_t chars[ROOM + 1])
{
	const utf8proc_option_t how = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
	utf8proc_ssize_t n =
	    utf8proc_decompose((const utf8proc_uint8_t *)s.p,
			       (utf8proc_ssize_t)s.n, chars, ROOM, how);

	if (n <= 0 || n > ROOM)
		return -1;
	return utf8proc_reencode(chars, n, how);
}

struct str
password_nfc(struct str password, char buf[PASSWORD_MAX_BYTES])
{
	utf8proc_int32_t chars[ROOM + 1];
	struct str form = password;
	utf8proc_ssize_t n;

	if (password.n > PASSWORD_MAX_BYTES || is_ascii(password) ||
	    !str_is_utf8(password))
		return password;
	n = compose(password, chars);
	if (n > 0 && n <= PASSWORD_MAX_BYTES) {
		memcpy(buf, chars, (size_t)n);
		form = (struct str){ .p = buf, .n = (size_t)n };
	}
	secret_wipe(chars, sizeof(chars));
	return str_eq(form, password) ? password : form;
}
