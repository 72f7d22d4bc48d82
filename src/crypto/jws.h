/* SPDX-License-Identifier: MIT */
/*
 * Signatures of JSON Web Tokens (RFC 7515, 7518, 8037): two oracles behind one
 * interface.  They sign and check bytes; what a token may say is decided above
 * them, in crypto/jwt.h.
 *
 * HMAC is made and checked by libjwt.  RSA, RSA-PSS, ECDSA and EdDSA use an
 * EVP_PKEY that was parsed once: libjwt 1.x parses the PEM at each call and
 * knows no EdDSA.
 */
#ifndef CRYPTO_JWS_H
#define CRYPTO_JWS_H

#include "base/base.h"

struct arena;
struct err;
struct jwk;

/* "alg" values (RFC 7518 section 3.1, RFC 8037 section 3.1). */
enum jws_alg {
	JWS_NONE = 0, /* never valid: what an unknown name becomes */
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

/* Exact, with case; JWS_NONE when it is none of ours. */
enum jws_alg jws_alg_from_name(struct str name);
const char *jws_alg_name(enum jws_alg alg); /* "" for JWS_NONE */
bool jws_alg_is_hmac(enum jws_alg alg);

/* NULL-terminated, in the order of the enum from HS256 on: for option
 * tables. */
extern const char *const jws_alg_names[];

/*
 * Signs header and payload (JSON texts) with the key's one algorithm: the
 * compact serialisation.  For HMAC, libjwt writes the header itself: `typ` is
 * then "JWT" and `kid` the key's, whatever `header` says.
 */
int jws_sign(const struct jwk *key, struct str header, struct str payload,
	     struct arena *a, struct str *token, struct err *err) MUST_USE;

/* Zero denies. */
enum jws_answer { JWS_BAD = 0, JWS_GOOD };

/* Longer texts are neither signed nor looked at. */
#define JWS_MAX_BYTES 8192

/*
 * Checks the signature of a token that has exactly two dots, three parts that
 * are not empty, canonical base64url and at most JWS_MAX_BYTES (else it is
 * bad), with the key's one algorithm.  libjwt wants JSON in header and payload
 * of an HMAC token: what is not valid JSON is bad.  -1 only when it could not be told
 * (no memory).
 */
int jws_verify(const struct jwk *key, struct str token, struct arena *a,
	       enum jws_answer *answer, struct err *err) MUST_USE;

/*
 * The same for any payload (RFC 7515 signs bytes), which libjwt cannot do: by
 * libcrypto for all algorithms.  For tools; no request is let in by it.
 */
int jws_verify_bytes(const struct jwk *key, struct str token,
		     enum jws_answer *answer, struct err *err) MUST_USE;

#endif
