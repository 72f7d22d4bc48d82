/* SPDX-License-Identifier: MIT */
/* bcrypt of a digest of the password, so that the whole password is used. */
#ifndef CRYPTO_PASSWORD_PREHASH_H
#define CRYPTO_PASSWORD_PREHASH_H

#include "crypto/password.h"

/*
 * Returns true for a well-formed hash of one of these kinds. WordPress 6.8:
 * `$wp` and the bcrypt of the Base64 of HMAC-SHA-384 of the password, without
 * white space around it, with the key "wp-sha384". Django: `bcrypt_sha256$`
 * and the bcrypt of the hexadecimal SHA-256.
 */
bool password_prehash_is_usable(struct str hash);

/* Verifies a password. `hash` must be usable; for `password`, see
 * crypto/password_legacy.h. Any thread may call it. */
enum password_answer password_prehash_verify(struct str password,
					     struct str hash);

#endif
