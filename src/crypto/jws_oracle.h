/* SPDX-License-Identifier: MIT */
/*
 * The two oracles behind crypto/jws.h, and the properties of algorithms. For
 * src/crypto and its tests only.
 */
#ifndef CRYPTO_JWS_ORACLE_H
#define CRYPTO_JWS_ORACLE_H

#include "crypto/jwk.h"

enum jws_kind { JWS_HMAC, JWS_RSA, JWS_PSS, JWS_ECDSA, JWS_ED25519 };

struct jws_info {
	const char *name;
	enum jws_kind kind;
	const char *digest; /* the name in libcrypto; NULL for EdDSA */
	/* in bytes. HMAC: of the digest; ECDSA: of r, and of s; EdDSA: of the
	 * signature */
	size_t size;
	const char *curve; /* the name in a JWK ("crv") */
	const char *group; /* the name in libcrypto */
};

/* Returns the properties of alg, which must not be JWS_NONE. */
const struct jws_info *jws_info(enum jws_alg alg);

/* The largest signature in bytes: of RSA with 8192 bits. */
#define JWS_SIGNATURE_MAX 1024

struct jws_parts {
	struct str header, payload, signature, signed_text;
};

/* Splits a token into three non-empty parts; nothing else is checked. */
bool jws_split(struct str token, struct jws_parts *out) MUST_USE;

/* Implement jws_sign() and jws_verify() for HMAC keys. */
int jws_libjwt_sign(const struct jwk *key, struct str payload, struct arena *a,
		    struct str *token, struct err *err) MUST_USE;
int jws_libjwt_verify(const struct jwk *key, struct str token, struct arena *a,
		      enum jws_answer *answer, struct err *err) MUST_USE;

/* Implement jws_sign() for all other keys, and jws_verify_bytes(). */
int jws_evp_sign(const struct jwk *key, struct str header, struct str payload,
		 struct arena *a, struct str *token, struct err *err) MUST_USE;
int jws_evp_verify(const struct jwk *key, struct str token,
		   enum jws_answer *answer, struct err *err) MUST_USE;

#endif
