/* SPDX-License-Identifier: MIT */
/*
 * Keys by their content: an accepted key has an id, verifies what it signs, and
 * does not show its private members.
 */
#include "tests/support/fuzz.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/jwk.h"

#define ARENA_BYTES ((size_t)1024 * 1024)

static void
sign_and_verify(const struct jwk *key, struct arena *a)
{
	enum jws_answer answer = JWS_BAD;
	struct str token;
	struct err err;

	assert(jws_sign(key, STR("{}"), STR("{\"a\":1}"), a, &token, &err) ==
	       0);
	assert(jws_verify(key, token, a, &answer, &err) == 0);
	assert(answer == JWS_GOOD);
}

static void
check(const struct jwk *key, enum jws_alg alg)
{
	struct arena *a = arena_new(ARENA_BYTES);
	json_t *public = jwk_public_json(key);

	assert(a != NULL);
	assert(alg == JWS_NONE || key->alg == alg);
	assert(strlen(key->kid) == JWK_KID_CHARS);
	assert((public == NULL) == jws_alg_is_hmac(key->alg));
	assert(json_object_get(public, "d") == NULL);
	assert(json_object_get(public, "k") == NULL);
	if (key->can_sign)
		sign_and_verify(key, a);
	json_decref(public);
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str bytes = { .p = (const char *)data, .n = n };
	enum jws_alg alg;
	struct jwk *key = NULL;
	struct err err;

	assert(crypto_init() == 0);
	if (n == 0)
		return 0;
	alg = (enum jws_alg)(data[0] % JWS_ALGS);
	if (jwk_from_bytes(str_skip(bytes, 1), alg, &key, &err) == 0) {
		check(key, alg);
		jwk_free(key);
	} else {
		assert(key == NULL && err.code != ERR_NONE);
	}
	return 0;
}
