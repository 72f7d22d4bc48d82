/* SPDX-License-Identifier: MIT */
/*
 * The keys of a service: a directory with one file a key, or one shared
 * secret.
 *
 * A file's name says all but the key itself, so that a change of state is a
 * rename(2), which happens or does not:
 *
 *	KID.ALG.STATE.SINCE.pem		(or .secret for HS*, raw bytes)
 *
 * STATE is pending (published, not yet used), active (signs; exactly one) or
 * retiring (verifies what it signed); SINCE is when it became so, in seconds.
 * KID must be the thumbprint of the key inside.  The directory is 0700, files
 * 0600, both of the user that the service runs as (or root); files of other
 * forms of name are ignored when they begin with a dot, else refused.
 *
 * Who changes more than one file at a time, and who reads, holds a lock on
 * the file .lock in it: keyring_load() and keyring_rotate() do.
 */
#ifndef CRYPTO_KEYRING_H
#define CRYPTO_KEYRING_H

#include "crypto/jwk.h"

struct env;

#define KEYRING_MAX 64

enum key_state { KEY_PENDING, KEY_ACTIVE, KEY_RETIRING };

struct keyring_entry {
	struct jwk *key;
	enum key_state state;
	int64_t since; /* seconds */
	const char *file; /* its name in the directory; NULL for a secret */
};

struct keyring {
	struct keyring_entry v[KEYRING_MAX];
	size_t n;
	const struct jwk *signer; /* of the active one; NULL: there is none */
	bool any_kid; /* one key given by hand: kid of tokens is not asked */
};

/*
 * All or nothing; the keys are freed with the arena.  A directory with keys
 * has exactly one that is active.  With `make_alg` not JWS_NONE a directory
 * that is missing or empty is made and gets an active key of that algorithm;
 * two processes that do so at once end with the same key.  With JWS_NONE an
 * empty one is an empty ring.
 */
int keyring_load(const char *directory, enum jws_alg make_alg,
		 const struct env *env, struct arena *a, struct keyring *out,
		 struct err *err) MUST_USE;

/* One HMAC secret out of a file, raw bytes.  Others must not be able to read
 * it, and nobody but its owner (this user, or root) to write it. */
int keyring_load_secret(const char *file, enum jws_alg alg, struct arena *a,
			struct keyring *out, struct err *err) MUST_USE;

/* NULL when there is no key of this id. */
const struct jwk *keyring_find(const struct keyring *r, struct str kid);

/* {"keys":[...]}: public keys of all states; never HMAC.  NULL: no memory. */
json_t *keyring_jwks(const struct keyring *r);

/* Adds a key as a new file, in this state; makes the directory.  A key that
 * is there already, in any state, is ERR_CONFIG; so is an active one that is
 * not the first. */
int keyring_add(const char *directory, const struct jwk *key,
		enum key_state state, const struct env *env, struct err *err)
    MUST_USE;

/* Makes `next` the active key and `old`, the active one so far (NULL: there
 * is none), a retiring one; no keyring_load() sees it half done.  ERR_CONFIG,
 * and nothing changes, when one of them is not what it was when loaded. */
int keyring_rotate(const char *directory, const struct keyring_entry *old,
		   const struct keyring_entry *next, const struct env *env,
		   struct err *err) MUST_USE;

/* Removes its file. */
int keyring_remove(const char *directory, const struct keyring_entry *entry,
		   struct err *err) MUST_USE;

const char *key_state_name(enum key_state state);

#endif
