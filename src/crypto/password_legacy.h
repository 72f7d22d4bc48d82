/* SPDX-License-Identifier: MIT */
/*
 * Password hashes that other programs made: verified here, never made.
 *
 *	$2a$ $2b$ $2y$	bcrypt; htpasswd -B.  Sees 72 bytes of a password.
 *	$5$ $6$		SHA-256 and SHA-512 crypt; htpasswd -2 and -5
 *	$y$j9T$		yescrypt as most systems keep their own passwords
 *	$apr1$		1000 rounds of MD5; htpasswd without an option.  Weak:
 *			whoever gets the file tries millions a second.
 *
 * Nothing weaker: neither DES nor a bare digest.  Any thread.
 */
#ifndef CRYPTO_PASSWORD_LEGACY_H
#define CRYPTO_PASSWORD_LEGACY_H

#include "crypto/password.h"

/* Well-formed, of a kind above, and of a cost that is borne: bcrypt up to 15,
 * SHA crypt up to 1000000 rounds, about a second. */
bool password_legacy_is_usable(struct str hash);

/* `hash` is usable; `password` has no NUL and at most PASSWORD_MAX_BYTES. */
enum password_answer password_legacy_verify(struct str password,
					    struct str hash);

#endif
