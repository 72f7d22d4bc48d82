/* SPDX-License-Identifier: MIT */
/*
 * Signatures of JSON Web Tokens (RFC 7515, 7518, 8037): two implementations,
 * the oracles, behind one interface. They sign and verify bytes; crypto/jwt.h
 * decides what a token may contain.
 *
 * HMAC is computed and verified by libjwt. RSA, RSA-PSS, ECDSA and EdDSA use
 * an EVP_PKEY that is parsed once: libjwt 1.x parses the PEM at each call and
 * does not support EdDSA.
 */
#ifndef CRYPTO_JWS_H
#define CRYPTO_JWS_H

#include "base/base.h"

struct arena;
struct err;
struct jwk;

/* "alg" values (RFC 7518 section 3.1, RFC 8037 section 3.1). */
enum jws_alg {
	JWS_NONE = 0, /* never valid; an unknown name gives this */
	JWS_HS256,
	JWS_HS384,
	JWS_HS512,
	JWS_RS256,
	JWS_RS384,
	JWS_RS512,
	JWS_PS256,
	JWS_PS384,
	JWS_PS512,
	JWS_ES256,
	JWS_ES384,
	JWS_ES512,
	JWS_EDDSA,
	JWS_ALGS
};

/* Finds an algorithm by its exact name; JWS_NONE when it is not supported. */
enum jws_alg jws_alg_from_name(struct str name);
const char *jws_alg_name(enum jws_alg alg); /* "" for JWS_NONE */
bool jws_alg_is_hmac(enum jws_alg alg);

/* The names in the order of the enum from HS256 on, terminated by NULL: for
 * option tables. */
extern const char *const jws_alg_names[];

/*
 * Signs header and payload (JSON texts) with the one algorithm of the key;
 * *token is the compact serialisation. For HMAC, libjwt writes the header
 * itself: `typ` is then "JWT" and `kid` that of the key, whatever `header` has.
 */
int jws_sign(const struct jwk *key, struct str header, struct str payload,
	     struct arena *a, struct str *token, struct err *err) MUST_USE;

/* Zero denies. */
enum jws_answer { JWS_BAD = 0, JWS_GOOD };

/* Longer tokens are neither signed nor verified. */
#define JWS_MAX_BYTES 8192

/*
 * Verifies the signature of a token with the one algorithm of the key. The
 * token must have exactly two dots, three non-empty parts in canonical
 * base64url and at most JWS_MAX_BYTES; otherwise it is bad. libjwt needs JSON
 * in header and payload of an HMAC token: a token with anything else is bad.
 * Returns -1 only when the answer is not known (out of memory).
 */
int jws_verify(const struct jwk *key, struct str token, struct arena *a,
	       enum jws_answer *answer, struct err *err) MUST_USE;

/*
 * Does the same for any payload (RFC 7515 signs bytes), which libjwt cannot do:
 * libcrypto verifies all algorithms. For tools only; no request is allowed by
 * its answer.
 */
int jws_verify_bytes(const struct jwk *key, struct str token,
		     enum jws_answer *answer, struct err *err) MUST_USE;

#endif
