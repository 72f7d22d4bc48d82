/* SPDX-License-Identifier: MIT */
/* The files of a key directory. For src/crypto only. */
#ifndef CRYPTO_KEYRING_DIR_H
#define CRYPTO_KEYRING_DIR_H

#include "crypto/keyring.h"

/* Enough for KID.ALG.STATE.SINCE.secret, with the NUL. */
#define KEYRING_NAME_MAX 128

struct keyring_name {
	char kid[JWK_KID_CHARS + 1];
	enum jws_alg alg;
	enum key_state state;
	int64_t since;
};

/* Parses the name of a key file. Only names that keyring_name_write() writes
 * are accepted. */
bool keyring_name_parse(struct str text, struct keyring_name *out) MUST_USE;
void keyring_name_write(const struct keyring_name *name,
			char out[KEYRING_NAME_MAX]);

/* Opens a key directory and checks its owner and mode. Returns the descriptor,
 * or -1. With `make` it is created if it is missing. */
int keyring_dir_open(const char *directory, bool make,
		     struct err *err) MUST_USE;

enum keyring_lock { KEYRING_READ, KEYRING_WRITE };

/*
 * Locks the directory; waits a few seconds at most. The caller must close
 * *lock. It is -1 when there is no lock file and none can be created; then no
 * other process can write either.
 */
int keyring_dir_lock(int dir, enum keyring_lock kind, int *lock,
		     struct err *err) MUST_USE;

struct keyring_names {
	struct keyring_name v[KEYRING_MAX];
	size_t n;
};

/* Lists the names of the keys, in no order. Any other name is an error, unless
 * it begins with a dot. */
int keyring_dir_list(int dir, struct keyring_names *out,
		     struct err *err) MUST_USE;

/* The permissions and the maximum size of a file. */
enum keyring_rules { KEYRING_KEY_FILE, KEYRING_SECRET_FILE };

/* Reads a regular file that no other user may write into the arena. */
int keyring_read(int dir, const char *file, enum keyring_rules rules,
		 struct arena *a, struct str *out, struct err *err) MUST_USE;

/* Creates a file with its whole content, or not at all. */
int keyring_dir_write(int dir, const char *file, struct str content,
		      const struct env *env, struct err *err) MUST_USE;

/* Makes renamed, new and removed files durable. */
int keyring_dir_sync(int dir, struct err *err) MUST_USE;

#endif
