/* SPDX-License-Identifier: MIT */
/* A folder for keys and the functions that fill it, for test_keyring and
 * test_keyring_refused. */
#ifndef UNIT_CRYPTO_KEYRING_FIXTURE_H
#define UNIT_CRYPTO_KEYRING_FIXTURE_H

#include "crypto/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/keyring_dir.h"
#include "tests/support/fake_env.h"
#include "tests/support/run.h"
#include "tests/support/tokens.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define PATH_BYTES  512

static struct arena *arena;
static struct fake_env fake;
static char folder[64], keys[80];

static inline void
setup(void)
{
	ck_assert_int_eq(crypto_init(), 0);
	arena = arena_new(ARENA_BYTES);
	ck_assert_ptr_nonnull(arena);
	fake_env_init(&fake);
	(void)snprintf(folder, sizeof(folder), "/tmp/fcgiauth-keys-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(keys, sizeof(keys), "%s/keys", folder);
}

static inline void
path_of(const char *file, char out[PATH_BYTES])
{
	(void)snprintf(out, PATH_BYTES, "%s/%s", keys, file);
}

/* Calls fn for each file of the folder, and returns how many there are without
 * the lock file. */
static inline int
each(void (*fn)(const char *path))
{
	DIR *d = opendir(keys);
	const struct dirent *e;
	char path[PATH_BYTES];
	int n = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		path_of(e->d_name, path);
		if (fn != NULL)
			fn(path);
		n += strcmp(e->d_name, ".lock") == 0 ? 0 : 1;
	}
	if (d != NULL)
		(void)closedir(d);
	return n;
}

static inline void
drop(const char *path)
{
	if (unlink(path) != 0)
		(void)rmdir(path);
}

static inline void
teardown(void)
{
	(void)each(drop);
	(void)unlink(keys);
	(void)rmdir(keys);
	ck_assert_int_eq(rmdir(folder), 0);
	arena_free(arena);
}

static inline struct keyring
load(enum jws_alg make)
{
	struct keyring r;
	struct err err = { .msg = "" };

	ck_assert_msg(keyring_load(keys, make, &fake.env, arena, &r, &err) == 0,
		      "%s", err.msg);
	return r;
}

static inline void
assert_refused(const char *hint)
{
	struct keyring r = { .n = 77 };
	struct err err = { .msg = "" };

	ck_assert_msg(keyring_load(keys, JWS_ES256, &fake.env, arena, &r,
				   &err) == -1,
		      "expected the refusal \"%s\", but the keys are accepted",
		      hint);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, hint) != NULL,
		      "the refusal is \"%s\", not \"%s\"", err.msg, hint);
	ck_assert_msg(strncmp(err.msg, keys, strlen(keys)) == 0, "%s", err.msg);
	ck_assert_uint_eq(r.n, 77);
}

/* Adds the test key of an algorithm. */
static inline void
add(enum jws_alg alg, enum key_state state)
{
	struct jwk *key = tokens_key(alg);
	struct err err = { .msg = "" };

	ck_assert_msg(keyring_add(keys, key, state, &fake.env, &err) == 0, "%s",
		      err.msg);
	jwk_free(key);
}

static inline void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

#endif
