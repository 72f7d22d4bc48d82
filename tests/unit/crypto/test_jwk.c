/* SPDX-License-Identifier: MIT */
/* Keys: thumbprints, reading and writing PEM and JWK, refused keys. */
#include "crypto/jwk.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "tests/support/run.h"
#include "tests/support/tokens.h"
#include "tests/unit/crypto/vectors/rfc_jws.h"
#include "tests/unit/crypto/vectors/test_keys.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

static struct arena *arena;

static void
setup(void)
{
	ck_assert_int_eq(crypto_init(), 0);
	arena = arena_new(ARENA_BYTES);
	ck_assert_ptr_nonnull(arena);
}

static void
teardown(void)
{
	arena_free(arena);
}

static struct jwk *
from_json(const char *json, enum jws_alg alg)
{
	struct jwk *key;
	struct err err = { .msg = "" };

	ck_assert_msg(jwk_from_json(str_from(json), alg, &key, &err) == 0, "%s",
		      err.msg);
	return key;
}

START_TEST(thumbprints_match_the_rfcs)
{
	struct jwk *key = from_json(rfc7638_jwk, JWS_NONE);

	ck_assert_str_eq(key->kid, rfc7638_kid);
	ck_assert(!key->can_sign);
	ck_assert_int_eq(key->alg, JWS_RS256);
	jwk_free(key);
	key = from_json(rfc_jws[ARRAY_LEN(rfc_jws) - 1].jwk, JWS_NONE);
	ck_assert_str_eq(key->kid, rfc8037_kid);
	ck_assert_int_eq(key->alg, JWS_EDDSA);
	ck_assert(key->can_sign);
	jwk_free(key);
	jwk_free(NULL);
}
END_TEST

/* A key is the same after it was written as PEM or as JWK and read back. */
START_TEST(written_key_is_read_back)
{
	struct jwk *key = from_json(test_keys[_i - 1], JWS_NONE), *again;
	const enum jws_alg alg = key->alg;
	struct err err = { .msg = "" };
	struct str bytes;
	json_t *public;
	char *text;

	ck_assert_int_eq(alg, _i);
	ck_assert(key->can_sign);
	ck_assert_int_eq(jwk_private_bytes(key, arena, &bytes, &err), 0);
	ck_assert_msg(jwk_from_bytes(bytes, alg, &again, &err) == 0, "%s",
		      err.msg);
	ck_assert_str_eq(again->kid, key->kid);
	ck_assert(again->can_sign);
	jwk_free(again);

	public = jwk_public_json(key);
	if (jws_alg_is_hmac(alg)) {
		ck_assert_ptr_null(public);
		jwk_free(key);
		return;
	}
	text = json_dumps(public, 0);
	again = from_json(text, JWS_NONE);
	ck_assert_str_eq(again->kid, key->kid);
	ck_assert_int_eq(again->alg, alg);
	ck_assert(!again->can_sign);
	ck_assert_int_eq(jwk_private_bytes(again, arena, &bytes, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	jwk_free(again);
	free(text);
	json_decref(public);
	jwk_free(key);
}
END_TEST

START_TEST(public_jwk_has_public_members_only)
{
	static const char *const never[] = { "d",  "p", "q",   "dp", "dq",
					     "qi", "k", "oth", "r",  "t" };
	static const char *const always[] = { "kty", "use", "alg", "kid" };
	struct jwk *key = from_json(test_keys[_i - 1], JWS_NONE);
	json_t *public = jwk_public_json(key);

	ck_assert_ptr_nonnull(public);
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		ck_assert_ptr_null(json_object_get(public, never[i]));
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		ck_assert(json_is_string(json_object_get(public, always[i])));
	ck_assert_str_eq(json_string_value(json_object_get(public, "use")),
			 "sig");
	ck_assert_str_eq(json_string_value(json_object_get(public, "kid")),
			 key->kid);
	ck_assert_uint_le(json_object_size(public), 7);
	json_decref(public);
	jwk_free(key);
}
END_TEST

START_TEST(keys_are_generated)
{
	struct jwk *one, *two;
	struct err err = { .msg = "" };

	ck_assert_msg(jwk_generate((enum jws_alg)_i, &one, &err) == 0, "%s",
		      err.msg);
	ck_assert_int_eq(one->alg, _i);
	ck_assert(one->can_sign);
	ck_assert_uint_eq(strlen(one->kid), JWK_KID_CHARS);
	if (one->pkey != NULL && EVP_PKEY_is_a(one->pkey, "RSA")) {
		ck_assert_int_eq(EVP_PKEY_get_bits(one->pkey), 3072);
		jwk_free(one);
		return;
	}
	ck_assert_int_eq(jwk_generate((enum jws_alg)_i, &two, &err), 0);
	ck_assert_str_ne(one->kid, two->kid);
	jwk_free(one);
	jwk_free(two);
}
END_TEST

/* The kinds of PEM that libcrypto writes. */
enum pem_kind {
	PEM_PKCS8,
	PEM_TRADITIONAL,
	PEM_PUBLIC,
	PEM_ENCRYPTED,
	PEM_OLD_ENCRYPTED
};

static struct str
pem_of(EVP_PKEY *pkey, enum pem_kind kind)
{
	const EVP_CIPHER *aes = EVP_aes_128_cbc();
	BIO *bio = BIO_new(BIO_s_mem());
	struct str s;
	char *p;
	int rc = 0;
	long n;

	ck_assert(pkey != NULL && bio != NULL);
	switch (kind) {
	case PEM_PKCS8:
		rc = PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0,
						   NULL, NULL);
		break;
	case PEM_TRADITIONAL:
		rc = PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL,
							  0, NULL, NULL);
		break;
	case PEM_PUBLIC:
		rc = PEM_write_bio_PUBKEY(bio, pkey);
		break;
	case PEM_ENCRYPTED:
		rc = PEM_write_bio_PKCS8PrivateKey(bio, pkey, aes, "secret", 6,
						   NULL, NULL);
		break;
	case PEM_OLD_ENCRYPTED:
		rc = PEM_write_bio_PrivateKey_traditional(
		    bio, pkey, aes, (unsigned char *)(uintptr_t) "secret", 6,
		    NULL, NULL);
		break;
	}
	ck_assert_int_eq(rc, 1);
	n = BIO_get_mem_data(bio, &p);
	ck_assert_int_eq(arena_copy(arena, (struct str){ p, (size_t)n }, &s),
			 0);
	BIO_free(bio);
	return s;
}

/* Writes the PEM of a key, and frees the key. */
static struct str
pem_once(EVP_PKEY *pkey, enum pem_kind kind)
{
	struct str s = pem_of(pkey, kind);

	EVP_PKEY_free(pkey);
	return s;
}

static void
assert_refused(struct str bytes, enum jws_alg alg, const char *hint)
{
	struct jwk *key = NULL;
	struct err err = { .msg = "" };

	ck_assert_msg(jwk_from_bytes(bytes, alg, &key, &err) == -1,
		      "expected the refusal \"%s\" for %.*s", hint,
		      STR_ARG(bytes));
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, hint) != NULL,
		      "the refusal is \"%s\", not \"%s\"", err.msg, hint);
	ck_assert_ptr_null(key);
}

static struct str
join(struct str one, struct str two)
{
	char *p = arena_alloc(arena, one.n + two.n + 1);

	ck_assert_ptr_nonnull(p);
	memcpy(p, one.p, one.n);
	memcpy(p + one.n, two.p, two.n);
	return (struct str){ p, one.n + two.n };
}

START_TEST(kinds_of_pem_are_read)
{
	static const struct {
		enum jws_alg alg, by_itself;
	} rows[] = {
		{ JWS_PS256, JWS_RS256 },
		{ JWS_ES256, JWS_ES256 },
		{ JWS_ES384, JWS_ES384 },
		{ JWS_ES512, JWS_ES512 },
	};
	struct jwk *key = from_json(test_keys[rows[_i].alg - 1], JWS_NONE);
	struct err err = { .msg = "" };

	for (enum pem_kind kind = PEM_PKCS8; kind <= PEM_PUBLIC; kind++) {
		struct str pem = pem_of(key->pkey, kind);
		struct jwk *got;

		ck_assert_msg(jwk_from_pem(pem, rows[_i].alg, &got, &err) == 0,
			      "%s", err.msg);
		ck_assert_int_eq(got->alg, rows[_i].alg);
		ck_assert_int_eq(got->can_sign, kind != PEM_PUBLIC);
		ck_assert_str_eq(got->kid, key->kid);
		jwk_free(got);
		ck_assert_int_eq(jwk_from_bytes(pem, JWS_NONE, &got, &err), 0);
		ck_assert_int_eq(got->alg, rows[_i].by_itself);
		jwk_free(got);
		/* RFC 7468 section 2 allows text around a PEM block. */
		ck_assert_int_eq(jwk_from_pem(join(STR("Key Attributes\n"),
						   pem),
					      JWS_NONE, &got, &err),
				 0);
		jwk_free(got);
		assert_refused(join(pem, pem), JWS_NONE, "more than one");
		assert_refused(pem, JWS_HS256, "cannot be used for HS256");
		assert_refused(pem, JWS_EDDSA, "cannot be used for EdDSA");
	}
	jwk_free(key);
}
END_TEST

START_TEST(ec_parameters_are_skipped)
{
	struct str parameters = STR("-----BEGIN EC PARAMETERS-----\n"
				    "BggqhkjOPQMBBw==\n"
				    "-----END EC PARAMETERS-----\n");
	struct jwk *key = from_json(test_keys[JWS_ES256 - 1], JWS_NONE), *got;
	struct str pem = pem_of(key->pkey, PEM_TRADITIONAL);
	struct err err;

	ck_assert_int_eq(jwk_from_pem(join(parameters, pem), JWS_NONE, &got,
				      &err),
			 0);
	ck_assert_str_eq(got->kid, key->kid);
	jwk_free(got);
	assert_refused(parameters, JWS_NONE, "this PEM has no key");
	jwk_free(key);
}
END_TEST

/* An encrypted key is refused and no pass phrase is asked for: the test would
 * wait for one. */
START_TEST(encrypted_pem_is_refused)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");

	assert_refused(pem_of(pkey, PEM_ENCRYPTED), JWS_NONE, "encrypted");
	assert_refused(pem_of(pkey, PEM_OLD_ENCRYPTED), JWS_NONE, "encrypted");
	EVP_PKEY_free(pkey);
}
END_TEST

static EVP_PKEY *
explicit_curve(void)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");

	ck_assert_int_eq(EVP_PKEY_set_utf8_string_param(
			     pkey, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"),
			 1);
	return pkey;
}

static EVP_PKEY *
rsa_with_exponent(const char *e)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *pkey = NULL;
	BIGNUM *bn = NULL;

	ck_assert_int_gt(BN_hex2bn(&bn, e), 0);
	ck_assert_int_eq(EVP_PKEY_keygen_init(c), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_keygen_bits(c, 2048), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(c, bn), 1);
	ck_assert_int_eq(EVP_PKEY_generate(c, &pkey), 1);
	EVP_PKEY_CTX_free(c);
	BN_free(bn);
	return pkey;
}

START_TEST(unsupported_keys_are_refused)
{
	struct jwk *got;
	struct err err = { .msg = "" };
	const char *no = "a key must be RSA, P-256";

	assert_refused(pem_once(EVP_RSA_gen(1024), PEM_PKCS8), JWS_NONE,
		       "2048 to 8192 bits, not 1024");
	assert_refused(pem_once(EVP_RSA_gen(2040), PEM_PUBLIC), JWS_NONE,
		       "not 2040");
	assert_refused(pem_once(EVP_EC_gen("secp256k1"), PEM_PKCS8), JWS_NONE,
		       no);
	assert_refused(pem_once(EVP_EC_gen("P-224"), PEM_PKCS8), JWS_NONE, no);
	assert_refused(pem_once(explicit_curve(), PEM_PKCS8), JWS_NONE, no);
	assert_refused(pem_once(explicit_curve(), PEM_PUBLIC), JWS_NONE, no);
	assert_refused(pem_once(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"),
				PEM_PKCS8),
		       JWS_NONE, no);
	assert_refused(pem_once(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"),
				PEM_PKCS8),
		       JWS_NONE, no);
	assert_refused(pem_once(EVP_EC_gen("P-384"), PEM_PKCS8), JWS_ES256,
		       "a key on P-384 cannot be used for ES256");
	assert_refused(pem_once(rsa_with_exponent("1000000000000000000001"),
				PEM_PKCS8),
		       JWS_NONE, "public exponent");
	ck_assert_msg(jwk_from_pem(pem_once(rsa_with_exponent("3"), PEM_PUBLIC),
				   JWS_RS512, &got, &err) == 0,
		      "%s", err.msg);
	jwk_free(got);
}
END_TEST

/* The key of RFC 8037 appendix A.2, and the same key with one more byte. */
#define ED25519 "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define ED25519_AND_MORE                                                       \
	"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURoA"

static const struct {
	const char *pem, *hint; /* NULL: the key is accepted */
} no_pem[] = {
	{ "", "no PEM block" },
	{ "-----BEGIN", "no PEM block" },
	{ "-----BEGIN PRIVATE KEY-----\n", "no PEM block" },
	{ "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
	  "no PEM block" },
	{ "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	  "damaged" },
	{ "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
	  "damaged" },
	{ "-----BEGIN RSA PRIVATE KEY-----\nMAA=\n"
	  "-----END RSA PRIVATE KEY-----\n",
	  "damaged" },
	{ "-----BEGIN EC PRIVATE KEY-----\nMAA=\n"
	  "-----END EC PRIVATE KEY-----\n",
	  "damaged" },
	{ "-----BEGIN PUBLIC KEY-----\n" ED25519 "\n"
	  "-----END PUBLIC KEY-----\n",
	  NULL },
	{ "-----BEGIN PUBLIC KEY-----\n" ED25519_AND_MORE "\n"
	  "-----END PUBLIC KEY-----\n",
	  "damaged" },
	{ "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
	  "CERTIFICATE" },
	{ "-----BEGIN RSA PUBLIC KEY-----\nMAA=\n"
	  "-----END RSA PUBLIC KEY-----\n",
	  "RSA PUBLIC KEY" },
	{ "-----BEGIN OPENSSH PRIVATE KEY-----\nMAA=\n"
	  "-----END OPENSSH PRIVATE KEY-----\n",
	  "OPENSSH PRIVATE KEY" },
	{ "-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n",
	  "no PEM block" },
};

START_TEST(malformed_pem_is_refused)
{
	struct jwk *key = NULL;
	struct err err = { .msg = "" };
	int rc = jwk_from_pem(str_from(no_pem[_i].pem), JWS_NONE, &key, &err);

	if (no_pem[_i].hint == NULL) {
		ck_assert_msg(rc == 0, "row %d: %s", _i, err.msg);
		jwk_free(key);
		return;
	}
	ck_assert_int_eq(rc, -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, no_pem[_i].hint) != NULL, "row %d: %s",
		      _i, err.msg);
}
END_TEST

/* A PEM that is cut off is refused. A PEM with a changed byte of its DER is
 * refused, or gives the same key. */
START_TEST(damaged_pem_is_refused)
{
	struct jwk *key = from_json(test_keys[_i - 1], JWS_NONE), *got;
	struct str pem = pem_of(key->pkey, PEM_PKCS8);
	char text[8192];
	struct err err;

	for (size_t n = 0; n + 1 < pem.n; n++) {
		ck_assert_int_eq(jwk_from_pem((struct str){ pem.p, n },
					      JWS_NONE, &got, &err),
				 -1);
	}
	for (size_t i = 28; i < pem.n - 26; i++) {
		memcpy(text, pem.p, pem.n);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		if (pem.p[i] == '\n' || pem.p[i] == '=' ||
		    jwk_from_pem((struct str){ text, pem.n }, JWS_NONE, &got,
				 &err) != 0)
			continue;
		/* Ed25519 keys have no redundancy: another secret is another
		 * key. */
		ck_assert_msg(key->alg == JWS_EDDSA ||
				  strcmp(got->kid, key->kid) == 0,
			      "another key with byte %zu changed", i);
		jwk_free(got);
	}
	jwk_free(key);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("jwk");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, thumbprints_match_the_rfcs);
	tcase_add_loop_test(t, written_key_is_read_back, JWS_HS256, JWS_ALGS);
	tcase_add_loop_test(t, public_jwk_has_public_members_only, JWS_RS256,
			    JWS_ALGS);
	tcase_add_loop_test(t, keys_are_generated, JWS_HS256, JWS_RS384);
	tcase_add_loop_test(t, keys_are_generated, JWS_ES256, JWS_ALGS);
	tcase_add_loop_test(t, kinds_of_pem_are_read, 0, 4);
	tcase_add_test(t, ec_parameters_are_skipped);
	tcase_add_test(t, encrypted_pem_is_refused);
	tcase_add_test(t, unsupported_keys_are_refused);
	tcase_add_loop_test(t, malformed_pem_is_refused, 0, ARRAY_LEN(no_pem));
	tcase_add_loop_test(t, damaged_pem_is_refused, JWS_ES256, JWS_ALGS);
	return run_case(t);
}
