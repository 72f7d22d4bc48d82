/* SPDX-License-Identifier: MIT */
/* The payload of an access token. For src/crypto only. */
#ifndef CRYPTO_JWT_CLAIMS_H
#define CRYPTO_JWT_CLAIMS_H

#include "crypto/jwt.h"

/*
 * Checks the claims of a payload as crypto/jwt.h describes. With JWT_VALID,
 * the claims in *out point into the payload and the arena. Returns -1 when out
 * of memory.
 */
int jwt_claims_check(const json_t *payload, const struct jwt_expected *expected,
		     struct arena *a, struct jwt_checked *out,
		     struct err *err) MUST_USE;

/* Returns the payload; NULL when out of memory, or when a text is not UTF-8. */
json_t *jwt_claims_json(const struct jwt_claims *claims,
			const struct jwt_policy *policy);

#endif
