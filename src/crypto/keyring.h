/* SPDX-License-Identifier: MIT */
/*
 * The signing keys of a service: a directory with one file for each key, or one
 * shared secret.
 *
 * The name of a file holds everything but the key itself, so that a change of
 * state is one rename(2), which is atomic:
 *
 *	KID.ALG.STATE.SINCE.pem		(or .secret for HS*, raw bytes)
 *
 * STATE is pending (published, not yet used), active (signs; exactly one) or
 * retiring (verifies tokens that it signed); SINCE is the time since when it
 * has this state, in seconds. KID must be the thumbprint of the key in the
 * file. The directory has mode 0700 and the files 0600; both must belong to
 * the user that the service runs as (or to root). Files with other names are
 * ignored if they begin with a dot, and are an error otherwise.
 *
 * Readers, and writers that change more than one file at a time, must hold a
 * lock on the file .lock in the directory: keyring_load() and keyring_rotate()
 * take it.
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
	const char *file; /* file name in the directory; NULL for a secret */
};

struct keyring {
	struct keyring_entry v[KEYRING_MAX];
	size_t n;
	const struct jwk *signer; /* the active key; NULL: there is none */
	bool any_kid; /* one key given by hand: the kid of tokens is ignored */
};

/*
 * Loads all keys, or fails; the keys are freed with the arena. A directory
 * with keys must have exactly one active key. If `make_alg` is not JWS_NONE, a
 * missing directory is created, and an empty one gets an active key of that
 * algorithm; two processes that do this at the same time end with the same key.
 * With JWS_NONE, an empty directory gives no keys.
 */
int keyring_load(const char *directory, enum jws_alg make_alg,
		 const struct env *env, struct arena *a, struct keyring *out,
		 struct err *err) MUST_USE;

/*
 * Loads one HMAC secret, raw bytes, from a file. Other users must not be able
 * to read it, and only its owner (this user, or root) may be able to write it.
 */
int keyring_load_secret(const char *file, enum jws_alg alg, struct arena *a,
			struct keyring *out, struct err *err) MUST_USE;

/* Finds a key by its ID; returns NULL when there is none. */
const struct jwk *keyring_find(const struct keyring *r, struct str kid);

/* Returns {"keys":[...]} with the public keys of all states, never HMAC keys;
 * NULL when out of memory. */
json_t *keyring_jwks(const struct keyring *r);

/*
 * Adds a key as a new file in the given state; creates the directory if it is
 * missing. A key that is already there, in any state, is ERR_CONFIG; so is an
 * active key if there are others.
 */
int keyring_add(const char *directory, const struct jwk *key,
		enum key_state state, const struct env *env,
		struct err *err) MUST_USE;

/*
 * Rotates the keys: `next` becomes active, and `old`, the active key so far
 * (NULL: there is none), retiring. No keyring_load() sees the change half
 * done. When one of them has changed since it was loaded, it is ERR_CONFIG and
 * nothing changes.
 */
int keyring_rotate(const char *directory, const struct keyring_entry *old,
		   const struct keyring_entry *next, const struct env *env,
		   struct err *err) MUST_USE;

/* Removes the file of a key. */
int keyring_remove(const char *directory, const struct keyring_entry *entry,
		   struct err *err) MUST_USE;

const char *key_state_name(enum key_state state);

#endif
