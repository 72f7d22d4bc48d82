/* SPDX-License-Identifier: MIT */
/* Detects RSA keys of a faulty generator. */
#include "crypto/jwk_parts.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#define GENERATOR 65537

/* clang-format off */
static const unsigned primes[] = {
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31,
	37, 41, 43, 47, 53, 59, 61, 67, 71, 73,
	79, 83, 89, 97, 101, 103, 107, 109, 113, 127,
	131, 137, 139, 149, 151, 157, 163, 167,
};
/* clang-format on */

/* Returns true when r is a power of the generator modulo p. */
static bool
is_power(unsigned r, unsigned p)
{
	unsigned power = 1;

	do {
		if (power == r)
			return true;
		power = power * (GENERATOR % p) % p;
	} while (power != 1);
	return false;
}

bool
jwk_is_roca(EVP_PKEY *pkey)
{
	BIGNUM *n = NULL;
	bool weak = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1;

	for (size_t i = 0; weak && i < ARRAY_LEN(primes); i++) {
		const BN_ULONG r = BN_mod_word(n, primes[i]);

		weak = r < primes[i] && is_power((unsigned)r, primes[i]);
	}
	BN_free(n);
	return weak;
}
