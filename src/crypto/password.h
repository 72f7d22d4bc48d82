/* SPDX-License-Identifier: MIT */
/*
 * Password hashes: Argon2id in PHC form (RFC 9106, m = 19456 KiB, t = 2, p = 1,
 * the minimum of OWASP) by libsodium. Hashes of other programs are verified
 * too (crypto/password_kind.h). Any thread may call the functions; each call
 * takes tens of milliseconds and 19 MiB, so callers must limit how many run
 * (auth/hash_slots.h).
 *
 * New hashes and the checks of new passwords are of the form NFC of a password
 * (crypto/password_nfc.h), so that it does not matter with which keyboard it
 * was typed. Hashes of other programs may be of another form.
 */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include "base/base.h"

struct err;

#define PASSWORD_MAX_BYTES 512 /* longer ones are refused, not truncated */
#define PASSWORD_HASH_MAX  128 /* with the NUL */

/* Zero denies. */
enum password_answer {
	PASSWORD_WRONG = 0,
	PASSWORD_RIGHT,
	PASSWORD_UNUSABLE, /* the kind of the stored hash is not accepted */
	PASSWORD_ERROR, /* the answer is not known: out of memory */
};

/* Hashes a password; the result is a NUL-terminated PHC string. */
int password_hash(struct str password, char out[PASSWORD_HASH_MAX],
		  struct err *err) MUST_USE;

#define PASSWORD_PRINT_BYTES 16

/* Computes the fingerprint of a stored hash: the beginning of its SHA-256,
 * without the prefix that a program has added to the hash. */
void password_print(struct str hash, uint8_t out[PASSWORD_PRINT_BYTES]);

/*
 * Hashes again a password that `old` was verified with, at the current cost.
 * The salt is the fingerprint of `old`: the new hash tells which hash it
 * replaced, and two processes that do this at the same time compute the same
 * hash. This salt is as good as a random one: `old` has its own salt, so that
 * no two fingerprints are equal, and an attacker who knows the fingerprint in
 * advance knows `old`, against which guesses are easier to test.
 */
int password_rehash(struct str password, struct str old,
		    char out[PASSWORD_HASH_MAX], struct err *err) MUST_USE;

/*
 * Returns false when `hash` does not have the form that password_rehash()
 * makes. Otherwise *out is the fingerprint of the hash that it replaced; if
 * password_hash() made it, the bytes are random.
 */
bool password_replaced(struct str hash, uint8_t out[PASSWORD_PRINT_BYTES]);

/*
 * Verifies a password. It takes the time of one hash whatever the answer is: a
 * stored hash that is empty, unusable or needs more than 1 GiB, 10 passes or 4
 * GiB in all passes together is not computed; a dummy of the current cost is
 * computed instead, so that the time does not distinguish the cases.
 *
 * A password that is not in the form NFC is tried in this form, and if that is
 * wrong, as it was typed, which takes the time of two hashes.
 */
enum password_answer password_verify(struct str password, struct str hash);

/* Returns true when password_verify() accepts the kind and the cost of the
 * hash. */
bool password_is_usable(struct str hash);
/*
 * Returns NULL when the hash is usable; otherwise the reason why nobody can
 * sign in with it, as text that follows the name of its kind
 * (crypto/password_kind.h).
 */
const char *password_is_refused(struct str hash);

/* Returns true when `hash` is of another kind than password_hash() makes, or
 * has a lower cost: it is replaced at this sign-in. */
bool password_is_outdated(struct str hash);

/* Returns false when the hash covers only the beginning of the password, as
 * bcrypt does beyond 72 bytes: the rest may be anything. */
bool password_fits_scheme(struct str password, struct str hash);

#endif
