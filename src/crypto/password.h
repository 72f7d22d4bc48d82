/* SPDX-License-Identifier: MIT */
/*
 * Password hashes: Argon2id in PHC form (RFC 9106, m = 19456 KiB, t = 2,
 * p = 1: OWASP's minimum), by libsodium.  Hashes of other programs are verified
 * too (crypto/password_kind.h).  Any thread; each call takes tens of
 * milliseconds and 19 MiB, so callers bound how many run (auth/hash_slots.h).
 */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include "base/base.h"

struct err;

#define PASSWORD_MAX_BYTES 512 /* longer ones are refused, not cut */
#define PASSWORD_HASH_MAX  128 /* with the NUL */
#define PASSWORD_REFUSAL_MAX 128

/* Zero denies. */
enum password_answer {
	PASSWORD_WRONG = 0,
	PASSWORD_RIGHT,
	PASSWORD_UNUSABLE, /* the stored hash is of no kind we accept */
	PASSWORD_UNTOLD,   /* there was no memory to hash: neither yes nor no */
};

/* A NUL-terminated PHC string. */
int password_hash(struct str password, char out[PASSWORD_HASH_MAX],
		  struct err *err) MUST_USE;

#define PASSWORD_PRINT_BYTES 16

/* What a stored hash is recognised by: the beginning of its SHA-256, without
 * what a program has written in front of it. */
void password_print(struct str hash, uint8_t out[PASSWORD_PRINT_BYTES]);

/*
 * A better hash of a password that `old` was verified with.  Its salt is the
 * print of `old`, so it says itself what it has replaced, and two who do this
 * at the same time make the same.  That salt is as good as another: `old` has
 * one of its own, so no two are equal, and who could know it beforehand knows
 * `old`, which is easier to try guesses on.
 */
int password_rehash(struct str password, struct str old,
		    char out[PASSWORD_HASH_MAX], struct err *err) MUST_USE;

/* False when `hash` is not of the form that password_rehash() makes.  Else *out
 * is the print of the hash that it replaced; when password_hash() made it, the
 * bytes are random. */
bool password_replaced(struct str hash, uint8_t out[PASSWORD_PRINT_BYTES]);

/*
 * Costs one hash whatever the answer: a stored hash that is empty, unusable or
 * asks for more than 1 GiB, 10 passes or 4 GiB in all of them is not run; a
 * dummy of today's cost is run in its place, so that time does not tell the
 * cases apart.
 */
enum password_answer password_verify(struct str password, struct str hash);

/* Of a kind that password_verify() runs, and not too costly. */
bool password_is_usable(struct str hash);
/* NULL when it is usable; else why it lets nobody in, in words that follow the
 * name of its kind (crypto/password_kind.h). */
const char *password_is_refused(struct str hash);

/* True when `hash` is not of today's kind, or costs less: rehash at this
 * login. */
bool password_is_outdated(struct str hash);

/* False when the hash speaks for the beginning of the password only, as bcrypt
 * does beyond 72 bytes: the rest may be anything. */
bool password_is_all_in(struct str password, struct str hash);

/*
 * May this be somebody's new password?  At least min_length characters
 * (UTF-8 code points), at most PASSWORD_MAX_BYTES, well-formed UTF-8 without
 * NUL, not the user's name, not on the built-in list of the commonest nor in
 * `blocklist` (the bytes of a file, one a line; may be empty).  Lists are
 * compared without regard to ASCII case.  NULL when it may, else the reason
 * in words for a person, perhaps in `buf`: one that is too short is told its
 * length.
 */
const char *password_refusal(struct str password, struct str user,
			     int64_t min_length, struct str blocklist,
			     char buf[PASSWORD_REFUSAL_MAX]);

#endif
