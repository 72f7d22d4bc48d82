/* SPDX-License-Identifier: MIT */
/* What the files of crypto/jwk.h share.  For src/crypto only. */
#ifndef CRYPTO_JWK_PARTS_H
#define CRYPTO_JWK_PARTS_H

#include "crypto/jwk.h"

struct err;

/* PEM says so with its first line, JSON with an object. */
bool jwk_looks_like_pem(struct str bytes);
bool jwk_looks_like_json(struct str bytes);

/* Checks the key, and takes it in any case, -1 included. */
int jwk_from_pkey(EVP_PKEY *pkey, bool can_sign, enum jws_alg alg,
		  struct jwk **out, struct err *err) MUST_USE;

/*
 * What crypto/jwk.h promises of a key; *alg may be JWS_NONE and becomes the
 * key's.
 */
int jwk_check(EVP_PKEY *pkey, bool can_sign, enum jws_alg *alg,
	      struct err *err) MUST_USE;
int jwk_check_secret(struct str bytes, enum jws_alg *alg, struct err *err)
    MUST_USE;

/*
 * Was this RSA key made by the generator of CVE-2017-15361 (ROCA)?  Its primes,
 * and so its modulus, are powers of 65537 modulo every small prime; of other
 * keys one in 2^27 or fewer is.  Such a modulus can be factored.
 */
bool jwk_is_roca(EVP_PKEY *pkey);

/* The members that RFC 7638 section 3.2 asks for.  NULL: no memory. */
json_t *jwk_required_json(const struct jwk *k);

/* The algorithm of an EC key's curve; JWS_NONE when it is none of ours. */
enum jws_alg jwk_alg_of_curve(const char *crv);

#endif
