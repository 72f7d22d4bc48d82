/* SPDX-License-Identifier: MIT */
/* Keys and tokens of all algorithms, well-formed and not. */
#ifndef TESTS_TOKENS_H
#define TESTS_TOKENS_H

#include "base/arena.h"
#include "crypto/jwt.h"

/* What the tokens of tokens_payload() are for. */
#define TOKENS_NOW INT64_C(1767225600)
extern const struct jwt_policy tokens_policy;

/* The key of an algorithm, the same in every run; the caller's. */
struct jwk *tokens_key(enum jws_alg alg);

/* A ring with one key an algorithm, in the order of enum jws_alg, all of the
 * arena.  The signer is the one of `alg`. */
void tokens_ring(struct arena *a, enum jws_alg alg, struct keyring *out);

/* A text that is JSON: {"a":1,...} of members without those that `drop` names
 * ("," between names), and with `add` at the end.  Both may be NULL. */
struct str tokens_header(struct arena *a, const struct jwk *key,
			 const char *drop, const char *add);
struct str tokens_payload(struct arena *a, const char *drop, const char *add);

/* Signs any bytes. */
struct str tokens_sign(struct arena *a, const struct jwk *key,
		       struct str header, struct str payload);

/* Signs any text, encoded already; it may have any number of parts. */
struct str tokens_sign_text(struct arena *a, const struct jwk *key,
			    struct str text);

/* base64url */
struct str tokens_encode(struct arena *a, struct str bytes);

#endif
