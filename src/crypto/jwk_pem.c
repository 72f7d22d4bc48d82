/* SPDX-License-Identifier: MIT */
/*
 * Parses keys in PEM. The blocks are split here, and each is parsed as the
 * type that its first line names, so that libcrypto never asks for a pass
 * phrase.
 */
#include "crypto/jwk.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/jwk_parts.h"

static EVP_PKEY *
read_pkcs8(const uint8_t **der, long n)
{
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, der, n);
	EVP_PKEY *pkey = info != NULL ? EVP_PKCS82PKEY(info) : NULL;

	PKCS8_PRIV_KEY_INFO_free(info);
	return pkey;
}

static EVP_PKEY *
read_rsa(const uint8_t **der, long n)
{
	return d2i_PrivateKey(EVP_PKEY_RSA, NULL, der, n);
}

static EVP_PKEY *
read_ec(const uint8_t **der, long n)
{
	return d2i_PrivateKey(EVP_PKEY_EC, NULL, der, n);
}

static EVP_PKEY *
read_public(const uint8_t **der, long n)
{
	return d2i_PUBKEY(NULL, der, n);
}

static const struct pem_kind {
	const char *name;
	EVP_PKEY *(*read)(const uint8_t **der, long n);
	bool can_sign;
} kinds[] = {
	{ "PRIVATE KEY", read_pkcs8, true },
	{ "RSA PRIVATE KEY", read_rsa, true },
	{ "EC PRIVATE KEY", read_ec, true },
	{ "PUBLIC KEY", read_public, false },
};

struct pem_block {
	char *name, *header;
	uint8_t *der;
	long n;
};

static void
block_free(struct pem_block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_clear_free(b->der, b->der != NULL ? (size_t)b->n : 0);
	*b = (struct pem_block){ .name = NULL };
}

static bool
next_block(BIO *bio, struct pem_block *b)
{
	bool more =
	    PEM_read_bio(bio, &b->name, &b->header, &b->der, &b->n) == 1;

	ERR_clear_error();
	return more;
}

static const struct pem_kind *
jwk_pem_kind_of(const struct pem_block *b, struct err *err)
{
	if (strcmp(b->name, "ENCRYPTED PRIVATE KEY") == 0 ||
	    b->header[0] != '\0') {
		(void)err_set(err, ERR_CONFIG,
			      "this PEM is encrypted: remove its pass phrase "
			      "(openssl pkey -in OLD -out NEW)");
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(b->name, kinds[i].name) == 0)
			return &kinds[i];
	}
	(void)err_set(err, ERR_CONFIG,
		      "a PEM block of this type is not a supported key: %.40s",
		      str_is_name(str_from(b->name), " -_#") ? b->name : "?");
	return NULL;
}

/* Skips the curve, which `openssl ecparam -genkey` puts before the key. */
static int
only_block(BIO *bio, struct pem_block *b, struct err *err)
{
	struct pem_block second = { .name = NULL };

	if (!next_block(bio, b))
		return err_set(err, ERR_CONFIG, "there is no PEM block");
	if (strcmp(b->name, "EC PARAMETERS") == 0) {
		block_free(b);
		if (!next_block(bio, b))
			return err_set(err, ERR_CONFIG, "this PEM has no key");
	}
	if (next_block(bio, &second)) {
		block_free(&second);
		return err_set(err, ERR_CONFIG,
			       "must be one key, but has more than one PEM "
			       "block");
	}
	return 0;
}

static int
jwk_pem_parse(const struct pem_block *b, enum jws_alg alg, struct jwk **out,
	      struct err *err)
{
	const struct pem_kind *kind = jwk_pem_kind_of(b, err);
	const uint8_t *der = b->der;
	EVP_PKEY *pkey;

	if (kind == NULL)
		return -1;
	pkey = kind->read(&der, b->n);
	ERR_clear_error();
	if (pkey == NULL || der != b->der + b->n) {
		EVP_PKEY_free(pkey);
		return err_set(err, ERR_CONFIG, "this PEM is damaged");
	}
	return jwk_from_pkey(pkey, kind->can_sign, alg, out, err);
}

int
jwk_from_pem(struct str pem, enum jws_alg alg, struct jwk **out,
	     struct err *err)
{
	struct pem_block b = { .name = NULL };
	BIO *bio;
	int rc;

	if (pem.n > JWK_FILE_MAX)
		return err_set(err, ERR_CONFIG,
			       "a key must have at most %d bytes",
			       JWK_FILE_MAX);
	bio = BIO_new_mem_buf(pem.n > 0 ? pem.p : "", (int)pem.n);
	if (bio == NULL)
		return err_nomem(err);
	rc = only_block(bio, &b, err);
	if (rc == 0)
		rc = jwk_pem_parse(&b, alg, out, err);
	block_free(&b);
	BIO_free(bio);
	return rc;
}
