/* SPDX-License-Identifier: MIT */
/* Finds the kind of a password hash by its beginning. */
#include "crypto/password_kind.h"

#define SET_NEW	      "set a new password"
#define NOT_SUPPORTED "not supported: " SET_NEW
#define TOO_WEAK      "too weak: " SET_NEW

enum kind {
	NONE,
	UNKNOWN,
	ARGON2ID,
	ARGON2I,
	ARGON2D,
	BCRYPT,
	BCRYPT_OLD,
	BCRYPT_SHA256,
	WORDPRESS,
	SHA512_CRYPT,
	SHA256_CRYPT,
	YESCRYPT,
	APR1,
	PBKDF2_SHA512,
	PBKDF2_SHA256,
	PBKDF2_SHA1,
	SCRYPT,
	MD5_CRYPT,
	PHPASS,
	DRUPAL,
	DES_CRYPT,
	DIGEST,
	SCRAM,
	PLAIN,
	DOUBLED,
	KINDS
};

/* In the order of the table in the manual. */
static const struct password_kind kinds[KINDS] = {
	[ARGON2ID] = { "argon2id",
		       "`$argon2id$`, `{ARGON2ID}`, `{argon2}`, "
		       "`3\\|$argon2id$` (Nextcloud), "
		       "`argon2$argon2id$` (Django)",
		       "accepted", "", PASSWORD_BY_ARGON2 },
	[ARGON2I] = { "argon2i", "`$argon2i$`, `{ARGON2I}`, `2\\|$argon2i$`",
		      "replaced", "", PASSWORD_BY_ARGON2 },
	[BCRYPT] = { "bcrypt",
		     "`$2y$`, `$2b$`, `$2a$`, `{BLF-CRYPT}`, `{CRYPT}`, "
		     "`{bcrypt}`, `1\\|$2y$`, `bcrypt$$2b$` (Django)",
		     "replaced", "uses only the first 72 bytes of a password",
		     PASSWORD_BY_CRYPT },
	[BCRYPT_SHA256] = { "bcrypt-sha256", "`bcrypt_sha256$$2b$` (Django)",
			    "replaced", "", PASSWORD_BY_PREHASH },
	[WORDPRESS] = { "wordpress-bcrypt", "`$wp$2y$` (WordPress 6.8)",
			"replaced", "", PASSWORD_BY_PREHASH },
	[SHA512_CRYPT] = { "sha512-crypt",
			   "`$6$`, `{SHA512-CRYPT}`, `{CRYPT}$6$`", "replaced",
			   "", PASSWORD_BY_CRYPT },
	[SHA256_CRYPT] = { "sha256-crypt",
			   "`$5$`, `{SHA256-CRYPT}`, `{CRYPT}$5$`", "replaced",
			   "", PASSWORD_BY_CRYPT },
	[YESCRYPT] = { "yescrypt", "`$y$j9T$`", "replaced",
		       "only with the default cost", PASSWORD_BY_CRYPT },
	[PBKDF2_SHA512] = { "pbkdf2-sha512",
			    "`$pbkdf2-sha512$` (Odoo, passlib), "
			    "`{PBKDF2-SHA512}`, `pbkdf2:sha512:` (Flask)",
			    "replaced", "", PASSWORD_BY_PBKDF2 },
	[PBKDF2_SHA256] = { "pbkdf2-sha256",
			    "`pbkdf2_sha256$` (Django), `$pbkdf2-sha256$` "
			    "(passlib, Discourse), `pbkdf2$` (Gitea), "
			    "`pbkdf2:sha256:` (Flask), `{PBKDF2-SHA256}`",
			    "replaced", "", PASSWORD_BY_PBKDF2 },
	[APR1] = { "apr1-md5", "`$apr1$` (htpasswd without an option)",
		   "replaced",
		   "weak: an attacker who has the hash can test millions of "
		   "passwords a second",
		   PASSWORD_BY_CRYPT },
	[ARGON2D] = { "argon2d", "`$argon2d$`", "refused",
		      "vulnerable to side-channel attacks: " SET_NEW, 0 },
	[BCRYPT_OLD] = { "bcrypt-old", "`$2$`, `$2x$`", "refused",
			 "created by a faulty version of bcrypt: " SET_NEW, 0 },
	[PBKDF2_SHA1] = { "pbkdf2-sha1",
			  "`pbkdf2_sha1$`, `$pbkdf2$`, `{PBKDF2}`", "refused",
			  NOT_SUPPORTED, 0 },
	[SCRYPT] = { "scrypt", "`$scrypt$`, `$7$`, `scrypt:`, `scrypt$`",
		     "refused", NOT_SUPPORTED, 0 },
	[MD5_CRYPT] = { "md5-crypt", "`$1$`, `{MD5-CRYPT}`", "refused",
			TOO_WEAK, 0 },
	[PHPASS] = { "phpass", "`$P$` (WordPress before 6.8), `$H$` (phpBB)",
		     "refused", TOO_WEAK, 0 },
	[DRUPAL] = { "drupal-sha512", "`$S$` (Drupal before 10.1)", "refused",
		     NOT_SUPPORTED, 0 },
	[DES_CRYPT] = { "des-crypt", "13 characters, `{DES-CRYPT}`", "refused",
			"too weak, uses only 8 bytes of a password: " SET_NEW,
			0 },
	[DIGEST] = { "digest",
		     "`{SHA}`, `{SSHA}`, `{SSHA512}`, `{MD5}`, `md5$`, "
		     "`sha1$`, 32, 40, 64 or 128 hexadecimal digits",
		     "refused",
		     "too weak, one round of a fast digest: " SET_NEW, 0 },
	[SCRAM] = { "scram", "`SCRAM-SHA-256$`, `{SCRAM-SHA-256}`", "refused",
		    NOT_SUPPORTED, 0 },
	[PLAIN] = { "plain", "`{PLAIN}`, `{CLEARTEXT}`, `{noop}`", "refused",
		    "the password itself and not a hash: " SET_NEW, 0 },
	[DOUBLED] = { "doubled-dollars", "`$$2y$$`", "refused",
		      "every $ is doubled, as in a Docker Compose file: "
		      "write each $ once",
		      0 },
	[NONE] = { "none", "nothing, `*`, `!`, `x`", "refused",
		   "no password is set", 0 },
	[UNKNOWN] = { "unknown", "anything else", "refused",
		      "not a known kind of hash, perhaps plain text: " SET_NEW,
		      0 },
};

/* Prefixes that programs add to a hash that begins with '$'. */
static const struct str wrappers[] = {
	{ "{CRYPT}", 7 },
	{ "{BLF-CRYPT}", 11 },
	{ "{SHA512-CRYPT}", 14 },
	{ "{SHA256-CRYPT}", 14 },
	{ "{MD5-CRYPT}", 11 },
	{ "{ARGON2ID}", 10 },
	{ "{ARGON2I}", 9 },
	{ "{ARGON2}", 8 },
	{ "{ARGON2@SpringSecurity_v5_8}", 28 },
	{ "{ARGON2@SpringSecurity_v5_2}", 28 },
	{ "{BCRYPT}", 8 },
	{ "1|", 2 },
	{ "2|", 2 },
	{ "3|", 2 },
	{ "argon2", 6 },
	{ "bcrypt$", 7 },
};

/* The first match decides; case does not matter inside braces. */
static const struct {
	struct str prefix;
	enum kind kind;
} prefixes[] = {
	{ { "$argon2id$", 10 }, ARGON2ID },
	{ { "$argon2i$", 9 }, ARGON2I },
	{ { "$argon2d$", 9 }, ARGON2D },
	{ { "$2y$", 4 }, BCRYPT },
	{ { "$2b$", 4 }, BCRYPT },
	{ { "$2a$", 4 }, BCRYPT },
	{ { "$2x$", 4 }, BCRYPT_OLD },
	{ { "$2$", 3 }, BCRYPT_OLD },
	{ { "$wp$2", 5 }, WORDPRESS },
	{ { "bcrypt_sha256$$2", 16 }, BCRYPT_SHA256 },
	{ { "$6$", 3 }, SHA512_CRYPT },
	{ { "$5$", 3 }, SHA256_CRYPT },
	{ { "$y$", 3 }, YESCRYPT },
	{ { "$apr1$", 6 }, APR1 },
	{ { "$1$", 3 }, MD5_CRYPT },
	{ { "$pbkdf2-sha512$", 15 }, PBKDF2_SHA512 },
	{ { "{PBKDF2-SHA512}", 15 }, PBKDF2_SHA512 },
	{ { "pbkdf2_sha512$", 14 }, PBKDF2_SHA512 },
	{ { "pbkdf2:sha512:", 14 }, PBKDF2_SHA512 },
	{ { "$pbkdf2-sha256$", 15 }, PBKDF2_SHA256 },
	{ { "{PBKDF2-SHA256}", 15 }, PBKDF2_SHA256 },
	{ { "pbkdf2_sha256$", 14 }, PBKDF2_SHA256 },
	{ { "pbkdf2:sha256:", 14 }, PBKDF2_SHA256 },
	{ { "pbkdf2$", 7 }, PBKDF2_SHA256 },
	{ { "$pbkdf2$", 8 }, PBKDF2_SHA1 },
	{ { "pbkdf2_sha1$", 12 }, PBKDF2_SHA1 },
	{ { "pbkdf2:sha1:", 12 }, PBKDF2_SHA1 },
	{ { "{PBKDF2", 7 }, PBKDF2_SHA1 },
	{ { "$scrypt$", 8 }, SCRYPT },
	{ { "$7$", 3 }, SCRYPT },
	{ { "scrypt:", 7 }, SCRYPT },
	{ { "scrypt$", 7 }, SCRYPT },
	{ { "{SCRYPT", 7 }, SCRYPT },
	{ { "$P$", 3 }, PHPASS },
	{ { "$H$", 3 }, PHPASS },
	{ { "$S$", 3 }, DRUPAL },
	{ { "{DES-CRYPT}", 11 }, DES_CRYPT },
	{ { "{CRYPT}", 7 }, DES_CRYPT },
	{ { "{SHA", 4 }, DIGEST },
	{ { "{SSHA", 5 }, DIGEST },
	{ { "{MD", 3 }, DIGEST },
	{ { "{SMD5}", 6 }, DIGEST },
	{ { "{NT}", 4 }, DIGEST },
	{ { "{LDAP-MD5}", 10 }, DIGEST },
	{ { "{PLAIN-MD", 9 }, DIGEST },
	{ { "{CRAM-MD5}", 10 }, DIGEST },
	{ { "md5$", 4 }, DIGEST },
	{ { "sha1$", 5 }, DIGEST },
	{ { "unsalted_", 9 }, DIGEST },
	{ { "{SCRAM-", 7 }, SCRAM },
	{ { "SCRAM-SHA-", 10 }, SCRAM },
	{ { "{PLAIN", 6 }, PLAIN },
	{ { "{CLEAR", 6 }, PLAIN },
	{ { "{NOOP}", 6 }, PLAIN },
	{ { "$$", 2 }, DOUBLED },
	{ { "!", 1 }, NONE },
	{ { "*", 1 }, NONE },
};

static bool
begins(struct str s, struct str prefix)
{
	const struct str head = { .p = s.p, .n = prefix.n };

	if (s.n < prefix.n)
		return false;
	return prefix.p[0] == '{' ? str_eq_nocase(head, prefix) :
				    str_starts(s, prefix);
}

static struct str
password_kind_unwrap(struct str hash)
{
	for (size_t i = 0; i < ARRAY_LEN(wrappers); i++) {
		const struct str rest = hash.n > wrappers[i].n ?
					    str_skip(hash, wrappers[i].n) :
					    STR("");

		if (str_starts(rest, STR("$")) && begins(hash, wrappers[i]))
			return rest;
	}
	return hash;
}

static bool
password_kind_is_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		const char c = s.p[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'f') &&
		    (c < 'A' || c > 'F'))
			return false;
	}
	return true;
}

static enum kind
kind_of_bare(struct str s)
{
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (begins(s, prefixes[i].prefix))
			return prefixes[i].kind;
	}
	if (s.n == 0 || str_eq(s, STR("x")))
		return NONE;
	if ((s.n == 32 || s.n == 40 || s.n == 64 || s.n == 128) &&
	    password_kind_is_hex(s))
		return DIGEST;
	if (s.n == 13 && str_is_name(s, "./"))
		return DES_CRYPT;
	return UNKNOWN;
}

const struct password_kind *
password_kind(struct str hash, struct str *bare)
{
	*bare = password_kind_unwrap(hash);
	return &kinds[kind_of_bare(*bare)];
}

const struct password_kind *
password_kinds(size_t *n)
{
	*n = ARRAY_LEN(kinds);
	return kinds;
}
