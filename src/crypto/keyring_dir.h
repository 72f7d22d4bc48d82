/* SPDX-License-Identifier: MIT */
/* The files of a key directory.  For src/crypto only. */
#ifndef CRYPTO_KEYRING_DIR_H
#define CRYPTO_KEYRING_DIR_H

#include "crypto/keyring.h"

/* KID.ALG.STATE.SINCE.secret, and room. */
#define KEYRING_NAME_MAX 128

struct keyring_name {
	char kid[JWK_KID_CHARS + 1];
	enum jws_alg alg;
	enum key_state state;
	int64_t since;
};

/* Strict: what is written differently from keyring_name_write() is none. */
bool keyring_name_parse(struct str text, struct keyring_name *out) MUST_USE;
void keyring_name_write(const struct keyring_name *name,
			char out[KEYRING_NAME_MAX]);

/* An open directory, of the right owner and mode; -1 when it failed.  With
 * `make` it is made when it is missing. */
int keyring_dir_open(const char *directory, bool make, struct err *err)
    MUST_USE;

enum keyring_lock { KEYRING_READ, KEYRING_WRITE };

/*
 * Waits a few seconds, no longer.  *lock is to be closed; it is -1 when there
 * is no lock file and none can be made, so nobody else can write either.
 */
int keyring_dir_lock(int dir, enum keyring_lock kind, int *lock,
		     struct err *err) MUST_USE;

struct keyring_names {
	struct keyring_name v[KEYRING_MAX];
	size_t n;
};

/* Names of keys in it, in no order; any other name but a dot's is an error. */
int keyring_dir_list(int dir, struct keyring_names *out, struct err *err)
    MUST_USE;

/* Who may use it, and how large it may be. */
enum keyring_rules { KEYRING_KEY_FILE, KEYRING_SECRET_FILE };

/* The whole of a regular file that nobody else may write, into the arena. */
int keyring_read(int dir, const char *file, enum keyring_rules rules,
		 struct arena *a, struct str *out, struct err *err) MUST_USE;

/* A new file, with its content or not at all. */
int keyring_dir_write(int dir, const char *file, struct str content,
		      const struct env *env, struct err *err) MUST_USE;

/* What was renamed, made or removed stays so. */
int keyring_dir_sync(int dir, struct err *err) MUST_USE;

#endif
