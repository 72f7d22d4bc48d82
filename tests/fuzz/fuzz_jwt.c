/* SPDX-License-Identifier: MIT */
/*
 * jwt_verify() with one key per algorithm: no token is valid unless one of
 * these keys signed it. The first byte selects how the rest is used: as a
 * token, or as a header and a payload, with a NUL between them, that get a
 * valid signature. The claims of a valid token must then be claims that an
 * identity may have.
 */
#include "tests/support/fuzz.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "tests/support/tokens.h"

#define ARENA_BYTES ((size_t)1024 * 1024)

/* The keys are made once, because the fuzzer calls millions of times. */
static const struct keyring *
fixed_keys(void)
{
	static _Thread_local struct keyring keys;
	static _Thread_local struct arena *life;

	if (life == NULL) {
		life = arena_new(ARENA_BYTES);
		assert(life != NULL);
		tokens_keys(life, JWS_EDDSA, &keys);
	}
	return &keys;
}

static void
check_claims(const struct jwt_claims *c)
{
	assert(str_is_name(c->sub, "._@+-") && c->sub.n <= 64);
	assert(str_is_name(c->jti, "") && str_is_name(c->sid, ""));
	assert(!str_has_control(c->email) && c->email.n <= 256);
	assert(!str_has_control(c->name) && c->name.n <= 256);
	assert(!str_has_control(c->client_id));
	assert(c->roles.n == 0 || str_is_name(c->roles, "._@+-:,"));
	assert(c->roles.n <= 1024);
	assert(c->exp > c->iat && c->exp - c->iat <= tokens_policy.ttl);
	assert(c->exp + tokens_policy.leeway > TOKENS_NOW);
}

static void
verify(struct str token, struct arena *a, bool is_signed)
{
	const struct jwt_expected expected = { .keys = fixed_keys(),
					       .policy = &tokens_policy,
					       .now = TOKENS_NOW };
	struct jwt_checked is;
	struct err err;

	if (jwt_verify(&expected, token, a, &is, &err) != 0)
		return; /* out of memory */
	assert((is.verdict == JWT_VALID) == (is.why == NULL));
	if (is.verdict == JWT_VALID) {
		assert(is_signed && token.n <= JWT_MAX_BYTES);
		check_claims(&is.claims);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct str rest = { .p = (const char *)data, .n = n }, header, payload;
	const struct jwk *key;

	assert(a != NULL);
	if (n > 0 && n <= 2 * (size_t)JWT_MAX_BYTES) {
		rest = str_skip(rest, 1);
		key = fixed_keys()
			  ->v[data[0] % 2 == 0 ? JWS_EDDSA - 1 : JWS_HS256 - 1]
			  .key;
		if (data[0] < 'A') {
			verify(rest, a, false);
		} else if (str_cut(&rest, '\0', &header)) {
			payload = rest.p != NULL ?
				      rest :
				      tokens_payload(a, NULL, NULL);
			if (header.n == 0)
				header = tokens_header(a, key, NULL, NULL);
			verify(tokens_sign(a, key, header, payload), a, true);
		}
	}
	arena_free(a);
	return 0;
}
