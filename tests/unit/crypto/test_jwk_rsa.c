/* SPDX-License-Identifier: MIT */
/* The private numbers of RSA keys: they must belong together and make valid
 * signatures, and an import tests their primes. */
#include "tests/support/run.h"

#include <check.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/enc.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/jwk.h"
#include "tests/support/tokens.h"

#define FACTOR_BITS 1024

enum number { N, E, D, P, Q, DP, DQ, QI, NUMBERS };

static const char *const names[NUMBERS] = { "n", "e",  "d",  "p",
					    "q", "dp", "dq", "qi" };

static struct arena *arena;
static BN_CTX *scratch;

static void
setup(void)
{
	ck_assert_int_eq(crypto_init(), 0);
	arena = arena_new(1 << 20);
	scratch = BN_CTX_new();
	ck_assert(arena != NULL && scratch != NULL);
}

static void
teardown(void)
{
	BN_CTX_free(scratch);
	arena_free(arena);
}

static void
numbers_free(BIGNUM *v[NUMBERS])
{
	for (size_t i = 0; i < NUMBERS; i++)
		BN_free(v[i]);
}

/* Computes all numbers from the factors, as if these were prime. Takes over the
 * factors. Returns false when e has no inverse. */
static bool
numbers_of(BIGNUM *p, BIGNUM *q, BIGNUM *v[NUMBERS])
{
	BIGNUM *p1 = BN_dup(p), *q1 = BN_dup(q), *all = BN_new();
	bool ok;

	for (size_t i = 0; i < NUMBERS; i++)
		v[i] = i == P ? p : i == Q ? q : BN_new();
	ok = BN_sub_word(p1, 1) == 1 && BN_sub_word(q1, 1) == 1 &&
	     BN_mul(all, p1, q1, scratch) == 1 &&
	     BN_mul(v[N], p, q, scratch) == 1 &&
	     BN_set_word(v[E], 65537) == 1 &&
	     BN_mod_inverse(v[D], v[E], all, scratch) != NULL &&
	     BN_mod(v[DP], v[D], p1, scratch) == 1 &&
	     BN_mod(v[DQ], v[D], q1, scratch) == 1 &&
	     BN_mod_inverse(v[QI], q, p, scratch) != NULL;
	BN_free(p1);
	BN_free(q1);
	BN_free(all);
	return ok;
}

static BIGNUM *
prime(int bits)
{
	BIGNUM *p = BN_new();

	ck_assert_int_eq(BN_generate_prime_ex(p, bits, 0, NULL, NULL, NULL), 1);
	return p;
}

/* A number of two primes, of FACTOR_BITS, of which the two highest are set, as
 * in a prime: the product of two such numbers has twice as many bits. */
static BIGNUM *
composite(void)
{
	BIGNUM *product = BN_new();

	while (BN_is_bit_set(product, FACTOR_BITS - 2) == 0) {
		BIGNUM *a = prime(FACTOR_BITS / 2), *b = prime(FACTOR_BITS / 2);

		ck_assert_int_eq(BN_mul(product, a, b, scratch), 1);
		BN_free(a);
		BN_free(b);
	}
	return product;
}

/* With this k, 6k + 1, 12k + 1 and 18k + 1 are prime: their product is a
 * Carmichael number, which is prime for every Fermat test. */
#define CARMICHAEL_K                                                           \
	"38974e200bc6eec468d67e2dd891ecdf5afde6939ffbc9dbf1"                   \
	"bf4ee72e96890a29878420814f953d52b56"

static BIGNUM *
carmichael(void)
{
	BIGNUM *k = NULL, *one = BN_new(), *product = BN_new();

	ck_assert_int_gt(BN_hex2bn(&k, CARMICHAEL_K), 0);
	ck_assert_int_eq(BN_one(product), 1);
	for (BN_ULONG i = 6; i <= 18; i += 6)
		ck_assert(BN_copy(one, k) != NULL && BN_mul_word(one, i) == 1 &&
			  BN_add_word(one, 1) == 1 &&
			  BN_mul(product, product, one, scratch) == 1);
	BN_free(k);
	BN_free(one);
	return product;
}

static struct str
json_of(BIGNUM *const v[NUMBERS])
{
	struct buf b;

	buf_init(&b, arena, 16 * 1024);
	buf_add_cstr(&b, "{\"kty\":\"RSA\"");
	for (size_t i = 0; i < NUMBERS; i++) {
		uint8_t bytes[1024];
		char text[BASE64URL_LEN(sizeof(bytes))];
		const size_t n = (size_t)BN_bn2bin(v[i], bytes);

		base64url_encode(bytes, n, text);
		buf_printf(&b, ",\"%s\":\"%.*s\"", names[i],
			   (int)BASE64URL_LEN(n), text);
	}
	buf_add_char(&b, '}');
	ck_assert(!buf_failed(&b));
	return buf_str(&b);
}

/* Makes a key; the result is NULL when it is refused as damaged. */
static struct jwk *
key_from(BIGNUM *const v[NUMBERS])
{
	struct jwk *key;
	struct err err;

	if (jwk_from_json(json_of(v), JWS_NONE, &key, &err) == 0)
		return key;
	ck_assert_msg(strstr(err.msg, "damaged") != NULL, "%s", err.msg);
	return NULL;
}

/* Makes a key of these factors, and sets *primes to whether the check of the
 * primes accepts it. */
static bool
is_accepted(BIGNUM *p, BIGNUM *q, bool *primes)
{
	BIGNUM *v[NUMBERS];
	struct jwk *key;
	struct err err;
	bool accepted;

	ck_assert(numbers_of(p, q, v));
	key = key_from(v);
	accepted = key != NULL;
	*primes = accepted && jwk_check_primes(key, &err) == 0;
	if (accepted && !*primes)
		ck_assert_msg(strstr(err.msg, "not prime") != NULL, "%s",
			      err.msg);
	jwk_free(key);
	numbers_free(v);
	return accepted;
}

/* A factor for which e has an inverse. */
static BIGNUM *
factor(BIGNUM *(*make)(void))
{
	for (;;) {
		BIGNUM *p = make(), *v[NUMBERS];
		bool good = numbers_of(p, prime(64), v);

		p = BN_dup(p);
		numbers_free(v);
		if (good)
			return p;
		BN_free(p);
	}
}

static BIGNUM *
whole_prime(void)
{
	return prime(FACTOR_BITS);
}

START_TEST(factors_must_be_prime)
{
	bool primes;

	ck_assert(is_accepted(factor(whole_prime), factor(whole_prime),
			      &primes));
	ck_assert(primes);
	/* The signature that is made for a trial is not valid. */
	ck_assert(!is_accepted(factor(composite), factor(whole_prime),
			       &primes));
	ck_assert(!is_accepted(factor(whole_prime), factor(composite),
			       &primes));
	/* Only the check of the primes detects a number that was chosen so. */
	ck_assert(is_accepted(carmichael(), factor(whole_prime), &primes));
	ck_assert(!primes);
	ck_assert(is_accepted(factor(whole_prime), carmichael(), &primes));
	ck_assert(!primes);
}
END_TEST

/* Each number is needed, and only one value of each is right. */
START_TEST(numbers_must_belong_together)
{
	static const struct {
		enum number changed, added; /* added N: the number 1 */
	} rows[] = {
		{ D, N },  { P, N },  { Q, N },	 { DP, N },
		{ DQ, N }, { QI, N }, { QI, P }, { DP, DQ },
	};
	BIGNUM *v[NUMBERS];
	struct jwk *key;

	ck_assert(numbers_of(factor(whole_prime), factor(whole_prime), v));
	key = key_from(v);
	ck_assert_ptr_nonnull(key);
	jwk_free(key);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		BIGNUM *one = v[rows[i].changed];
		BIGNUM *right = BN_dup(one);

		ck_assert_int_eq(rows[i].added == N ?
				     BN_add_word(one, 1) :
				     BN_add(one, one, v[rows[i].added]),
				 1);
		ck_assert_msg(key_from(v) == NULL, "row %zu", i);
		ck_assert_ptr_nonnull(BN_copy(one, right));
		BN_free(right);
	}
	/* dp plus p - 1 is the same exponent, but not the one of the key. */
	ck_assert(BN_add(v[DP], v[DP], v[P]) == 1 &&
		  BN_sub_word(v[DP], 1) == 1);
	ck_assert_ptr_null(key_from(v));
	numbers_free(v);
}
END_TEST

/* A key of three primes is checked as a whole when it is made. */
START_TEST(three_primes_are_accepted)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	struct jwk made = { .can_sign = true }, *key;
	struct str pem;
	struct err err;

	ck_assert(EVP_PKEY_keygen_init(c) == 1 &&
		  EVP_PKEY_CTX_set_rsa_keygen_bits(c, 2048) == 1 &&
		  EVP_PKEY_CTX_set_rsa_keygen_primes(c, 3) == 1 &&
		  EVP_PKEY_keygen(c, &made.pkey) == 1);
	ck_assert_int_eq(jwk_private_bytes(&made, arena, &pem, &err), 0);
	ck_assert_msg(jwk_from_pem(pem, JWS_NONE, &key, &err) == 0, "%s",
		      err.msg);
	ck_assert_int_eq(jwk_check_primes(key, &err), 0);
	jwk_free(key);
	EVP_PKEY_free(made.pkey);
	EVP_PKEY_CTX_free(c);
}
END_TEST

START_TEST(keys_without_primes_pass)
{
	struct jwk *key = tokens_key((enum jws_alg)_i);
	struct err err;

	ck_assert_int_eq(jwk_check_primes(key, &err), 0);
	jwk_free(key);
}
END_TEST

START_TEST(public_keys_pass)
{
	struct jwk *key = tokens_key(JWS_RS256), *public;
	struct str pem;
	struct err err;

	ck_assert_int_eq(jwk_public_pem(key, arena, &pem, &err), 0);
	ck_assert_int_eq(jwk_from_pem(pem, JWS_NONE, &public, &err), 0);
	ck_assert_int_eq(jwk_check_primes(public, &err), 0);
	jwk_free(public);
	jwk_free(key);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("jwk_rsa");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, factors_must_be_prime);
	tcase_add_test(t, numbers_must_belong_together);
	tcase_add_test(t, three_primes_are_accepted);
	tcase_add_loop_test(t, keys_without_primes_pass, JWS_HS256, JWS_ALGS);
	tcase_add_test(t, public_keys_pass);
	return run_case(t);
}
