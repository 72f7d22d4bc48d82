/* SPDX-License-Identifier: MIT */
/*
 * One key: parsed, checked and bound to one algorithm (RFC 8725 section 3.1).
 * It is constant once it is made; any thread may use it.
 */
#ifndef CRYPTO_JWK_H
#define CRYPTO_JWK_H

#include "crypto/jws.h"

#include <jansson.h>
#include <openssl/types.h>

#define JWK_KID_CHARS	 43 /* base64url of a SHA-256: RFC 7638 */
#define JWK_FILE_MAX	 (64 * 1024)
#define JWK_SECRET_MAX	 1024
#define JWK_HEADER_CHARS 128

struct jwk {
	enum jws_alg alg;
	char kid[JWK_KID_CHARS + 1]; /* thumbprint, NUL-terminated */
	EVP_PKEY *pkey; /* NULL for HMAC */
	EVP_MD *md; /* digest of the algorithm; NULL for EdDSA */
	/* prepared for verifying, and copied for each signature; NULL for
	 * HMAC, and if libcrypto cannot copy it */
	EVP_MD_CTX *verifier;
	bool can_sign; /* the private part is present */
	bool renamed; /* the source of the key has another kid */
	/* the first part of the tokens that are issued with the key, in
	 * base64url, NUL-terminated */
	char header[JWK_HEADER_CHARS + 1];
	struct str secret; /* HMAC only; wiped by jwk_free() */
};

void jwk_free(struct jwk *k); /* k may be NULL */

/*
 * All functions that make a key check it (RFC 7518, RFC 8725 section 3.5): RSA
 * keys have 2048 to 8192 bits and an odd public exponent of at least 3 that
 * fits its algorithm, do not come from the faulty generator of ROCA, and make
 * valid signatures with private numbers that belong together; keys on P-256,
 * P-384 and P-521 are for ES256, ES384 and ES512, and their point is on the
 * curve; Ed25519 is for EdDSA; HMAC secrets have at least the size of their
 * hash and do not look like a PEM, SSH or JSON key. An algorithm that does not
 * fit the key is ERR_CONFIG.
 */

/*
 * Checks in addition that the primes of a private RSA key are prime; other keys
 * pass. It takes 80 ms for 3072 bits. A key that was made elsewhere is checked
 * when it is imported, and not at each start: a user who can change the file of
 * a key can also read it, or replace it by a key of their own.
 */
int jwk_check_primes(const struct jwk *k, struct err *err) MUST_USE;

/* Makes a key of a secret. With alg JWS_NONE, the algorithm is HS256, also for
 * a secret of the size for HS384 or HS512. */
int jwk_from_secret(struct str bytes, enum jws_alg alg, struct jwk **out,
		    struct err *err) MUST_USE;

/*
 * Makes a key of a private (PKCS #8, traditional) or public
 * (SubjectPublicKeyInfo) PEM, which must not be encrypted: the program never
 * asks for a pass phrase. With alg JWS_NONE, the key decides: RS256, ES256,
 * ES384, ES512 or EdDSA.
 */
int jwk_from_pem(struct str pem, enum jws_alg alg, struct jwk **out,
		 struct err *err) MUST_USE;

/*
 * Makes a key of a JWK (RFC 7517, RFC 7518 section 6, RFC 8037): RSA, EC, OKP
 * (Ed25519) or oct. Its `alg`, if present, must agree with `alg`, unless that
 * is JWS_NONE; its `use`, if present, must be sig, and its key_ops, if present,
 * must allow the use. Duplicate members are refused. A set of one key (RFC
 * 7517 section 5) is accepted as that key. The `kid` of the JWK is not kept:
 * `renamed` reports that there was another.
 */
int jwk_from_json(struct str json, enum jws_alg alg, struct jwk **out,
		  struct err *err) MUST_USE;

/* Makes a key of bytes whose form is detected: a JSON object, a PEM, or else
 * (with alg HS*) the bytes of a secret. */
int jwk_from_bytes(struct str bytes, enum jws_alg alg, struct jwk **out,
		   struct err *err) MUST_USE;

/* Generates a key: RSA of 3072 bits, a key on the curve of the algorithm,
 * Ed25519, or a random secret. */
int jwk_generate(enum jws_alg alg, struct jwk **out, struct err *err) MUST_USE;

/*
 * Returns a JWK of the public members with use, alg and kid (RFC 7517); NULL
 * for HMAC, whose key is never shown, and when out of memory.
 */
json_t *jwk_public_json(const struct jwk *k);

/* Returns the public key as a SubjectPublicKeyInfo PEM; ERR_CONFIG for HMAC. */
int jwk_public_pem(const struct jwk *k, struct arena *a, struct str *out,
		   struct err *err) MUST_USE;

/*
 * Returns the content of a key file: a PKCS #8 PEM, or the bytes of the secret.
 */
int jwk_private_bytes(const struct jwk *k, struct arena *a, struct str *out,
		      struct err *err) MUST_USE;

#endif
