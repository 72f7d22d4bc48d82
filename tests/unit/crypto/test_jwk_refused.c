/* SPDX-License-Identifier: MIT */
/* JSON keys and secrets that are refused or accepted. */
#include "crypto/jwk.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "tests/support/run.h"
#include "tests/support/tokens.h"
#include "tests/unit/crypto/vectors/test_keys.h"

static void
setup(void)
{
	ck_assert_int_eq(crypto_init(), 0);
}

/* The message of the refusal, or NULL if the key is accepted. */
static const char *
refusal(const char *json, enum jws_alg alg, struct err *err)
{
	struct jwk *key = NULL;

	*err = (struct err){ .code = ERR_NONE };
	if (jwk_from_json(str_from(json), alg, &key, err) == 0) {
		jwk_free(key);
		return NULL;
	}
	ck_assert_int_eq(err->code, ERR_CONFIG);
	ck_assert_ptr_null(key);
	return err->msg;
}

static void
assert_hint(const char *msg, const char *hint, const char *what)
{
	ck_assert_msg((msg == NULL) == (hint == NULL) &&
			  (msg == NULL || strstr(msg, hint) != NULL),
		      "%s: %s", what,
		      msg != NULL ? msg : "the key is accepted");
}

#define X25519_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

static const struct {
	const char *json;
	enum jws_alg alg;
	const char *hint; /* NULL: the key is accepted */
} rows[] = {
	{ "", JWS_NONE, "invalid JSON" },
	{ "x", JWS_NONE, "invalid JSON" },
	{ "[]", JWS_NONE, "must be a JSON object" },
	{ "\"oct\"", JWS_NONE, "invalid JSON" },
	{ "{}", JWS_NONE, "\"kty\"" },
	{ "{\"kty\":1}", JWS_NONE, "\"kty\"" },
	{ "{\"kty\":\"rsa\"}", JWS_NONE, "\"kty\"" },
	{ "{\"kty\":\"RSA\"}", JWS_NONE, "\"n\"" },
	{ "{\"kty\":\"EC\"}", JWS_NONE, "\"crv\"" },
	{ "{\"kty\":\"OKP\"}", JWS_NONE, "\"crv\"" },
	{ "{\"kty\":\"oct\"}", JWS_NONE, "\"k\"" },
	{ "{\"keys\":[]}", JWS_NONE, "set of 0" },
	{ "{\"keys\":[{},{}]}", JWS_NONE, "set of 2" },
	{ "{\"keys\":[7]}", JWS_NONE, "key of the set must be" },
	{ "{\"keys\":[{\"kty\":\"oct\"}]}", JWS_NONE, "\"k\"" },
	{ "{\"kty\":\"oct\",\"kty\":\"oct\"}", JWS_NONE, "invalid JSON" },
	{ "{\"kty\":\"oct\",\"k\":\"AAAA\"}", JWS_NONE, "32 to 1024 bytes" },
	{ "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	  "A\"}",
	  JWS_NONE, NULL }, /* 32 bytes */
	{ "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	  "A\"}",
	  JWS_HS384, "48 to 1024" },
	{ "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	  "A\"}",
	  JWS_RS256, "needs a key pair" },
	{ "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	  "A=\"}",
	  JWS_NONE, "\"k\"" },
	{ "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	  "B\"}",
	  JWS_NONE, "\"k\"" }, /* not canonical */
	{ "{\"kty\":\"oct\",\"use\":\"enc\"}", JWS_NONE, "\"use\"" },
	{ "{\"kty\":\"oct\",\"use\":[\"sig\"]}", JWS_NONE, "\"use\"" },
	{ "{\"kty\":\"oct\",\"key_ops\":[\"verify\"]}", JWS_NONE,
	  "\"key_ops\"" },
	{ "{\"kty\":\"oct\",\"key_ops\":\"sign\"}", JWS_NONE, "\"key_ops\"" },
	{ "{\"kty\":\"OKP\",\"key_ops\":[\"sign\"]}", JWS_NONE, "\"key_ops\"" },
	{ "{\"kty\":\"oct\",\"alg\":\"none\"}", JWS_NONE, "\"alg\"" },
	{ "{\"kty\":\"oct\",\"alg\":1}", JWS_NONE, "\"alg\"" },
	{ "{\"kty\":\"oct\",\"alg\":\"hs256\"}", JWS_NONE, "\"alg\"" },
	{ "{\"kty\":\"oct\",\"alg\":\"HS256\"}", JWS_HS512, "for HS256, not" },
	{ "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" X25519_X "\"}",
	  JWS_NONE, "\"crv\"" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" X25519_X "\"}",
	  JWS_NONE, "\"crv\"" },
	{ "{\"kty\":\"OKP\",\"crv\":\"P-256\",\"x\":\"" X25519_X "\"}",
	  JWS_NONE, "\"crv\"" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}", JWS_NONE,
	  "\"x\"" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X25519_X "\"}",
	  JWS_NONE, NULL },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X25519_X "\"}",
	  JWS_ES256, "Ed25519 cannot be used for ES256" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X25519_X
	  "\",\"d\":\"AAAA\"}",
	  JWS_NONE, "\"d\"" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X25519_X
	  "\",\"d\":null}",
	  JWS_NONE, "\"d\"" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X25519_X
	  "\",\"d\":\"" X25519_X "\"}",
	  JWS_NONE, "x does not belong to d" },
	{ "{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":\"" X25519_X "\"}",
	  JWS_NONE, "\"crv\"" },
	{ "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" X25519_X "\"}",
	  JWS_NONE, "\"crv\"" },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X25519_X "\"}", JWS_NONE,
	  "\"y\"" },
	{ "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" X25519_X
	  "\",\"y\":\"" X25519_X "\"}",
	  JWS_NONE, "\"x\"" },
	/* no point of the curve */
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X25519_X
	  "\",\"y\":\"" X25519_X "\"}",
	  JWS_NONE, "damaged" },
	{ "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", JWS_NONE,
	  "2048 to 8192 bits, not 17" },
	{ "{\"kty\":\"RSA\",\"n\":\"AAEAAQ\",\"e\":\"AQAB\"}", JWS_NONE,
	  "\"n\"" },
	{ "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AAEAAQ\"}", JWS_NONE,
	  "\"e\"" },
	{ "{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}", JWS_NONE, "\"n\"" },
};

START_TEST(bad_jwks_are_refused)
{
	struct err err;
	char what[16];

	(void)snprintf(what, sizeof(what), "row %d", _i);
	assert_hint(refusal(rows[_i].json, rows[_i].alg, &err), rows[_i].hint,
		    what);
}
END_TEST

/* A key with one member changed; the value NULL removes the member. */
static char *
changed(enum jws_alg alg, const char *name, const char *value)
{
	json_t *jwk = json_loads(test_keys[alg - 1], 0, NULL);
	char *text;

	if (value == NULL)
		ck_assert_int_eq(json_object_del(jwk, name), 0);
	else
		ck_assert_int_eq(json_object_set_new(jwk, name,
						     json_string(value)),
				 0);
	text = json_dumps(jwk, 0);
	json_decref(jwk);
	return text;
}

static const struct {
	enum jws_alg alg;
	const char *name, *value, *hint;
} changes[] = {
	{ JWS_RS256, "e", "Ag", "public exponent" }, /* 2 */
	{ JWS_RS256, "e", "AQ", "public exponent" }, /* 1 */
	{ JWS_RS256, "e", "AQAC", "public exponent" }, /* even */
	{ JWS_RS256, "e", "AQAAAAAAAAAB", "public exponent" },
	/* 3, but the exponent of d is another */
	{ JWS_RS256, "e", "Aw", "damaged" },
	{ JWS_RS256, "d", NULL, NULL }, /* public */
	{ JWS_RS256, "p", NULL, "\"p\"" },
	{ JWS_RS256, "qi", NULL, "\"qi\"" },
	{ JWS_RS256, "d", "AQAB", "damaged" },
	{ JWS_RS256, "dp", "AQAB", "damaged" },
	{ JWS_RS256, "p", "AQAB", "damaged" },
	{ JWS_RS256, "oth", "x", "two primes" },
	{ JWS_RS256, "alg", "PS256", NULL },
	{ JWS_RS256, "alg", "ES256", "cannot be used for ES256" },
	{ JWS_RS256, "alg", "HS256", "cannot be used for HS256" },
	{ JWS_RS256, "kid", "anything", NULL },
	{ JWS_RS256, "x5c", "anything", NULL },
	{ JWS_ES256, "d", NULL, NULL },
	{ JWS_ES256, "d", "AQAB", "\"d\"" },
	{ JWS_ES256, "d", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE",
	  "damaged" }, /* 1, but the point is another */
	{ JWS_ES256, "d", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	  "damaged" }, /* 0 */
	{ JWS_ES256, "d", "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE",
	  "damaged" }, /* the order of the curve */
	{ JWS_ES256, "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	  "damaged" },
	{ JWS_ES256, "crv", "P-521", "\"x\"" },
	{ JWS_ES256, "alg", "ES384", "cannot be used for ES384" },
	{ JWS_EDDSA, "alg", "ES256", "cannot be used for ES256" },
	{ JWS_HS256, "alg", "HS512", "64 to 1024" },
};

START_TEST(changed_jwks_are_refused)
{
	char *text =
	    changed(changes[_i].alg, changes[_i].name, changes[_i].value);
	char what[16];
	struct err err;

	(void)snprintf(what, sizeof(what), "row %d", _i);
	assert_hint(refusal(text, JWS_NONE, &err), changes[_i].hint, what);
	free(text);
}
END_TEST

/* The point of a public key must be on the curve, and its modulus must be
 * odd. */
START_TEST(public_numbers_are_checked)
{
	static const struct {
		enum jws_alg alg;
		const char *name;
		size_t at;
	} numbers[] = { { JWS_ES256, "y", 10 },
			{ JWS_ES512, "x", 10 },
			{ JWS_RS256, "n", 340 } }; /* an even modulus */

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		json_t *jwk =
		    json_loads(test_keys[numbers[i].alg - 1], 0, NULL);
		json_t *value = json_object_get(jwk, numbers[i].name);
		char *copy = strdup(json_string_value(value)), *text;
		struct err err;

		ck_assert_ptr_nonnull(copy);
		ck_assert_int_eq(json_object_del(jwk, "d"), 0);
		memset(copy + numbers[i].at, 'A',
		       strlen(copy + numbers[i].at) < 10 ? 2 : 1);
		ck_assert_int_eq(json_string_set(value, copy), 0);
		text = json_dumps(jwk, 0);
		assert_hint(refusal(text, JWS_NONE, &err), "damaged",
			    numbers[i].name);
		free(text);
		free(copy);
		json_decref(jwk);
	}
}
END_TEST

/* A modulus whose bits are all ones has small factors. It is refused as damaged
 * only if its length is right. */
START_TEST(length_of_the_rsa_modulus_is_checked)
{
	static const struct {
		size_t bytes;
		const char *hint;
	} sizes[] = {
		{ 255, "2048 to 8192 bits, not 2040" },
		{ 256, "damaged" },
		{ 1024, "damaged" },
		{ 1025, "\"n\" of this JWK" },
	};
	char n[1400], text[1500];

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		uint8_t bytes[1025];
		struct err err;

		memset(bytes, 0xff, sizeof(bytes));
		base64url_encode(bytes, sizes[i].bytes, n);
		n[BASE64URL_LEN(sizes[i].bytes)] = '\0';
		(void)snprintf(text, sizeof(text),
			       "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}",
			       n);
		assert_hint(refusal(text, JWS_NONE, &err), sizes[i].hint, "n");
	}
}
END_TEST

/* An RSA key whose modulus is `bits` ones. Making it takes no time. */
static char *
pem_of_ones(int bits, size_t *n)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *modulus = BN_new(), *e = BN_new();
	EVP_PKEY *pkey = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	OSSL_PARAM *params;
	char *text, *copy;

	ck_assert_int_eq(BN_set_bit(modulus, bits), 1);
	ck_assert_int_eq(BN_sub_word(modulus, 1), 1);
	ck_assert_int_eq(BN_set_word(e, 65537), 1);
	ck_assert(OSSL_PARAM_BLD_push_BN(build, "n", modulus) == 1 &&
		  OSSL_PARAM_BLD_push_BN(build, "e", e) == 1);
	params = OSSL_PARAM_BLD_to_param(build);
	ck_assert(EVP_PKEY_fromdata_init(c) == 1 &&
		  EVP_PKEY_fromdata(c, &pkey, EVP_PKEY_PUBLIC_KEY, params) ==
		      1);
	ck_assert_int_eq(PEM_write_bio_PUBKEY(bio, pkey), 1);
	*n = (size_t)BIO_get_mem_data(bio, &text);
	copy = malloc(*n);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, *n);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	BN_free(modulus);
	BN_free(e);
	return copy;
}

START_TEST(length_of_the_rsa_modulus_in_pem_is_checked)
{
	static const struct {
		int bits;
		const char *hint;
	} sizes[] = {
		{ 2047, "2048 to 8192 bits, not 2047" },
		{ 2048, "damaged" },
		{ 8192, "damaged" },
		{ 8193, "2048 to 8192 bits, not 8193" },
		{ 16384, "2048 to 8192 bits, not 16384" },
	};

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct jwk *key = NULL;
		struct err err;
		size_t n;
		char *pem = pem_of_ones(sizes[i].bits, &n);

		ck_assert_int_eq(jwk_from_pem((struct str){ .p = pem, .n = n },
					      JWS_NONE, &key, &err),
				 -1);
		assert_hint(err.msg, sizes[i].hint, "PEM");
		ck_assert_ptr_null(key);
		free(pem);
	}
}
END_TEST

#define A16 "aaaaaaaaaaaaaaaa"

static const struct {
	const char *bytes;
	enum jws_alg alg;
	const char *hint;
} secrets[] = {
	{ A16 A16, JWS_HS256, NULL },
	{ A16 A16, JWS_NONE, NULL },
	{ A16 "aaaaaaaaaaaaaaa", JWS_HS256, "32 to 1024 bytes" },
	{ A16 A16 "aaaaaaaaaaaaaaa", JWS_HS384, "48 to" },
	{ A16 A16 A16, JWS_HS384, NULL },
	{ A16 A16 A16 "aaaaaaaaaaaaaaa", JWS_HS512, "64 to" },
	{ A16 A16 A16 A16, JWS_HS512, NULL },
	{ "", JWS_HS256, "not 0" },
	{ A16 A16, JWS_ES256, "key pair" },
	{ "-----BEGIN PUBLIC KEY-----\n" A16 A16, JWS_HS256, "looks like" },
	{ "\n  -----BEGIN PUBLIC KEY-----\n" A16, JWS_HS256, "looks like" },
	{ "-----BEGIN OPENSSH PRIVATE KEY-----", JWS_HS256, "looks like" },
	{ "ssh-rsa AAAAB3NzaC1yc2E" A16 A16, JWS_HS256, "looks like" },
	{ "ssh-ed25519 AAAAC3NzaC1" A16 A16, JWS_HS256, "looks like" },
	{ "ecdsa-sha2-nistp256 AAA" A16 A16, JWS_HS256, "looks like" },
	{ "{\"kty\":\"RSA\"}" A16 A16, JWS_HS256, "looks like" },
	{ " {\"keys\":[]}" A16 A16, JWS_HS256, "looks like" },
	{ "{\xff" A16 A16, JWS_HS256, NULL }, /* random bytes are not JSON */
};

START_TEST(secrets_are_checked)
{
	struct jwk *key = NULL;
	struct err err = { .msg = "" };
	char what[16];
	int rc = jwk_from_secret(str_from(secrets[_i].bytes), secrets[_i].alg,
				 &key, &err);

	(void)snprintf(what, sizeof(what), "row %d", _i);
	assert_hint(rc == 0 ? NULL : err.msg, secrets[_i].hint, what);
	ck_assert_int_eq(key != NULL, rc == 0);
	jwk_free(key);
}
END_TEST

START_TEST(length_of_secrets_is_bounded)
{
	static const char bytes[JWK_SECRET_MAX + 1] = "x";
	struct jwk *key;
	struct err err;

	ck_assert_int_eq(jwk_from_secret((struct str){ bytes, JWK_SECRET_MAX },
					 JWS_HS256, &key, &err),
			 0);
	ck_assert(secret_equal(key->secret,
			       (struct str){ bytes, JWK_SECRET_MAX }));
	jwk_free(key);
	ck_assert_int_eq(jwk_from_secret((struct str){ bytes, sizeof(bytes) },
					 JWS_HS256, &key, &err),
			 -1);
}
END_TEST

START_TEST(kind_of_a_key_follows_from_its_content)
{
	struct jwk *key;
	struct err err = { .msg = "" };

	ck_assert_int_eq(jwk_from_bytes(str_from(test_keys[0]), JWS_NONE, &key,
					&err),
			 0);
	ck_assert_int_eq(key->alg, JWS_HS256);
	jwk_free(key);
	ck_assert_int_eq(jwk_from_bytes(STR(A16 A16), JWS_HS256, &key, &err),
			 0);
	jwk_free(key);
	ck_assert_int_eq(jwk_from_bytes(STR(A16 A16), JWS_NONE, &key, &err),
			 -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "neither PEM nor JWK"));
	ck_assert_int_eq(jwk_from_bytes(STR(A16 A16), JWS_RS256, &key, &err),
			 -1);
	ck_assert_int_eq(jwk_generate(JWS_NONE, &key, &err), -1);
}
END_TEST

START_TEST(too_large_key_files_are_refused)
{
	char *text = malloc(JWK_FILE_MAX + 1);
	struct str s = { .p = text, .n = JWK_FILE_MAX + 1 };
	struct jwk *key;
	struct err err;

	ck_assert_ptr_nonnull(text);
	memset(text, ' ', s.n);
	ck_assert_int_eq(jwk_from_json(s, JWS_NONE, &key, &err), -1);
	ck_assert_int_eq(jwk_from_pem(s, JWS_NONE, &key, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	free(text);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("jwk_refused");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, bad_jwks_are_refused, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(t, changed_jwks_are_refused, 0, ARRAY_LEN(changes));
	tcase_add_test(t, public_numbers_are_checked);
	tcase_add_test(t, length_of_the_rsa_modulus_is_checked);
	tcase_add_test(t, length_of_the_rsa_modulus_in_pem_is_checked);
	tcase_add_loop_test(t, secrets_are_checked, 0, ARRAY_LEN(secrets));
	tcase_add_test(t, length_of_secrets_is_bounded);
	tcase_add_test(t, kind_of_a_key_follows_from_its_content);
	tcase_add_test(t, too_large_key_files_are_refused);
	return run_case(t);
}
