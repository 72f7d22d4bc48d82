/* SPDX-License-Identifier: MIT */
/*
 * The secrets of links and tickets: 256 random bits, written in base64url. The
 * factor store keeps only the hash (strategy/factor_store.h), so nobody who
 * reads it can use them.
 *
 * A secret can be bound to a password: it keeps the print of its hash
 * (crypto/password.h), and who uses it must compare. A new password ends it,
 * wherever it was set: also by another program, or while the factor store was
 * away.
 */
#ifndef STRATEGY_ONE_TIME_H
#define STRATEGY_ONE_TIME_H

#include "strategy/factors.h"
#include "base/enc.h"
#include "crypto/password.h"

#define ONE_TIME_BYTES 32
#define ONE_TIME_CHARS BASE64URL_LEN(ONE_TIME_BYTES)

#define ONE_TIME_PRINT_CHARS BASE64URL_LEN(PASSWORD_PRINT_BYTES)

/* Makes a secret and stores its hash; *what has no hash. */
int one_time_make(struct factors_conn *factors, const struct call *c,
		  const struct one_time *what, bool alone,
		  char text[ONE_TIME_CHARS], struct err *err) MUST_USE;

/* Returns false when the text cannot be such a secret. */
bool one_time_read(struct str text, struct one_time_hash *out) MUST_USE;

/* Writes the print of a password hash into `text`, and returns it. */
struct str one_time_print(struct str hash, char text[ONE_TIME_PRINT_CHARS]);

/* Returns whether the print is of this hash, or of one that a sign-in has
 * replaced by it, which is the same password. */
bool one_time_print_fits(struct str print, struct str hash);

#endif
