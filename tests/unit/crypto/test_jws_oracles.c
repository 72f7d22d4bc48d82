/* SPDX-License-Identifier: MIT */
/* Signatures compared between two implementations, libjwt and libcrypto. */
#include "crypto/jws.h"

#include <jwt.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/jws_oracle.h"
#include "tests/support/run.h"
#include "tests/support/tokens.h"
#include "tests/unit/crypto/jws_fixture.h"

/* libjwt takes the algorithm from the token, but that of the key must count. */
START_TEST(alg_of_the_token_is_not_trusted)
{
	static const char *const algs[] = { "HS256", "HS384", "HS512", "none",
					    "hs256", "RS256", "ES256" };
	const struct jwk *hmacs[] = { key_of(JWS_HS256), key_of(JWS_HS384),
				      key_of(JWS_HS512) };

	for (size_t k = 0; k < ARRAY_LEN(hmacs); k++) {
		struct jwk other = *hmacs[k];

		for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
			char add[32];
			struct str token;

			/* signed with the algorithm of the token and the secret
			 * of the key */
			other.alg = i < 3 ? (enum jws_alg)(i + 1) : other.alg;
			other.md = key_of(other.alg)->md;
			(void)snprintf(add, sizeof(add), "\"alg\":\"%s\"",
				       algs[i]);
			token = tokens_sign(arena, &other,
					    tokens_header(arena, hmacs[k],
							  "alg", add),
					    tokens_payload(arena, NULL, NULL));
			ck_assert_msg(
			    (verify(hmacs[k], token) == JWS_GOOD) == (i == k),
			    "wrong answer to key %zu with the alg of row %zu",
			    k, i);
		}
	}
}
END_TEST

/* The PEM or the secret of the key, as libjwt reads it. */
static struct str
private_text(const struct jwk *key)
{
	struct str s;
	struct err err;

	ck_assert_int_eq(jwk_private_bytes(key, arena, &s, &err), 0);
	return s;
}

static struct str
public_text(const struct jwk *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	struct str s = key->secret;
	long n;

	ck_assert_ptr_nonnull(bio);
	if (key->pkey != NULL) {
		ck_assert_int_eq(PEM_write_bio_PUBKEY(bio, key->pkey), 1);
		n = BIO_get_mem_data(bio, &p);
		ck_assert_int_eq(arena_copy(arena, (struct str){ p, (size_t)n },
					    &s),
				 0);
	}
	BIO_free(bio);
	return s;
}

static jwt_alg_t
libjwt_alg(enum jws_alg alg)
{
	return jwt_str_alg(jws_alg_name(alg));
}

static bool
libjwt_says(const struct jwk *key, struct str pem, struct str token)
{
	jwt_t *jwt = NULL;
	bool good;

	if (jwt_decode(&jwt, token.p, (const unsigned char *)pem.p,
		       (int)pem.n) != 0)
		return false;
	good = jwt_get_alg(jwt) == libjwt_alg(key->alg);
	jwt_free(jwt);
	return good;
}

static struct str
libjwt_signs(const struct jwk *key, struct str pem, const char *payload)
{
	jwt_t *jwt = NULL;
	struct str token;
	char *text;

	ck_assert_int_eq(jwt_new(&jwt), 0);
	ck_assert_int_eq(jwt_add_grants_json(jwt, payload), 0);
	ck_assert_int_eq(jwt_set_alg(jwt, libjwt_alg(key->alg),
				     (const unsigned char *)pem.p, (int)pem.n),
			 0);
	text = jwt_encode_str(jwt);
	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(arena_copy(arena, str_from(text), &token), 0);
	free(text);
	jwt_free(jwt);
	return token;
}

static const enum jws_alg both[] = { JWS_HS256, JWS_HS384, JWS_HS512,
				     JWS_RS256, JWS_RS384, JWS_RS512,
				     JWS_ES256, JWS_ES384, JWS_ES512 };

/*
 * libjwt and libcrypto give the same answer on random tokens of both, whole and
 * with one character changed. The base64 reader of libjwt accepts more than
 * ours, so changes stay within the alphabet and leave out the last character of
 * a part, whose lowest bits that reader drops.
 */
START_TEST(oracles_agree)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijk"
				       "lmnopqrstuvwxyz0123456789-_";
	const struct jwk *key = key_of(both[_i]);
	struct str private = private_text(key), public = public_text(key);
	uint64_t bits = 88172645463325252ULL + (uint64_t)_i;
	struct jws_parts parts;

	for (int round = 0; round < 40; round++) {
		char payload[64];
		struct str theirs, ours;

		(void)snprintf(payload, sizeof(payload),
			       "{\"n\":%d,\"s\":\"%d\"}", round * 7919, round);
		theirs = libjwt_signs(key, private, payload);
		ck_assert(jws_split(theirs, &parts));
		ck_assert_int_eq(verify_bytes(key, theirs), JWS_GOOD);
		ours = tokens_sign(arena, key,
				   tokens_header(arena, key, "typ", NULL),
				   str_from(payload));
		ours = (struct str){ arena_cstr(arena, ours), ours.n };
		ck_assert(libjwt_says(key, public, ours));
		for (int change = 0; change < 20; change++) {
			struct str from = change % 2 == 0 ? theirs : ours, t;
			size_t at;

			bits ^= bits << 13;
			bits ^= bits >> 7;
			bits ^= bits << 17;
			at = (bits >> 8) % (from.n - 1);
			if (from.p[at] == '.' || from.p[at + 1] == '.')
				continue;
			t = flipped(from, at, alphabet[bits & 63]);
			ck_assert_msg(libjwt_says(key, public, t) ==
					  (verify_bytes(key, t) == JWS_GOOD),
				      "round %d: the answers differ for %s",
				      round, t.p);
		}
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("jws_oracles");

	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_add_test(t, alg_of_the_token_is_not_trusted);
	tcase_add_loop_test(t, oracles_agree, 0, ARRAY_LEN(both));
	return run_case(t);
}
