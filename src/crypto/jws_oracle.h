/* SPDX-License-Identifier: MIT */
/*
 * The two oracles behind crypto/jws.h, and the properties of algorithms. For
 * src/crypto and its tests only.
 */
#ifndef CRYPTO_JWS_ORACLE_H
#define CRYPTO_JWS_ORACLE_H

#include "base/enc.h"
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

/* The largest header in bytes; with the NUL, its base64url fits in a key. */
#define JWS_HEADER_MAX 95
_Static_assert(JWK_HEADER_CHARS >= BASE64URL_LEN(JWS_HEADER_MAX), "a header");

/* Returns the typ of the tokens that are issued: the one that libjwt 1.x can
 * write, or the one that RFC 9068 section 2.1 requires. */
const char *jws_typ(enum jws_alg alg);

/* Writes the header of the tokens that are issued with this key, of alg, kid
 * and typ in this order, which is that of libjwt. */
struct str jws_header(const struct jwk *key, char text[JWS_HEADER_MAX + 1]);

/* Implement jws_sign() and jws_verify() for HMAC keys. */
int jws_libjwt_sign(const struct jwk *key, struct str payload, struct arena *a,
		    struct str *token, struct err *err) MUST_USE;
int jws_libjwt_verify(const struct jwk *key, struct str token, struct arena *a,
		      enum jws_answer *answer, struct err *err) MUST_USE;

/* Sets key->verifier, for a key that has its digest. */
int jws_evp_prepare(struct jwk *key, struct err *err) MUST_USE;

/* Implement jws_sign() for all other keys, and jws_verify_bytes(). */
int jws_evp_sign(const struct jwk *key, struct str header, struct str payload,
		 struct arena *a, struct str *token, struct err *err) MUST_USE;
int jws_evp_verify(const struct jwk *key, struct str token,
		   enum jws_answer *answer, struct err *err) MUST_USE;

#endif
