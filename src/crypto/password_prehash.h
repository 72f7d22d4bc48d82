/* SPDX-License-Identifier: MIT */
/* bcrypt of a digest of the password, so that all of the password counts. */
#ifndef CRYPTO_PASSWORD_PREHASH_H
#define CRYPTO_PASSWORD_PREHASH_H

#include "crypto/password.h"

/*
 * WordPress 6.8: `$wp` and the bcrypt of the Base64 of HMAC-SHA-384 of the
 * password, without blanks around it, with the key "wp-sha384".
 * Django: `bcrypt_sha256$` and the bcrypt of the hexadecimal SHA-256.
 */
bool password_prehash_is_usable(struct str hash);

/* `hash` is usable; `password` as in crypto/password_legacy.h.  Any thread. */
enum password_answer password_prehash_verify(struct str password,
					     struct str hash);

#endif
