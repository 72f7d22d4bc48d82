/* SPDX-License-Identifier: MIT */
/* The payload of an access token.  For src/crypto only. */
#ifndef CRYPTO_JWT_CLAIMS_H
#define CRYPTO_JWT_CLAIMS_H

#include "crypto/jwt.h"

/* JWT_VALID when the claims are what crypto/jwt.h says, and then those of *out
 * point into the payload and the arena.  -1: no memory. */
int jwt_claims_check(const json_t *payload,
		     const struct jwt_expected *expected, struct arena *a,
		     struct jwt_checked *out, struct err *err) MUST_USE;

/* NULL: no memory, or a text that is not UTF-8. */
json_t *jwt_claims_json(const struct jwt_claims *claims,
			const struct jwt_policy *policy);

#endif
