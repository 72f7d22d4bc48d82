/* SPDX-License-Identifier: MIT */
/* The setup of the tests of signatures: a key of each algorithm. */
#ifndef UNIT_CRYPTO_JWS_FIXTURE_H
#define UNIT_CRYPTO_JWS_FIXTURE_H

#include "base/str.h"
#include "crypto/jws.h"
#include "tests/support/run.h"
#include "tests/support/tokens.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

static struct arena *arena;
static struct keyring ring;

/* The setup runs once for all cases, because checking the primes of so many
 * keys takes time. */
static void
setup(void)
{
	arena = arena_new(ARENA_BYTES);
	ck_assert_ptr_nonnull(arena);
	tokens_ring(arena, JWS_ES256, &ring);
}

static void
teardown(void)
{
	arena_free(arena);
}

static const struct jwk *
key_of(enum jws_alg alg)
{
	return ring.v[alg - 1].key;
}

static enum jws_answer
verify(const struct jwk *key, struct str token)
{
	enum jws_answer answer = JWS_BAD;
	struct err err;

	ck_assert_int_eq(jws_verify(key, token, arena, &answer, &err), 0);
	return answer;
}

static enum jws_answer
verify_bytes(const struct jwk *key, struct str token)
{
	enum jws_answer answer = JWS_BAD;
	struct err err;

	ck_assert_int_eq(jws_verify_bytes(key, token, &answer, &err), 0);
	return answer;
}

/* A copy of the token with one byte changed. */
static struct str
flipped(struct str token, size_t at, char c)
{
	char *copy = arena_cstr(arena, token);

	ck_assert_ptr_nonnull(copy);
	copy[at] = c;
	return (struct str){ copy, token.n };
}

#endif
