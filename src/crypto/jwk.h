/* SPDX-License-Identifier: MIT */
/*
 * One key: parsed, checked and bound to one algorithm (RFC 8725 section 3.1).
 * Const once made; any thread may use it.
 */
#ifndef CRYPTO_JWK_H
#define CRYPTO_JWK_H

#include "crypto/jws.h"

#include <jansson.h>
#include <openssl/types.h>

#define JWK_KID_CHARS	43 /* base64url of a SHA-256: RFC 7638 */
#define JWK_FILE_MAX	(64 * 1024)
#define JWK_SECRET_MAX	1024

struct jwk {
	enum jws_alg alg;
	char kid[JWK_KID_CHARS + 1]; /* thumbprint, NUL-terminated */
	EVP_PKEY *pkey;	   /* NULL for HMAC */
	EVP_MD *md;	   /* of the algorithm; NULL for EdDSA */
	bool can_sign;	   /* the private part is there */
	bool renamed;	   /* what it was read from has another kid */
	struct str secret; /* HMAC only; wiped when freed */
};

void jwk_free(struct jwk *k); /* NULL is allowed */

/*
 * What every way in checks (RFC 7518, RFC 8725 section 3.5): RSA of 2048 to
 * 8192 bits with an odd public exponent of at least 3 that fits its algorithm,
 * and not of the generator of ROCA;
 * P-256, P-384, P-521 for ES256, ES384, ES512, the point on the curve; Ed25519
 * for EdDSA; HMAC secrets of at least the size of their hash, that do not look
 * like a PEM, SSH or JSON key.  An algorithm that does not fit the key is
 * ERR_CONFIG.
 */

/* alg JWS_NONE: by the size 64, 48, 32 or more: HS256 for all of them. */
int jwk_from_secret(struct str bytes, enum jws_alg alg, struct jwk **out,
		    struct err *err) MUST_USE;

/*
 * Private (PKCS #8, traditional) or public (SubjectPublicKeyInfo) PEM, not
 * encrypted: nothing ever asks for a pass phrase.  alg JWS_NONE: by the key:
 * RS256, ES256, ES384, ES512 or EdDSA.
 */
int jwk_from_pem(struct str pem, enum jws_alg alg, struct jwk **out,
		 struct err *err) MUST_USE;

/*
 * RFC 7517, 7518 section 6, RFC 8037: RSA, EC, OKP (Ed25519), oct.  Its own
 * `alg` must agree with `alg` when both are there; `use` must be sig, and
 * key_ops must allow it, when they are there.  Duplicate members are refused.
 * A set of one key (RFC 7517 section 5) is that key.  Its own `kid` is not
 * kept: `renamed` says so.
 */
int jwk_from_json(struct str json, enum jws_alg alg, struct jwk **out,
		  struct err *err) MUST_USE;

/* By its content: a JSON object, a PEM, else (alg HS*) the secret's bytes. */
int jwk_from_bytes(struct str bytes, enum jws_alg alg, struct jwk **out,
		   struct err *err) MUST_USE;

/* RSA 3072, the curve of the algorithm, Ed25519, or a random secret. */
int jwk_generate(enum jws_alg alg, struct jwk **out, struct err *err) MUST_USE;

/*
 * Public members only, with use, alg and kid (RFC 7517); NULL for HMAC, whose
 * key is never shown, and when out of memory.
 */
json_t *jwk_public_json(const struct jwk *k);

/* A SubjectPublicKeyInfo PEM; ERR_CONFIG for HMAC. */
int jwk_public_pem(const struct jwk *k, struct arena *a, struct str *out,
		   struct err *err) MUST_USE;

/* What goes into a key file: PKCS #8 PEM, or the secret's bytes. */
int jwk_private_bytes(const struct jwk *k, struct arena *a, struct str *out,
		      struct err *err) MUST_USE;

#endif
