/* SPDX-License-Identifier: MIT */
/* Signatures: the examples of the RFCs, each algorithm, and changed tokens. */
#include "crypto/jws.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/jws_oracle.h"
#include "tests/support/run.h"
#include "tests/support/tokens.h"
#include "tests/unit/crypto/jws_fixture.h"
#include "tests/unit/crypto/vectors/rfc_jws.h"

START_TEST(algorithms_have_names)
{
	static const char *const bad[] = { "",	     "none",	"None",
					   "HS25",   "HS2566",	"hs256",
					   "Hs256",  "HS256 ",	" HS256",
					   "ES256K", "Ed25519", "eddsa",
					   "EDDSA",  "RS1" };

	for (enum jws_alg alg = JWS_HS256; alg < JWS_ALGS; alg++) {
		ck_assert_str_eq(jws_alg_name(alg), jws_alg_names[alg - 1]);
		ck_assert_int_eq(jws_alg_from_name(str_from(jws_alg_name(alg))),
				 alg);
		ck_assert_int_eq(jws_alg_is_hmac(alg), alg <= JWS_HS512);
	}
	ck_assert_ptr_null(jws_alg_names[JWS_ALGS - 1]);
	ck_assert_str_eq(jws_alg_name(JWS_NONE), "");
	ck_assert(!jws_alg_is_hmac(JWS_NONE));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(jws_alg_from_name(str_from(bad[i])) == JWS_NONE,
			      "row %zu", i);
	ck_assert_int_eq(jws_alg_from_name(STR("HS256\0")), JWS_NONE);
}
END_TEST

static struct jwk *
rfc_key(const struct rfc_jws *row)
{
	struct jwk *key;
	struct err err = { .msg = "" };

	ck_assert_msg(jwk_from_json(str_from(row->jwk),
				    jws_alg_from_name(str_from(row->alg)), &key,
				    &err) == 0,
		      "%s: %s", row->where, err.msg);
	return key;
}

/* Each character of the token is changed to another one of the alphabet. */
static void
assert_every_change_is_bad(const struct jwk *key, struct str token)
{
	/* P-521 is slow and its tokens are long, so some characters are left
	 * out. */
	const size_t step = key->alg == JWS_ES512 ? 5 : 1;

	for (size_t i = 0; i < token.n; i += step) {
		struct str other =
		    flipped(token, i, token.p[i] == 'A' ? 'B' : 'A');

		if (token.p[i] == '.')
			continue;
		ck_assert_msg(verify_bytes(key, other) == JWS_BAD,
			      "the token is valid with byte %zu changed", i);
	}
}

START_TEST(rfc_signatures_are_valid)
{
	const struct rfc_jws *row = &rfc_jws[_i];
	struct str token = str_from(row->token);
	struct jwk *key = rfc_key(row);
	struct jws_parts parts;
	bool json;

	ck_assert_str_eq(key->kid, row->kid);
	ck_assert_msg(verify_bytes(key, token) == JWS_GOOD,
		      "%s: the signature is bad", row->where);
	/* libjwt reads only JSON, but the examples of RFC 7520 sign plain
	 * text. */
	json = !jws_alg_is_hmac(key->alg) ||
	       strcmp(row->where, "RFC 7515 A.1") == 0;
	ck_assert_msg((verify(key, token) == JWS_GOOD) == json,
		      "%s: wrong answer for JSON", row->where);
	ck_assert(jws_split(token, &parts));
	/* Some releases of libcrypto cannot copy the context of EdDSA. */
	if (key->alg != JWS_EDDSA)
		ck_assert_int_eq(key->verifier != NULL, key->pkey != NULL);
	assert_every_change_is_bad(key, token);
	jwk_free(key);
}
END_TEST

/* Only one signature is valid for RFC 8032 and for PKCS #1 version 1.5. */
START_TEST(rfc_signatures_are_reproduced)
{
	const struct rfc_jws *row = &rfc_jws[_i];
	struct jwk *key = rfc_key(row);
	struct str token, made;
	struct jws_parts parts;
	uint8_t header[128], payload[256];
	size_t nh, np;
	struct err err;

	token = str_from(row->token);
	ck_assert(jws_split(token, &parts));
	nh = parts.header.n * 3 / 4;
	np = parts.payload.n * 3 / 4;
	ck_assert(nh <= sizeof(header) && np <= sizeof(payload));
	ck_assert(base64url_decode(parts.header, header, nh));
	ck_assert(base64url_decode(parts.payload, payload, np));
	if (jws_alg_is_hmac(key->alg)) {
		jwk_free(key);
		return;
	}
	ck_assert_int_eq(jws_sign(key, (struct str){ (char *)header, nh },
				  (struct str){ (char *)payload, np }, arena,
				  &made, &err),
			 0);
	ck_assert_int_eq(verify(key, made), JWS_GOOD);
	if (key->alg == JWS_EDDSA || key->alg == JWS_RS256)
		ck_assert(str_eq(made, token));
	jwk_free(key);
}
END_TEST

/* A signature is valid for the key that made it and for no other key. */
START_TEST(only_the_right_key_verifies)
{
	const struct jwk *key = key_of((enum jws_alg)_i);
	struct str token, other;
	struct err err = { .msg = "" };

	ck_assert_msg(jws_sign(key, tokens_header(arena, key, NULL, NULL),
			       tokens_payload(arena, NULL, NULL), arena, &token,
			       &err) == 0,
		      "%s", err.msg);
	ck_assert_int_eq(verify(key, token), JWS_GOOD);
	ck_assert_int_eq(verify_bytes(key, token), JWS_GOOD);
	for (enum jws_alg alg = JWS_HS256; alg < JWS_ALGS; alg++) {
		ck_assert_int_eq(verify(key_of(alg), token) == JWS_GOOD,
				 alg == key->alg);
		ck_assert_int_eq(verify_bytes(key_of(alg), token) == JWS_GOOD,
				 alg == key->alg);
	}
	assert_every_change_is_bad(key, token);
	other = (struct str){ token.p, token.n - 1 };
	ck_assert_int_eq(verify(key, other), JWS_BAD);
	other.n = token.n - 4;
	ck_assert_int_eq(verify(key, other), JWS_BAD);
}
END_TEST

/* The token with n bytes of `fill` as its signature. */
static struct str
with_signature(struct str token, size_t n, int fill)
{
	uint8_t bytes[2048];
	struct jws_parts parts;
	char *p;

	ck_assert(jws_split(token, &parts) && n <= sizeof(bytes));
	memset(bytes, fill, n);
	p = arena_alloc(arena, parts.signed_text.n + 2 + BASE64URL_LEN(n));
	ck_assert_ptr_nonnull(p);
	memcpy(p, parts.signed_text.p, parts.signed_text.n);
	p[parts.signed_text.n] = '.';
	base64url_encode(bytes, n, p + parts.signed_text.n + 1);
	return str_from(p);
}

/* Signatures of CVE-2022-21449 (r = s = 0), and lengths of other keys. */
START_TEST(invented_signatures_are_bad)
{
	static const size_t sizes[] = { 1,   31,  32,  33,  48,	  63,  64,
					65,  95,  96,  97,  131,  132, 133,
					255, 256, 257, 512, 1024, 1025 };
	static const int fills[] = { 0, 1, 0x7f, 0xff };
	const struct jwk *key = key_of((enum jws_alg)_i);
	struct str token =
	    tokens_sign(arena, key, tokens_header(arena, key, NULL, NULL),
			tokens_payload(arena, NULL, NULL));

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		for (size_t k = 0; k < ARRAY_LEN(fills); k++) {
			struct str t =
			    with_signature(token, sizes[i], fills[k]);

			ck_assert_msg(verify(key, t) == JWS_BAD &&
					  verify_bytes(key, t) == JWS_BAD,
				      "a signature of %zu bytes %d is valid",
				      sizes[i], fills[k]);
		}
	}
}
END_TEST

/* RFC 7518 section 3.5: the salt must be as long as the digest. */
START_TEST(pss_salt_is_as_long_as_the_digest)
{
	static const struct {
		int salt;
		enum jws_answer answer;
	} rows[] = { { 32, JWS_GOOD },
		     { 0, JWS_BAD },
		     { 20, JWS_BAD },
		     { 31, JWS_BAD },
		     { 33, JWS_BAD },
		     { 64, JWS_BAD },
		     { RSA_PSS_SALTLEN_MAX, JWS_BAD } };
	const struct jwk *key = key_of(JWS_PS256);
	struct str text = STR("e30.e30");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		EVP_MD_CTX *m = EVP_MD_CTX_new();
		EVP_PKEY_CTX *c;
		uint8_t sig[256];
		size_t n = sizeof(sig);
		char token[512];

		ck_assert(
		    EVP_DigestSignInit(m, &c, key->md, NULL, key->pkey) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) >
			0 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(c, rows[i].salt) > 0 &&
		    EVP_DigestSign(m, sig, &n, (const uint8_t *)text.p,
				   text.n) == 1);
		EVP_MD_CTX_free(m);
		(void)snprintf(token, sizeof(token), "%s.", text.p);
		memset(token + text.n + 1, 0, BASE64URL_LEN(256) + 1);
		base64url_encode(sig, n, token + text.n + 1);
		ck_assert_msg(verify(key, str_from(token)) == rows[i].answer,
			      "wrong answer for a salt of %d bytes",
			      rows[i].salt);
	}
}
END_TEST

static const struct str shapeless[] = {
	{ "", 0 },	  { ".", 1 },	  { "..", 2 },	     { "...", 3 },
	{ "a.b", 3 },	  { "a..c", 4 },  { ".b.c", 4 },     { "a.b.", 4 },
	{ "a.b.c.d", 7 }, { "abc", 3 },	  { "a.b.c\0d", 7 }, { "\0.b.c", 5 },
	{ "=.=.=", 5 },	  { "!.!.!", 5 }, { NULL, 0 },
};

START_TEST(malformed_tokens_are_bad)
{
	for (enum jws_alg alg = JWS_HS256; alg < JWS_ALGS; alg++) {
		ck_assert_int_eq(verify(key_of(alg), shapeless[_i]), JWS_BAD);
		ck_assert_int_eq(verify_bytes(key_of(alg), shapeless[_i]),
				 JWS_BAD);
	}
}
END_TEST

/* libjwt would copy so long a text to the stack. */
START_TEST(too_long_tokens_are_bad)
{
	const size_t n = (size_t)16 * 1024 * 1024;
	char *p = malloc(n);
	struct str out = STR("kept");
	struct err err;

	ck_assert_ptr_nonnull(p);
	memset(p, 'A', n);
	p[4] = '.';
	p[n - 4] = '.';
	ck_assert_int_eq(verify(key_of(JWS_HS256), (struct str){ p, n }),
			 JWS_BAD);
	ck_assert_int_eq(verify(key_of(JWS_EDDSA), (struct str){ p, n }),
			 JWS_BAD);
	ck_assert_int_eq(jws_sign(key_of(JWS_HS256), STR("{}"),
				  (struct str){ p, n }, arena, &out, &err),
			 -1);
	ck_assert_int_eq(err.code, ERR_LIMIT);
	ck_assert(str_eq(out, STR("kept")));
	free(p);
}
END_TEST

/* Verifies the tokens of all keys in one of four threads. */
static void *
verify_often(void *arg)
{
	const struct str *token = arg;
	struct arena *a = arena_new(ARENA_BYTES);
	uintptr_t good = 0;

	for (int i = 0; i < 200 && a != NULL; i++) {
		enum jws_answer answer = JWS_BAD;
		struct err err;

		for (enum jws_alg alg = JWS_HS256; alg < JWS_ALGS; alg++) {
			if (jws_verify(key_of(alg), token[alg], a, &answer,
				       &err) == 0 &&
			    answer == JWS_GOOD)
				good++;
		}
		arena_reset(a);
	}
	arena_free(a);
	return (void *)good;
}

START_TEST(threads_share_a_key)
{
	struct str token[JWS_ALGS];
	pthread_t threads[4];

	for (enum jws_alg alg = JWS_HS256; alg < JWS_ALGS; alg++)
		token[alg] =
		    tokens_sign(arena, key_of(alg),
				tokens_header(arena, key_of(alg), NULL, NULL),
				tokens_payload(arena, NULL, NULL));
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, verify_often,
						token),
				 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *good;

		ck_assert_int_eq(pthread_join(threads[i], &good), 0);
		ck_assert_uint_eq((uintptr_t)good, 200 * (JWS_ALGS - 1));
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("jws");

	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_add_test(t, algorithms_have_names);
	tcase_add_loop_test(t, rfc_signatures_are_valid, 0, ARRAY_LEN(rfc_jws));
	tcase_add_loop_test(t, rfc_signatures_are_reproduced, 0,
			    ARRAY_LEN(rfc_jws));
	tcase_add_loop_test(t, only_the_right_key_verifies, JWS_HS256,
			    JWS_ALGS);
	tcase_add_loop_test(t, invented_signatures_are_bad, JWS_HS256,
			    JWS_ALGS);
	tcase_add_test(t, pss_salt_is_as_long_as_the_digest);
	tcase_add_loop_test(t, malformed_tokens_are_bad, 0,
			    ARRAY_LEN(shapeless));
	tcase_add_test(t, too_long_tokens_are_bad);
	tcase_add_test(t, threads_share_a_key);
	return run_case(t);
}
