/* SPDX-License-Identifier: MIT */
/*
 * What the two oracles behind crypto/jws.h look like, and what is to know of
 * an algorithm.  For src/crypto and its tests only.
 */
#ifndef CRYPTO_JWS_ORACLE_H
#define CRYPTO_JWS_ORACLE_H

#include "crypto/jwk.h"

enum jws_kind { JWS_HMAC, JWS_RSA, JWS_PSS, JWS_ECDSA, JWS_ED25519 };

struct jws_info {
	const char *name;
	enum jws_kind kind;
	const char *digest; /* as libcrypto calls it; NULL for EdDSA */
	size_t size;	    /* HMAC: of the digest; ECDSA: of r, and of s;
			     * EdDSA: of the signature */
	const char *curve;  /* as JWK calls it ("crv") */
	const char *group;  /* as libcrypto does */
};

/* alg is one of ours, and not JWS_NONE. */
const struct jws_info *jws_info(enum jws_alg alg);

/* The largest signature, of RSA with 8192 bits. */
#define JWS_SIGNATURE_MAX 1024

struct jws_parts {
	struct str header, payload, signature, signed_text;
};

/* Three parts that are not empty; nothing else is checked. */
bool jws_split(struct str token, struct jws_parts *out) MUST_USE;

/* As jws_sign() and jws_verify(), for HMAC keys. */
int jws_libjwt_sign(const struct jwk *key, struct str payload, struct arena *a,
		    struct str *token, struct err *err) MUST_USE;
int jws_libjwt_verify(const struct jwk *key, struct str token, struct arena *a,
		      enum jws_answer *answer, struct err *err) MUST_USE;

/* As jws_sign(), for all others, and jws_verify_bytes(). */
int jws_evp_sign(const struct jwk *key, struct str header, struct str payload,
		 struct arena *a, struct str *token, struct err *err) MUST_USE;
int jws_evp_verify(const struct jwk *key, struct str token,
		   enum jws_answer *answer, struct err *err) MUST_USE;

#endif
