/* SPDX-License-Identifier: MIT */
/* Makes, names and frees keys. The name of a key is its thumbprint. */
#include "crypto/jwk.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/enc.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/jwk_parts.h"
#include "crypto/jws_oracle.h"

_Static_assert(JWK_KID_CHARS == BASE64URL_LEN(DIGEST_BYTES), "a SHA-256");

#define NEW_RSA_BITS 3072

void
jwk_free(struct jwk *k)
{
	if (k == NULL)
		return;
	if (k->secret.p != NULL) {
		OPENSSL_clear_free((void *)(uintptr_t)k->secret.p,
				   k->secret.n + 1);
	}
	EVP_PKEY_free(k->pkey);
	EVP_MD_CTX_free(k->verifier);
	EVP_MD_free(k->md);
	free(k);
}

/* RFC 7638 section 3: members are sorted by name, without white space. */
static int
set_kid(struct jwk *k, struct err *err)
{
	json_t *members = jwk_required_json(k);
	char *text = NULL;
	uint8_t digest[DIGEST_BYTES];

	if (members != NULL)
		text = json_dumps(members, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(members);
	if (text == NULL)
		return err_nomem(err);
	digest_sha256(str_from(text), digest);
	base64url_encode(digest, sizeof(digest), k->kid);
	secret_wipe(text, strlen(text));
	free(text);
	return 0;
}

static void
set_header(struct jwk *k)
{
	char text[JWS_HEADER_MAX + 1];
	const struct str header = jws_header(k, text);

	base64url_encode((const uint8_t *)header.p, header.n, k->header);
}

/* Sets digest, name and header of k, which is complete otherwise. */
static int
jwk_finish(struct jwk *k, struct jwk **out, struct err *err)
{
	const char *digest = jws_info(k->alg)->digest;

	if (digest != NULL) {
		k->md = EVP_MD_fetch(NULL, digest, NULL);
		if (k->md == NULL)
			return err_set(err, ERR_INTERNAL, "libcrypto has no %s",
				       digest);
	}
	if (set_kid(k, err) != 0)
		return -1;
	set_header(k);
	if (jws_evp_prepare(k, err) != 0)
		return -1;
	*out = k;
	return 0;
}

int
jwk_from_pkey(EVP_PKEY *pkey, bool can_sign, enum jws_alg alg, struct jwk **out,
	      struct err *err)
{
	struct jwk *k;

	if (jwk_check(pkey, can_sign, &alg, err) != 0) {
		EVP_PKEY_free(pkey);
		return -1;
	}
	k = calloc(1, sizeof(*k));
	if (k == NULL) {
		EVP_PKEY_free(pkey);
		return err_nomem(err);
	}
	k->alg = alg;
	k->pkey = pkey;
	k->can_sign = can_sign;
	if (jwk_finish(k, out, err) != 0) {
		jwk_free(k);
		return -1;
	}
	return 0;
}

int
jwk_from_secret(struct str bytes, enum jws_alg alg, struct jwk **out,
		struct err *err)
{
	struct jwk *k;
	char *copy;

	if (jwk_check_secret(bytes, &alg, err) != 0)
		return -1;
	k = calloc(1, sizeof(*k));
	copy = OPENSSL_zalloc(bytes.n + 1);
	if (k == NULL || copy == NULL) {
		free(k);
		OPENSSL_free(copy);
		return err_nomem(err);
	}
	memcpy(copy, bytes.p, bytes.n);
	k->alg = alg;
	k->can_sign = true;
	k->secret = (struct str){ .p = copy, .n = bytes.n };
	if (jwk_finish(k, out, err) != 0) {
		jwk_free(k);
		return -1;
	}
	return 0;
}

int
jwk_from_bytes(struct str bytes, enum jws_alg alg, struct jwk **out,
	       struct err *err)
{
	const struct str text = str_skip_bom(bytes);

	if (jwk_looks_like_json(text))
		return jwk_from_json(text, alg, out, err);
	if (jwk_looks_like_pem(text))
		return jwk_from_pem(text, alg, out, err);
	if (jws_alg_is_hmac(alg))
		return jwk_from_secret(bytes, alg, out, err);
	return err_set(err, ERR_CONFIG,
		       "neither PEM nor JWK (a secret needs HS256, HS384 or "
		       "HS512)");
}

static int
generate_secret(enum jws_alg alg, struct jwk **out, struct err *err)
{
	uint8_t bytes[64];
	const size_t n = jws_info(alg)->size;
	int rc;

	if (RAND_priv_bytes(bytes, (int)n) != 1)
		return err_norandom(err);
	rc = jwk_from_secret((struct str){ (const char *)bytes, n }, alg, out,
			     err);
	secret_wipe(bytes, sizeof(bytes));
	return rc;
}

static EVP_PKEY *
generate_pair(enum jws_alg alg)
{
	switch (jws_info(alg)->kind) {
	case JWS_RSA:
	case JWS_PSS:
		return EVP_RSA_gen(NEW_RSA_BITS);
	case JWS_ECDSA:
		return EVP_EC_gen(jws_info(alg)->group);
	case JWS_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case JWS_HMAC:
		break;
	}
	return NULL;
}

int
jwk_generate(enum jws_alg alg, struct jwk **out, struct err *err)
{
	EVP_PKEY *pkey;

	if (alg == JWS_NONE)
		return err_set(err, ERR_CONFIG, "a key needs an algorithm");
	if (jws_alg_is_hmac(alg))
		return generate_secret(alg, out, err);
	pkey = generate_pair(alg);
	if (pkey == NULL) {
		ERR_clear_error();
		return err_set(err, ERR_INTERNAL, "cannot create a key for %s",
			       jws_alg_name(alg));
	}
	return jwk_from_pkey(pkey, true, alg, out, err);
}

static int
write_pem(const struct jwk *k, bool with_private, struct arena *a,
	  struct str *out, struct err *err)
{
	BIO *bio = BIO_new(BIO_s_mem()); /* wipes memory before freeing it */
	char *text = NULL;
	long n = 0;
	int rc = -1, written = 0;

	if (bio != NULL && with_private)
		written = PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL,
							NULL, 0, NULL, NULL);
	else if (bio != NULL)
		written = PEM_write_bio_PUBKEY(bio, k->pkey);
	if (written == 1)
		n = BIO_get_mem_data(bio, &text);
	if (n > 0)
		rc = arena_copy(a, (struct str){ text, (size_t)n }, out);
	BIO_free(bio);
	ERR_clear_error();
	return rc == 0 ? 0 : err_nomem(err);
}

int
jwk_public_pem(const struct jwk *k, struct arena *a, struct str *out,
	       struct err *err)
{
	if (k->pkey == NULL)
		return err_set(err, ERR_CONFIG, "a secret has no public part");
	return write_pem(k, false, a, out, err);
}

int
jwk_private_bytes(const struct jwk *k, struct arena *a, struct str *out,
		  struct err *err)
{
	if (!k->can_sign)
		return err_set(err, ERR_CONFIG, "this key has no private part");
	if (k->pkey == NULL)
		return arena_copy(a, k->secret, out) == 0 ? 0 : err_nomem(err);
	return write_pem(k, true, a, out, err);
}
