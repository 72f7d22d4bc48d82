/* SPDX-License-Identifier: MIT */
/*
 * Marks: they tell which password a session was made with. Other programs may
 * change users, so a session keeps a mark of the password hash that its sign-in
 * was verified with, and code that looks up the user again compares the mark:
 * a new password ends the sessions of the old one, wherever it was set.
 *
 * A mark is HMAC-SHA-256 over the print of the hash (crypto/password.h), cut
 * to 16 bytes, keyed with the secret "password" of the store. It tells the
 * store nothing about the password. A person who can read the whole store has
 * the key, too; but even they cannot test guesses of a password against a mark,
 * because each hash has a salt (of 48 bits in the weakest kind that is
 * accepted, of 96 and more in the others) that is not in the store. The key
 * protects against people who see less: marks alone, of two installations or
 * next to a hash that leaked elsewhere, tell nothing, not even that two users
 * have the same hash. The store must keep the key, because all instances need
 * it, and because it must last as long as the sessions.
 *
 * A rehash by the service is not a new password: the salt of the new hash
 * identifies the hash that it has replaced, so that every instance recognises
 * an older session at any moment, also if the service stops between two writes.
 */
#ifndef STRATEGY_PASSWORD_MARK_H
#define STRATEGY_PASSWORD_MARK_H

#include "strategy/auth_mode.h"

/* Makes the mark of a session whose sign-in was verified with this hash. */
int password_mark_make(const struct call *c, struct str hash,
		       struct password_mark *out, struct err *err) MUST_USE;

/*
 * Finds out whether a session with this mark was made with the password of
 * this hash. An unknown mark (all zero: the session is older than marks) fits
 * every hash. *now is the mark that a new session of this hash gets.
 */
int password_mark_fits(const struct call *c, const struct password_mark *mark,
		       struct str hash, bool *fits, struct password_mark *now,
		       struct err *err) MUST_USE;

#endif
