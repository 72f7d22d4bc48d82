/* SPDX-License-Identifier: MIT */
/* Functions shared by the files of crypto/jwk.h. For src/crypto only. */
#ifndef CRYPTO_JWK_PARTS_H
#define CRYPTO_JWK_PARTS_H

#include "crypto/jwk.h"

struct err;

/* Return true when the bytes look like a PEM (its first line), or like JSON (an
 * object). */
bool jwk_looks_like_pem(struct str bytes);
bool jwk_looks_like_json(struct str bytes);

/* Makes a key of pkey after checking it. It takes over pkey in any case, also
 * when it returns -1. */
int jwk_from_pkey(EVP_PKEY *pkey, bool can_sign, enum jws_alg alg,
		  struct jwk **out, struct err *err) MUST_USE;

/*
 * Checks a key for the conditions in crypto/jwk.h. If *alg is JWS_NONE, it is
 * set to the algorithm of the key.
 */
int jwk_check(EVP_PKEY *pkey, bool can_sign, enum jws_alg *alg,
	      struct err *err) MUST_USE;
int jwk_check_secret(struct str bytes, enum jws_alg *alg,
		     struct err *err) MUST_USE;

/*
 * Returns true when the private numbers of an RSA key of two primes belong
 * together, and a signature that they make is valid. The primes are not tested:
 * this takes 30 times as long. The signature is then a Fermat test with one
 * base, which only numbers that were chosen for this purpose pass.
 */
bool jwk_rsa_is_consistent(EVP_PKEY *pkey);

/*
 * Returns true when this RSA key was made by the generator of CVE-2017-15361
 * (ROCA), so that its modulus can be factored. The primes of such a key, and
 * therefore its modulus, are powers of 65537 modulo every small prime; at most
 * one of 2^27 other keys has this property.
 */
bool jwk_is_roca(EVP_PKEY *pkey);

/* Returns the members that RFC 7638 section 3.2 requires; NULL when out of
 * memory. */
json_t *jwk_required_json(const struct jwk *k);

/* Returns the algorithm for the curve of an EC key; JWS_NONE for a curve that
 * is not supported. */
enum jws_alg jwk_alg_of_curve(const char *crv);

#endif
