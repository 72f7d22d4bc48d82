/* SPDX-License-Identifier: MIT */
/*
 * PBKDF2 (RFC 8018 section 5.2) with HMAC-SHA-256 or -512, in the formats of
 * the programs that write it:
 *
 *	pbkdf2_sha256$N$SALT$BASE64		Django
 *	$pbkdf2-sha256$N$BASE64$BASE64		passlib, Odoo: '.' for '+'
 *	$pbkdf2-sha256$i=N$BASE64$BASE64	PHC; also i=N,l=LENGTH
 *	$pbkdf2-sha256$i=N,l=LENGTH$SALT$HEX	Discourse: its columns
 *						algorithm, salt, '$' and
 *						hash together
 *	{PBKDF2-SHA256}N$BASE64$BASE64		OpenLDAP
 *	pbkdf2:sha256:N$SALT$HEX		Flask
 *	pbkdf2$N$LENGTH$SALT$HEX		Gitea: its columns
 *						passwd_hash_algo, salt and
 *						passwd with '$' between
 *
 * Any thread may call the functions.
 */
#ifndef CRYPTO_PASSWORD_PBKDF2_H
#define CRYPTO_PASSWORD_PBKDF2_H

#include "crypto/password.h"

/* Returns true for a well-formed hash with at least 1000 iterations and at most
 * 3000000 blocks of SHA-256 or 1500000 of SHA-512: two seconds. */
bool password_pbkdf2_is_usable(struct str hash);

/* Verifies a password. `hash` must be usable; for `password`, see
 * crypto/password_legacy.h. */
enum password_answer password_pbkdf2_verify(struct str password,
					    struct str hash);

#endif
