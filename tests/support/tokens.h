/* SPDX-License-Identifier: MIT */
/* Valid and invalid keys and tokens of all algorithms. */
#ifndef TESTS_TOKENS_H
#define TESTS_TOKENS_H

#include "base/arena.h"
#include "crypto/jwt.h"

/* The time and the policy for which tokens of tokens_payload() are valid. */
#define TOKENS_NOW INT64_C(1767225600)
extern const struct jwt_policy tokens_policy;

/* Returns the key of an algorithm, the same in every run; the caller must free
 * it. */
struct jwk *tokens_key(enum jws_alg alg);

/* Fills `out` with one key for each algorithm, in the order of enum jws_alg;
 * everything is allocated in the arena. The key of `alg` is the signer. */
void tokens_keys(struct arena *a, enum jws_alg alg, struct keyring *out);

/* Builds a JSON text {"a":1,...} of the members without those that `drop` names
 * ("," between names), and with `add` at the end. Both may be NULL. */
struct str tokens_header(struct arena *a, const struct jwk *key,
			 const char *drop, const char *add);
struct str tokens_payload(struct arena *a, const char *drop, const char *add);

/* Signs arbitrary bytes. */
struct str tokens_sign(struct arena *a, const struct jwk *key,
		       struct str header, struct str payload);

/* Signs a text that is encoded already; it may have any number of parts. */
struct str tokens_sign_text(struct arena *a, const struct jwk *key,
			    struct str text);

/* base64url */
struct str tokens_encode(struct arena *a, struct str bytes);

#endif
