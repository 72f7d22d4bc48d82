/* SPDX-License-Identifier: MIT */
/*
 * Verifies password hashes made by other programs; it makes none.
 *
 *	$2a$ $2b$ $2y$	bcrypt; htpasswd -B. Reads 72 bytes of a password.
 *	$5$ $6$		SHA-256 and SHA-512 crypt; htpasswd -2 and -5
 *	$y$j9T$		yescrypt as most systems keep their own passwords
 *	$apr1$		1000 rounds of MD5; htpasswd without an option. Weak:
 *			an attacker who has the file tests millions a second.
 *
 * Weaker hashes, such as DES or a plain digest, are not accepted. Any thread
 * may call the functions.
 */
#ifndef CRYPTO_PASSWORD_LEGACY_H
#define CRYPTO_PASSWORD_LEGACY_H

#include "crypto/password.h"

/* Returns true for a well-formed hash of these kinds whose cost is allowed:
 * bcrypt up to cost 15, SHA crypt up to 1000000 rounds, about a second. */
bool password_legacy_is_usable(struct str hash);

/* Verifies a password. `hash` must be usable; `password` must have no NUL and
 * at most PASSWORD_MAX_BYTES. */
enum password_answer password_legacy_verify(struct str password,
					    struct str hash);

#endif
