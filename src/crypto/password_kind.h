/* SPDX-License-Identifier: MIT */
/*
 * The kinds of password hashes: which of them are accepted, and why the others
 * are not. One table for the log, the checks, fcgiauthctl and the manual
 * (doc/guides/moving.md, which a test compares).
 */
#ifndef CRYPTO_PASSWORD_KIND_H
#define CRYPTO_PASSWORD_KIND_H

#include "base/str.h"

/* Zero denies. */
enum password_method {
	PASSWORD_BY_NONE = 0, /* refused */
	PASSWORD_BY_ARGON2,
	PASSWORD_BY_CRYPT, /* crypt(3), and $apr1$: crypto/password_legacy.h */
	PASSWORD_BY_PBKDF2, /* crypto/password_pbkdf2.h */
	PASSWORD_BY_PREHASH, /* crypto/password_prehash.h */
};

struct password_kind {
	const char *name; /* a word or two: "argon2id", "md5-crypt" */
	const char *pattern; /* how such a hash begins, in Markdown */
	/* "accepted", "replaced" (by a better hash) or "refused" */
	const char *verdict;
	const char *why; /* if refused, what to do; otherwise a remark or "" */
	enum password_method method;
};

/*
 * Returns the kind of a hash, never NULL: unknown hashes have a kind too.
 * *bare is the hash without the prefix that a program has added: `{CRYPT}`,
 * `3|`, `argon2`. That the kind is accepted does not mean that the hash is
 * well-formed or that its cost is allowed; see password_is_usable().
 */
const struct password_kind *password_kind(struct str hash, struct str *bare);

/* Returns the table of all kinds; *n is their number. */
const struct password_kind *password_kinds(size_t *n);

#endif
