/* SPDX-License-Identifier: MIT */
/* Keys from other programs: key sets, text around a PEM block, weak keys. */
#include "tests/support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/jwk.h"
#include "tests/support/tokens.h"

/* The modulus of two primes that were made as the generator of CVE-2017-15361
 * made them. */
#define ROCA_N                                                                 \
	"wk1a86UQ8mf1UjuSOnrvA_7V3WcGxVqTFShoa_m7dEgd717yTcaUaY8UcyHgDt"       \
	"7klCjuf56WXWCb_cs8iyzzra1r70Va9F1Bf2KNLYobEnSkXg0RC_9q4SR6vgGN"       \
	"9HEgxNRQpsMuMuqrKH_2k4OCEV2fM1qhVUI9tRka7B6YFSUmFp6qt0jzD46EYt"       \
	"N272LGlQjLQgpTkwKtGS0aRtRlJ2dAnHSN5ffDVKFNU-5ABqeUz_yEwDu9Oncl"       \
	"3uv89JHEFoNBLZXmos6j9pLEppuxZofvTkwMGqwdOw6UO_nddbcBs4cQM6eS79"       \
	"43TdjA2V-8l5YQ0r36kYbyGz4WRDcvsw"

static struct arena *a;

static void
setup(void)
{
	ck_assert_int_eq(crypto_init(), 0);
	a = arena_new(1 << 20);
	ck_assert_ptr_nonnull(a);
}

static void
teardown(void)
{
	arena_free(a);
}

START_TEST(weak_rsa_is_refused)
{
	struct jwk *k = NULL;
	struct err err;

	ck_assert_int_eq(jwk_from_json(STR("{\"kty\":\"RSA\",\"e\":\"AQAB\","
					   "\"n\":\"" ROCA_N "\"}"),
				       JWS_NONE, &k, &err),
			 -1);
	ck_assert_msg(strstr(err.msg, "CVE-2017-15361") != NULL, "%s", err.msg);
}
END_TEST

static struct str
join(const char *before, struct str middle, const char *after)
{
	const size_t b = strlen(before), n = strlen(after);
	char *text = arena_alloc(a, b + middle.n + n);

	ck_assert_ptr_nonnull(text);
	memcpy(text, before, b);
	memcpy(text + b, middle.p, middle.n);
	memcpy(text + b + middle.n, after, n);
	return (struct str){ .p = text, .n = b + middle.n + n };
}

static const enum jws_alg algs[] = { JWS_RS256, JWS_ES256, JWS_EDDSA };

/* A key of another program is read, with text around it or in a key set. */
START_TEST(keys_of_other_programs_are_read)
{
	struct jwk *made, *k = NULL;
	struct str pem, json;
	struct err err;
	json_t *jwk;
	char *text;

	made = tokens_key(algs[_i]);
	ck_assert_int_eq(jwk_private_bytes(made, a, &pem, &err), 0);
	ck_assert_msg(jwk_from_bytes(join("Bag Attributes\n"
					  "    friendlyName: k\xc3\xa9y\n"
					  "Key Attributes: <No Attributes>\n",
					  pem, "\n"),
				     JWS_NONE, &k, &err) == 0,
		      "%s", err.msg);
	ck_assert_str_eq(k->kid, made->kid);
	ck_assert(k->can_sign && !k->renamed);
	jwk_free(k);

	jwk = jwk_public_json(made);
	text = json_dumps(jwk, 0);
	json = join("{\"keys\":[", str_from(text), "]}");
	ck_assert_int_eq(jwk_from_bytes(json, JWS_NONE, &k, &err), 0);
	ck_assert_str_eq(k->kid, made->kid);
	ck_assert(!k->renamed && !k->can_sign);
	jwk_free(k);
	free(text);

	ck_assert_int_eq(json_object_set_new(jwk, "kid", json_string("2026")),
			 0);
	text = json_dumps(jwk, 0);
	ck_assert_int_eq(jwk_from_bytes(str_from(text), JWS_NONE, &k, &err), 0);
	ck_assert_str_eq(k->kid, made->kid);
	ck_assert(k->renamed);
	jwk_free(k);
	free(text);
	json_decref(jwk);
	jwk_free(made);
}
END_TEST

/* UTF-16 as Windows writes it: each byte with a zero byte behind or before
 * it. */
static struct str
widen(const char *mark, struct str s, bool little)
{
	char *text = arena_alloc(a, 2 + 2 * s.n);

	ck_assert_ptr_nonnull(text);
	memcpy(text, mark, 2);
	for (size_t i = 0; i < s.n; i++) {
		text[2 + 2 * i] = (char)(little ? s.p[i] : '\0');
		text[3 + 2 * i] = (char)(little ? '\0' : s.p[i]);
	}
	return (struct str){ .p = text, .n = 2 + 2 * s.n };
}

/* A key with a byte order mark is read as a key, and never as a secret. */
START_TEST(byte_order_marks_are_skipped)
{
	struct jwk *made, *k = NULL;
	struct str private, json, texts[2];
	struct err err;
	json_t *jwk;
	char *text;

	made = tokens_key(algs[_i]);
	ck_assert_int_eq(jwk_private_bytes(made, a, &private, &err), 0);
	jwk = jwk_public_json(made);
	text = json_dumps(jwk, 0);
	json = str_from(text);
	texts[0] = join("\xef\xbb\xbf", private, "\r\n");
	texts[1] = join("\xef\xbb\xbf\r\n ", json, "\r\n");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		ck_assert_msg(jwk_from_bytes(texts[i], JWS_NONE, &k, &err) == 0,
			      "row %zu: %s", i, err.msg);
		ck_assert_str_eq(k->kid, made->kid);
		jwk_free(k);
		k = NULL;
		ck_assert_int_eq(jwk_from_secret(str_clip(texts[i], 200),
						 JWS_HS256, &k, &err),
				 -1);
		ck_assert_ptr_nonnull(strstr(err.msg, "looks like"));
	}
	for (int little = 0; little < 2; little++) {
		struct str wide = widen(little ? "\xff\xfe" : "\xfe\xff",
					str_clip(json, 100), little);

		ck_assert_int_eq(jwk_from_bytes(wide, JWS_HS256, &k, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.msg, "looks like"));
	}
	free(text);
	json_decref(jwk);
	jwk_free(made);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("jwk_given");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, weak_rsa_is_refused);
	tcase_add_loop_test(t, keys_of_other_programs_are_read, 0,
			    ARRAY_LEN(algs));
	tcase_add_loop_test(t, byte_order_marks_are_skipped, 0,
			    ARRAY_LEN(algs));
	return run_case(t);
}
