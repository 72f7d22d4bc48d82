/* SPDX-License-Identifier: MIT */
/*
 * What a new password must be like (NIST SP 800-63B section 3.1.1.2): long
 * enough, not on a list, and not the name of its user. There is no rule about
 * kinds of characters.
 */
#ifndef CRYPTO_PASSWORD_POLICY_H
#define CRYPTO_PASSWORD_POLICY_H

#include "base/base.h"
#include "base/str.h"

/* The largest blocklist in bytes. */
#define PASSWORD_BLOCKLIST_MAX ((size_t)64 * 1024 * 1024)

struct password_policy {
	int64_t min_length; /* characters (UTF-8 code points) */
	/* The bytes of a file, one password a line, compared ignoring ASCII
	 * case; may be empty. A built-in list applies as well. */
	struct str blocklist;
	struct str user, email; /* of the user; may be empty */
};

/* The zero value refuses. */
enum password_fault {
	PASSWORD_NO_TEXT = 0, /* no well-formed UTF-8, or it has a NUL */
	PASSWORD_TOO_LONG, /* more than PASSWORD_MAX_BYTES bytes */
	PASSWORD_TOO_SHORT,
	/* It is the name or the e-mail address of the user, or has fewer than
	 * PASSWORD_BESIDE_NAME characters besides them. */
	PASSWORD_LIKE_NAME,
	PASSWORD_COMMON, /* on the built-in list */
	PASSWORD_LISTED, /* on the blocklist */
	PASSWORD_FINE,
};

#define PASSWORD_BESIDE_NAME 8

struct password_verdict {
	enum password_fault fault;
	int64_t missing; /* characters; 0 unless PASSWORD_TOO_SHORT */
};

/* Checks a new password, and returns the first fault. */
struct password_verdict password_check(struct str password,
				       const struct password_policy *policy);

#define PASSWORD_REFUSAL_MAX 160

/* Returns the reason of a refusal as a sentence in English, possibly in `buf`;
 * NULL if the password is fine. */
const char *password_refusal(const struct password_verdict *verdict,
			     const struct password_policy *policy,
			     char buf[PASSWORD_REFUSAL_MAX]);

#endif
