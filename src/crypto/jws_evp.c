/* SPDX-License-Identifier: MIT */
/*
 * The oracle for RSA, RSA-PSS, ECDSA and EdDSA (and, for tools and tests,
 * HMAC): libcrypto, with a key and a digest that are made once.
 */
#include "crypto/jws_oracle.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/arena.h"
#include "base/enc.h"
#include "base/err.h"
#include "base/str.h"

/* The DER length of a SEQUENCE of two INTEGERs of up to 67 bytes. */
#define DER_MAX 160

struct jws_bytes {
	uint8_t p[JWS_SIGNATURE_MAX];
	size_t n;
};

/* Returns the only length that a signature of this key can have, in bytes. */
static size_t
signature_size(const struct jwk *key)
{
	const struct jws_info *info = jws_info(key->alg);

	switch (info->kind) {
	case JWS_HMAC:
	case JWS_ED25519:
		return info->size;
	case JWS_ECDSA:
		return 2 * info->size;
	case JWS_RSA:
	case JWS_PSS:
		break;
	}
	return (size_t)EVP_PKEY_get_size(key->pkey);
}

/* Only a lack of memory is an error. Any other failure is caused by the token,
 * for example by r = 0. */
static bool
jws_evp_no_memory(void)
{
	bool failed =
	    ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;

	ERR_clear_error();
	return failed;
}

/* RFC 7518 section 3.5: MGF1 with the same digest, and a salt of its size. */
static bool
set_padding(const struct jwk *key, EVP_PKEY_CTX *c)
{
	if (jws_info(key->alg)->kind != JWS_PSS)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(c, key->md) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(c, RSA_PSS_SALTLEN_DIGEST) > 0;
}

/* RFC 7518 section 3.4: r and s, each of the length of the field. */
static bool
ecdsa_to_der(const struct jwk *key, struct jws_bytes *s)
{
	const size_t half = jws_info(key->alg)->size;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *bn_r = BN_bin2bn(s->p, (int)half, NULL);
	BIGNUM *bn_s = BN_bin2bn(s->p + half, (int)half, NULL);
	uint8_t *der = s->p;
	int n = -1;

	if (sig != NULL && bn_r != NULL && bn_s != NULL &&
	    ECDSA_SIG_set0(sig, bn_r, bn_s) == 1) {
		bn_r = NULL;
		bn_s = NULL;
		n = i2d_ECDSA_SIG(sig, &der);
	}
	BN_free(bn_r);
	BN_free(bn_s);
	ECDSA_SIG_free(sig);
	assert(n <= DER_MAX);
	s->n = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static bool
ecdsa_from_der(const struct jwk *key, struct jws_bytes *s)
{
	const int half = (int)jws_info(key->alg)->size;
	const uint8_t *der = s->p;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)s->n);
	bool ok = false;

	if (sig != NULL)
		ok = BN_bn2binpad(ECDSA_SIG_get0_r(sig), s->p, half) == half &&
		     BN_bn2binpad(ECDSA_SIG_get0_s(sig), s->p + half, half) ==
			 half;
	ECDSA_SIG_free(sig);
	s->n = 2 * (size_t)half;
	return ok;
}

static bool
hmac(const struct jwk *key, struct str text, struct jws_bytes *out)
{
	unsigned n = 0;

	if (HMAC(key->md, key->secret.p, (int)key->secret.n,
		 (const uint8_t *)text.p, text.n, out->p, &n) == NULL)
		return false;
	out->n = n;
	return true;
}

static bool
digest_sign(const struct jwk *key, struct str text, struct jws_bytes *out)
{
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	EVP_PKEY_CTX *c = NULL;
	bool ok;

	out->n = sizeof(out->p);
	ok = m != NULL &&
	     EVP_DigestSignInit(m, &c, key->md, NULL, key->pkey) == 1 &&
	     set_padding(key, c) &&
	     EVP_DigestSign(m, out->p, &out->n, (const uint8_t *)text.p,
			    text.n) == 1;
	EVP_MD_CTX_free(m);
	return ok;
}

static bool
begin_verifying(const struct jwk *key, EVP_MD_CTX *m)
{
	EVP_PKEY_CTX *c = NULL;

	return EVP_DigestVerifyInit(m, &c, key->md, NULL, key->pkey) == 1 &&
	       set_padding(key, c);
}

/* The first releases of libcrypto 3.0 cannot copy a context without a digest,
 * which EdDSA has. */
static bool
can_copy(const EVP_MD_CTX *m)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	bool can = copy != NULL && EVP_MD_CTX_copy_ex(copy, m) == 1;

	EVP_MD_CTX_free(copy);
	return can;
}

int
jws_evp_prepare(struct jwk *key, struct err *err)
{
	EVP_MD_CTX *m;

	if (key->pkey == NULL)
		return 0;
	m = EVP_MD_CTX_new();
	if (m == NULL || !begin_verifying(key, m)) {
		EVP_MD_CTX_free(m);
		ERR_clear_error();
		return err_set(err, ERR_INTERNAL, "cannot verify with %s",
			       jws_alg_name(key->alg));
	}
	if (!can_copy(m)) {
		EVP_MD_CTX_free(m);
		ERR_clear_error();
		m = NULL;
	}
	key->verifier = m;
	return 0;
}

/*
 * Returns 1 for a good signature, 0 for a bad one, -1 when out of memory. The
 * copy is made because any thread may use the key: it takes references of what
 * the contexts have in common, and changes nothing else in the original.
 */
static int
digest_verify(const struct jwk *key, struct str text, const struct jws_bytes *s)
{
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	int rc = -1;

	if (m != NULL &&
	    (key->verifier != NULL ? EVP_MD_CTX_copy_ex(m, key->verifier) == 1 :
				     begin_verifying(key, m))) {
		rc = EVP_DigestVerify(m, s->p, s->n, (const uint8_t *)text.p,
				      text.n);
		rc = rc != 1 && jws_evp_no_memory() ? -1 : rc == 1;
	}
	EVP_MD_CTX_free(m);
	return rc;
}

static int
jws_evp_check(const struct jwk *key, struct str text, struct jws_bytes *s)
{
	switch (jws_info(key->alg)->kind) {
	case JWS_HMAC: {
		struct jws_bytes own;

		if (!hmac(key, text, &own))
			return -1;
		assert(own.n == s->n);
		return CRYPTO_memcmp(own.p, s->p, own.n) == 0;
	}
	case JWS_ECDSA:
		if (!ecdsa_to_der(key, s))
			return -1;
		break;
	case JWS_RSA:
	case JWS_PSS:
	case JWS_ED25519:
		break;
	}
	return digest_verify(key, text, s);
}

int
jws_evp_verify(const struct jwk *key, struct str token, enum jws_answer *answer,
	       struct err *err)
{
	struct jws_bytes s = { .n = signature_size(key) };
	struct jws_parts parts;
	int rc;

	assert(s.n > 0 && s.n <= sizeof(s.p));
	if (token.n > JWS_MAX_BYTES || !jws_split(token, &parts) ||
	    !base64url_decode(parts.signature, s.p, s.n)) {
		*answer = JWS_BAD;
		return 0;
	}
	rc = jws_evp_check(key, parts.signed_text, &s);
	if (rc < 0)
		return err_nomem(err);
	*answer = rc == 1 ? JWS_GOOD : JWS_BAD;
	return 0;
}

/* Encodes a part at `to`, which must have room for it, and returns its end. */
static char *
add_part(char *to, const void *bytes, size_t n)
{
	base64url_encode(bytes, n, to);
	return to + BASE64URL_LEN(n);
}

int
jws_evp_sign(const struct jwk *key, struct str header, struct str payload,
	     struct arena *a, struct str *token, struct err *err)
{
	struct jws_bytes s;
	char *p, *end;

	p = arena_alloc(a, BASE64URL_LEN(header.n) + BASE64URL_LEN(payload.n) +
			       BASE64URL_LEN(sizeof(s.p)) + 2);
	if (p == NULL)
		return err_nomem(err);
	end = add_part(p, header.p, header.n);
	*end++ = '.';
	end = add_part(end, payload.p, payload.n);
	if (!digest_sign(key, (struct str){ p, (size_t)(end - p) }, &s) ||
	    (jws_info(key->alg)->kind == JWS_ECDSA &&
	     !ecdsa_from_der(key, &s))) {
		ERR_clear_error();
		return err_set(err, ERR_INTERNAL, "cannot sign with %s",
			       jws_alg_name(key->alg));
	}
	*end++ = '.';
	end = add_part(end, s.p, s.n);
	*token = (struct str){ p, (size_t)(end - p) };
	return 0;
}
