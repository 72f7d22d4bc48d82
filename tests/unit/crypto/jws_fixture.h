/* SPDX-License-Identifier: MIT */
/* What the tests of signatures share: tokens are verified and damaged. */
#ifndef UNIT_CRYPTO_JWS_FIXTURE_H
#define UNIT_CRYPTO_JWS_FIXTURE_H

#include "base/str.h"
#include "crypto/jws.h"
#include "tests/unit/crypto/keys_fixture.h"

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
