/* SPDX-License-Identifier: MIT */
/* The setup of the tests of signatures and tokens: a key of each algorithm. */
#ifndef UNIT_CRYPTO_KEYS_FIXTURE_H
#define UNIT_CRYPTO_KEYS_FIXTURE_H

#include "tests/support/run.h"
#include "tests/support/tokens.h"

#define ARENA_BYTES ((size_t)256 * 1024 * 1024)

static struct arena *arena;
static struct keyring keys; /* the key of EdDSA is the signer */

/* The setup runs once for all cases, because checking so many keys takes
 * time. */
static inline void
setup(void)
{
	arena = arena_new(ARENA_BYTES);
	ck_assert_ptr_nonnull(arena);
	tokens_keys(arena, JWS_EDDSA, &keys);
}

static inline void
teardown(void)
{
	arena_free(arena);
}

static inline struct jwk *
key_of(enum jws_alg alg)
{
	return keys.v[alg - 1].key;
}

#endif
