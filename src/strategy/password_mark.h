/* SPDX-License-Identifier: MIT */
/*
 * Which password a session was made with.  Users may be changed behind our
 * back, so a session keeps a mark of the password hash that its login was
 * verified with, and whoever looks the user up again compares it: a new
 * password ends the sessions of the old one wherever it was set.
 *
 * A mark is HMAC-SHA-256 over the print of the hash (crypto/password.h), cut
 * to 16 bytes, keyed by the secret "password" of the store.  The store learns
 * nothing by it.  Who reads all of the store has the key, too; but then, as
 * each hash has a salt (of 48 bits in the weakest kind that is accepted, 96
 * and more in the others) that is in no store, no guess of a password can be
 * tried on a mark.  The key is for those who see less: of two installations,
 * or with a hash that leaked elsewhere, marks alone tell nothing, not even
 * that two users have the same hash of another file.  It has to be the
 * store's: all instances need it, and it has to last as long as the sessions.
 *
 * Our own rehash is no new password: the new hash names the one that it has
 * replaced by its salt, so a session of before is known at every moment, in
 * every instance, also when the service stops between two writes.
 */
#ifndef STRATEGY_PASSWORD_MARK_H
#define STRATEGY_PASSWORD_MARK_H

#include "strategy/auth_mode.h"

/* Of a session of a login that was verified with this hash. */
int password_mark_make(const struct call *c, struct str hash,
		       struct password_mark *out, struct err *err) MUST_USE;

/*
 * Is the session of this mark of the password whose hash this is?  A mark that
 * is not known (a session of before there were marks) says no to nothing.
 * *now is the mark that a session of this hash gets.
 */
int password_mark_fits(const struct call *c, const struct password_mark *mark,
		       struct str hash, bool *fits, struct password_mark *now,
		       struct err *err) MUST_USE;

#endif
