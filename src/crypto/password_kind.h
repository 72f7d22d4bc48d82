/* SPDX-License-Identifier: MIT */
/*
 * Which kinds of password hashes there are, which of them let somebody in, and
 * why the others do not: one table for the log, the checks, fcgiauthctl and
 * the manual (doc/moving.md, which a test compares).
 */
#ifndef CRYPTO_PASSWORD_KIND_H
#define CRYPTO_PASSWORD_KIND_H

#include "base/str.h"

/* Zero denies. */
enum password_method {
	PASSWORD_BY_NONE = 0, /* refused */
	PASSWORD_BY_ARGON2,
	PASSWORD_BY_CRYPT,  /* crypt(3), and $apr1$: crypto/password_legacy.h */
	PASSWORD_BY_PBKDF2, /* crypto/password_pbkdf2.h */
	PASSWORD_BY_PREHASH, /* crypto/password_prehash.h */
};

struct password_kind {
	const char *name;  /* a word or two: "argon2id", "md5-crypt" */
	const char *looks; /* how such a hash begins, as in Markdown */
	const char *verdict; /* accepted, replaced (by a better one), refused */
	const char *why; /* of refused ones what to do, else a remark or "" */
	enum password_method method;
};

/*
 * Never NULL: what is not known has a kind, too.  *bare is the hash without
 * what programs write in front of it: `{CRYPT}`, `3|`, `argon2`.  That it is
 * of an accepted kind does not say that it is well-formed, nor that its cost
 * is borne: password_is_usable().
 */
const struct password_kind *password_kind(struct str hash, struct str *bare);

/* All of them; *n is their number. */
const struct password_kind *password_kinds(size_t *n);

#endif
