/* SPDX-License-Identifier: MIT */
/* Checks whether a key is strong enough, and for which algorithm. */
#include "crypto/jwk_parts.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/jws_oracle.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

/* The limit of libcrypto for long keys: larger exponents make a check
 * expensive. */
#define EXPONENT_BITS_MAX 64

static struct str
skip_space(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\n' ||
			   s.p[0] == '\r'))
		s = str_skip(s, 1);
	return s;
}

/* RFC 7468 section 2 allows text before the PEM: "Bag Attributes" of a PKCS #12
 * file, or the name of a certificate. */
bool
jwk_looks_like_pem(struct str bytes)
{
	struct str rest = bytes, line;

	if (str_starts(skip_space(bytes), STR("-----BEGIN")))
		return true;
	if (!str_is_utf8(bytes))
		return false;
	while (str_cut(&rest, '\n', &line)) {
		if (str_starts(line, STR("-----BEGIN ")))
			return true;
	}
	return false;
}

/* Random bytes may begin with a brace, but are not valid UTF-8. */
bool
jwk_looks_like_json(struct str bytes)
{
	return str_starts(skip_space(bytes), STR("{")) && str_is_utf8(bytes);
}

/* Returns true for ASCII text in UTF-16, as shells on Windows write it. */
static bool
looks_like_utf16(struct str bytes)
{
	const bool big = str_starts(bytes, STR("\xfe\xff"));
	size_t i = 2;

	if (!big && !str_starts(bytes, STR("\xff\xfe")))
		return false;
	while (i < bytes.n && (bytes.p[i] == '\0') == ((i % 2 == 0) == big))
		i++;
	return i == bytes.n;
}

/*
 * Detects a public key that is given as an HMAC secret (RFC 8725 section 2.1).
 */
static bool
looks_like_key(struct str bytes)
{
	static const char *const beginnings[] = { "ssh-", "ecdsa-sha2-",
						  "sk-ssh-", "sk-ecdsa-",
						  "---- BEGIN" };
	const struct str text = skip_space(str_skip_bom(bytes));

	for (size_t i = 0; i < ARRAY_LEN(beginnings); i++) {
		if (str_starts(text, str_from(beginnings[i])))
			return true;
	}
	return jwk_looks_like_pem(text) || jwk_looks_like_json(text) ||
	       looks_like_utf16(bytes);
}

int
jwk_check_secret(struct str bytes, enum jws_alg *alg, struct err *err)
{
	const enum jws_alg wanted = *alg == JWS_NONE ? JWS_HS256 : *alg;

	if (!jws_alg_is_hmac(wanted))
		return err_set(err, ERR_CONFIG,
			       "%s needs a key pair, not a secret",
			       jws_alg_name(wanted));
	if (looks_like_key(bytes))
		return err_set(err, ERR_CONFIG,
			       "looks like a PEM, SSH or JSON key, not like a "
			       "secret for %s",
			       jws_alg_name(wanted));
	if (bytes.n < jws_info(wanted)->size || bytes.n > JWK_SECRET_MAX)
		return err_set(err, ERR_CONFIG,
			       "a secret for %s must have %zu to %d bytes, "
			       "not %zu",
			       jws_alg_name(wanted), jws_info(wanted)->size,
			       JWK_SECRET_MAX, bytes.n);
	*alg = wanted;
	return 0;
}

enum jws_alg
jwk_alg_of_curve(const char *crv)
{
	for (enum jws_alg alg = JWS_ES256; alg <= JWS_EDDSA; alg++) {
		if (strcmp(jws_info(alg)->curve, crv) == 0)
			return alg;
	}
	return JWS_NONE;
}

static bool
exponent_is_good(EVP_PKEY *pkey)
{
	BIGNUM *e = NULL;
	bool good =
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
	    BN_is_odd(e) && !BN_is_one(e) &&
	    BN_num_bits(e) <= EXPONENT_BITS_MAX;

	BN_free(e);
	return good;
}

static int
check_rsa(EVP_PKEY *pkey, enum jws_alg *alg, struct err *err)
{
	const enum jws_alg wanted = *alg == JWS_NONE ? JWS_RS256 : *alg;
	const enum jws_kind kind = jws_info(wanted)->kind;
	const int bits = EVP_PKEY_get_bits(pkey);

	if (kind != JWS_RSA && kind != JWS_PSS)
		return err_set(err, ERR_CONFIG,
			       "an RSA key cannot be used for %s",
			       jws_alg_name(wanted));
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return err_set(err, ERR_CONFIG,
			       "an RSA key must have %d to %d bits, not %d",
			       RSA_BITS_MIN, RSA_BITS_MAX, bits);
	if (!exponent_is_good(pkey))
		return err_set(err, ERR_CONFIG,
			       "the public exponent of an RSA key must be "
			       "odd, at least 3, and of at most %d bits",
			       EXPONENT_BITS_MAX);
	if (jwk_is_roca(pkey))
		return err_set(err, ERR_CONFIG,
			       "this RSA key is weak: it was made by a "
			       "faulty generator (ROCA, CVE-2017-15361), and "
			       "its private part can be computed; generate "
			       "another key");
	*alg = wanted;
	return 0;
}

/* Finds the algorithm by the name of the curve. A key with explicit curve
 * parameters is refused: they may describe any curve. */
static enum jws_alg
curve_of(EVP_PKEY *pkey)
{
	char group[64] = "";
	int written_out = 0;

	if (EVP_PKEY_is_a(pkey, "ED25519") == 1)
		return JWS_EDDSA;
	if (EVP_PKEY_is_a(pkey, "EC") != 1 ||
	    EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1 ||
	    EVP_PKEY_get_int_param(
		pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
		&written_out) != 1 ||
	    written_out != 0)
		return JWS_NONE;
	for (enum jws_alg alg = JWS_ES256; alg <= JWS_ES512; alg++) {
		if (strcmp(jws_info(alg)->group, group) == 0)
			return alg;
	}
	return JWS_NONE;
}

static int
check_curve(EVP_PKEY *pkey, enum jws_alg *alg, struct err *err)
{
	const enum jws_alg own = curve_of(pkey);

	if (own == JWS_NONE)
		return err_set(err, ERR_CONFIG,
			       "a key must be RSA, P-256, P-384, P-521 or "
			       "Ed25519");
	if (*alg != JWS_NONE && *alg != own)
		return err_set(err, ERR_CONFIG,
			       "a key on %s cannot be used for %s",
			       jws_info(own)->curve, jws_alg_name(*alg));
	*alg = own;
	return 0;
}

static bool
is_rsa_of_two_primes(EVP_PKEY *pkey)
{
	BIGNUM *third = NULL;
	bool more = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR3,
					  &third) == 1;

	BN_clear_free(third);
	return !more && EVP_PKEY_is_a(pkey, "RSA") == 1;
}

/* Returns true when the private part belongs to the public one. For RSA
 * libcrypto also tests the primes. */
static bool
pair_is_good(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool good = c != NULL && EVP_PKEY_pairwise_check(c) == 1;

	EVP_PKEY_CTX_free(c);
	return good;
}

/* Checks the numbers of the key: the point is on its curve, and the private
 * part belongs to the public one. */
static bool
numbers_are_good(EVP_PKEY *pkey, bool can_sign)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool good = c != NULL && EVP_PKEY_public_check(c) == 1;

	EVP_PKEY_CTX_free(c);
	if (good && can_sign)
		good = is_rsa_of_two_primes(pkey) ?
			   jwk_rsa_is_consistent(pkey) :
			   pair_is_good(pkey);
	ERR_clear_error();
	return good;
}

int
jwk_check_primes(const struct jwk *k, struct err *err)
{
	const bool good =
	    k->pkey == NULL || !k->can_sign || pair_is_good(k->pkey);

	ERR_clear_error();
	return good ? 0 :
		      err_set(err, ERR_CONFIG,
			      "this key is damaged: its numbers are "
			      "inconsistent, or not prime");
}

int
jwk_check(EVP_PKEY *pkey, bool can_sign, enum jws_alg *alg, struct err *err)
{
	enum jws_alg found = *alg;
	int rc;

	rc = EVP_PKEY_is_a(pkey, "RSA") == 1 ? check_rsa(pkey, &found, err) :
					       check_curve(pkey, &found, err);
	if (rc != 0)
		return -1;
	if (!numbers_are_good(pkey, can_sign))
		return err_set(err, ERR_CONFIG,
			       "this key is damaged: its numbers are "
			       "inconsistent");
	*alg = found;
	return 0;
}
