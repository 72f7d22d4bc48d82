/* SPDX-License-Identifier: MIT */
/* Checks whether the private numbers of an RSA key belong together (RFC 8017
 * section 3.2). */
#include "crypto/jwk_parts.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "crypto/jws_oracle.h"

enum number { RSA_N, RSA_E, RSA_D, RSA_P, RSA_Q, RSA_DP, RSA_DQ, RSA_QI };

static const char *const names[] = {
	[RSA_N] = OSSL_PKEY_PARAM_RSA_N,
	[RSA_E] = OSSL_PKEY_PARAM_RSA_E,
	[RSA_D] = OSSL_PKEY_PARAM_RSA_D,
	[RSA_P] = OSSL_PKEY_PARAM_RSA_FACTOR1,
	[RSA_Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,
	[RSA_DP] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
	[RSA_DQ] = OSSL_PKEY_PARAM_RSA_EXPONENT2,
	[RSA_QI] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

struct rsa_numbers {
	BIGNUM *v[ARRAY_LEN(names)];
	BN_CTX *scratch;
	BIGNUM *less, *result; /* for one step */
};

static bool
jwk_rsa_get(EVP_PKEY *pkey, struct rsa_numbers *k)
{
	bool ok;

	*k = (struct rsa_numbers){ .scratch = BN_CTX_new(),
				   .less = BN_new(),
				   .result = BN_new() };
	ok = k->scratch != NULL && k->less != NULL && k->result != NULL;
	for (size_t i = 0; ok && i < ARRAY_LEN(names); i++)
		ok = EVP_PKEY_get_bn_param(pkey, names[i], &k->v[i]) == 1;
	return ok;
}

static void
jwk_rsa_free(struct rsa_numbers *k)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		BN_clear_free(k->v[i]);
	BN_clear_free(k->less);
	BN_clear_free(k->result);
	BN_CTX_free(k->scratch); /* wipes */
}

/* Returns true when the exponent of a factor is d modulo factor - 1, and the
 * inverse of e. */
static bool
exponent_belongs(struct rsa_numbers *k, enum number factor,
		 enum number exponent)
{
	return BN_copy(k->less, k->v[factor]) != NULL &&
	       BN_sub_word(k->less, 1) == 1 &&
	       BN_mod(k->result, k->v[RSA_D], k->less, k->scratch) == 1 &&
	       BN_cmp(k->result, k->v[exponent]) == 0 &&
	       BN_mod_mul(k->result, k->v[exponent], k->v[RSA_E], k->less,
			  k->scratch) == 1 &&
	       BN_is_one(k->result);
}

static bool
numbers_belong_together(struct rsa_numbers *k)
{
	return BN_mul(k->result, k->v[RSA_P], k->v[RSA_Q], k->scratch) == 1 &&
	       BN_cmp(k->result, k->v[RSA_N]) == 0 &&
	       exponent_belongs(k, RSA_P, RSA_DP) &&
	       exponent_belongs(k, RSA_Q, RSA_DQ) &&
	       BN_cmp(k->v[RSA_QI], k->v[RSA_P]) < 0 &&
	       BN_mod_mul(k->result, k->v[RSA_QI], k->v[RSA_Q], k->v[RSA_P],
			  k->scratch) == 1 &&
	       BN_is_one(k->result);
}

/* Signs a text, and verifies the signature. */
static bool
key_works(EVP_PKEY *pkey)
{
	static const uint8_t text[] = "fcgiauth";
	EVP_MD_CTX *sign = EVP_MD_CTX_new(), *verify = EVP_MD_CTX_new();
	uint8_t signature[JWS_SIGNATURE_MAX];
	size_t n = sizeof(signature);
	bool works =
	    sign != NULL && verify != NULL &&
	    EVP_DigestSignInit_ex(sign, NULL, "SHA256", NULL, NULL, pkey,
				  NULL) == 1 &&
	    EVP_DigestSign(sign, signature, &n, text, sizeof(text)) == 1 &&
	    EVP_DigestVerifyInit_ex(verify, NULL, "SHA256", NULL, NULL, pkey,
				    NULL) == 1 &&
	    EVP_DigestVerify(verify, signature, n, text, sizeof(text)) == 1;

	EVP_MD_CTX_free(sign);
	EVP_MD_CTX_free(verify);
	return works;
}

bool
jwk_rsa_is_consistent(EVP_PKEY *pkey)
{
	struct rsa_numbers k;
	bool good = jwk_rsa_get(pkey, &k) && numbers_belong_together(&k);

	jwk_rsa_free(&k);
	return good && key_works(pkey);
}
