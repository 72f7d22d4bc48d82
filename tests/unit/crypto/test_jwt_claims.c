/* SPDX-License-Identifier: MIT */
/* Issued and accepted tokens: claims, clocks, and the choice of the key. */
#include "crypto/jwt.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "tests/unit/crypto/keys_fixture.h"
#include "tests/unit/crypto/vectors/jwt_reasons.h"
#include "tests/unit/crypto/vectors/rfc_jws.h"

static const char *
check(const struct keyring *known, const struct jwt_policy *policy,
      struct str token, int64_t now, struct jwt_claims *out)
{
	const struct jwt_expected expected = { .keys = known,
					       .policy = policy,
					       .now = now };
	struct jwt_checked is;
	struct err err = { .msg = "" };

	ck_assert_msg(jwt_verify(&expected, token, arena, &is, &err) == 0, "%s",
		      err.msg);
	ck_assert_int_eq(is.verdict == JWT_VALID, is.why == NULL);
	*out = is.claims;
	return is.why;
}

static void
assert_why(const char *got, const char *wanted, int row)
{
	ck_assert_msg((got == NULL) == (wanted == NULL) &&
			  (got == NULL || strcmp(got, wanted) == 0),
		      "row %d: %s", row, got != NULL ? got : "valid");
}

static void
assert_str(struct str got, const char *wanted)
{
	ck_assert_msg(str_eq(got, str_from(wanted)),
		      "the value is \"%.*s\", not \"%s\"", STR_ARG(got),
		      wanted);
}

static const struct jwt_claims claims = {
	.sub = { .p = "bob", .n = 3 },
	.jti = { .p = "0123", .n = 4 },
	.sid = { .p = "abcdef", .n = 6 },
	.roles = { .p = "admin,app:user", .n = 14 },
	.email = { .p = "bob@example.com", .n = 15 },
	.name = { .p = "Bob \"\xc3\xa4\" \\", .n = 10 },
	.iat = TOKENS_NOW,
	.exp = TOKENS_NOW + 600,
	.auth_time = TOKENS_NOW - 60,
};

static struct str
issue(const struct keyring *own, const struct jwt_claims *c)
{
	struct str token;
	struct err err = { .msg = "" };

	ck_assert_msg(jwt_issue(own, &tokens_policy, c, arena, &token, &err) ==
			  0,
		      "%s", err.msg);
	return token;
}

/* An issued token is valid with each algorithm, and has the given claims. */
START_TEST(issued_token_is_accepted)
{
	struct keyring mine = keys;
	struct jwt_claims got;
	struct jwt_signed is;
	struct str token;
	struct err err;

	mine.signer = key_of(_i);
	token = issue(&mine, &claims);
	/* The header is the one by which the key is found. */
	ck_assert(str_starts(token, str_from(mine.signer->header)));
	ck_assert(token.p[strlen(mine.signer->header)] == '.');
	assert_why(check(&mine, &tokens_policy, token, TOKENS_NOW, &got), NULL,
		   _i);
	assert_str(got.sub, "bob");
	assert_str(got.client_id, "fcgiauth");
	assert_str(got.jti, "0123");
	assert_str(got.sid, "abcdef");
	assert_str(got.roles, "admin,app:user");
	assert_str(got.email, "bob@example.com");
	assert_str(got.name, "Bob \"\xc3\xa4\" \\");
	ck_assert_int_eq(got.iat, TOKENS_NOW);
	ck_assert_int_eq(got.exp, TOKENS_NOW + 600);
	ck_assert_int_eq(got.auth_time, TOKENS_NOW - 60);

	ck_assert_int_eq(jwt_verify_signature(&mine, token, arena, &is, &err),
			 0);
	ck_assert_str_eq(json_string_value(json_object_get(is.header, "kid")),
			 mine.signer->kid);
	ck_assert_str_eq(json_string_value(json_object_get(is.header, "alg")),
			 jws_alg_name(mine.signer->alg));
	ck_assert_uint_eq(json_object_size(is.header), 3);
	ck_assert_str_eq(json_string_value(json_object_get(is.claims, "iss")),
			 "https://auth.example.com");
	ck_assert_uint_eq(json_object_size(is.claims), 12);
	json_decref(is.header);
	json_decref(is.claims);
}
END_TEST

START_TEST(optional_claims_may_be_missing)
{
	struct jwt_claims few = claims, got;

	few.roles = few.email = few.name = (struct str){ NULL, 0 };
	few.auth_time = 0;
	assert_why(check(&keys, &tokens_policy, issue(&keys, &few), TOKENS_NOW,
			 &got),
		   NULL, 0);
	assert_str(got.roles, "");
	assert_str(got.email, "");
	assert_str(got.name, "");
	ck_assert_int_eq(got.auth_time, 0);
}
END_TEST

START_TEST(jwt_issue_refuses_bad_input)
{
	struct keyring none = { .n = 0 }, public = keys;
	struct jwk key = *keys.signer;
	struct jwt_claims bad = claims;
	struct str token = STR("kept");
	char text[JWT_MAX_BYTES];
	struct err err;

	ck_assert_int_eq(jwt_issue(&none, &tokens_policy, &claims, arena,
				   &token, &err),
			 -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	key.can_sign = false;
	public.signer = &key;
	ck_assert_int_eq(jwt_issue(&public, &tokens_policy, &claims, arena,
				   &token, &err),
			 -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	bad.name = STR("\xff");
	ck_assert_int_eq(jwt_issue(&keys, &tokens_policy, &bad, arena, &token,
				   &err),
			 -1);
	memset(text, 'x', sizeof(text));
	for (size_t n = 5000; n <= sizeof(text); n += 1000) {
		bad.name = (struct str){ text, n };
		for (enum jws_alg alg = JWS_HS256; alg < JWS_ALGS; alg += 4) {
			public.signer = key_of(alg);
			if (jwt_issue(&public, &tokens_policy, &bad, arena,
				      &token, &err) == 0) {
				ck_assert_uint_le(token.n, JWT_MAX_BYTES);
				token = STR("kept");
			} else {
				ck_assert_int_eq(err.code, ERR_LIMIT);
				ck_assert_uint_ge(n, 5000);
			}
		}
	}
	assert_str(token, "kept");
}
END_TEST

static const struct {
	int64_t now; /* seconds after iat */
	const char *why;
} clocks[] = {
	{ -31, IAT_FUTURE },
	{ -30, NULL },
	{ 0, NULL },
	{ 599, NULL },
	{ 600, NULL },
	{ 600 + 30 - 1, NULL },
	{ 600 + 30, EXP_PASSED },
	{ 600 + 31, EXP_PASSED },
	{ INT64_C(1) << 40, EXP_PASSED },
	{ -TOKENS_NOW, IAT_FUTURE },
	{ -TOKENS_NOW - 1000, IAT_FUTURE },
};

START_TEST(clock_may_differ_by_the_leeway)
{
	struct jwt_claims got;

	assert_why(check(&keys, &tokens_policy, issue(&keys, &claims),
			 TOKENS_NOW + clocks[_i].now, &got),
		   clocks[_i].why, _i);
}
END_TEST

START_TEST(policy_decides_about_claims)
{
	struct str token = issue(&keys, &claims);
	struct jwt_policy p = tokens_policy;
	struct jwt_claims got;

	p.leeway = 0;
	assert_why(check(&keys, &p, token, TOKENS_NOW + 599, &got), NULL, 0);
	assert_why(check(&keys, &p, token, TOKENS_NOW + 600, &got), EXP_PASSED,
		   1);
	assert_why(check(&keys, &p, token, TOKENS_NOW - 1, &got), IAT_FUTURE,
		   2);
	p = tokens_policy;
	p.ttl = 599;
	assert_why(check(&keys, &p, token, TOKENS_NOW, &got), EXP_TTL, 3);
	p = tokens_policy;
	p.audience = STR("exampl");
	assert_why(check(&keys, &p, token, TOKENS_NOW, &got), AUD_OTHER, 4);
	p = tokens_policy;
	p.issuer = STR("https://auth.example.com/");
	assert_why(check(&keys, &p, token, TOKENS_NOW, &got), ISS_OTHER, 5);
}
END_TEST

/* Roles may have 1024 bytes with the commas between them: 127 roles of 7 bytes,
 * and a last one that reaches the limit or exceeds it. */
START_TEST(length_of_roles_is_bounded)
{
	for (int last = 7; last < 10; last++) {
		char add[4096] = "\"roles\":[";
		size_t n = strlen(add);
		struct jwt_claims got;
		struct str token;

		for (int i = 0; i < 127; i++)
			n += (size_t)snprintf(add + n, sizeof(add) - n,
					      "\"r%06d\",", i);
		(void)snprintf(add + n, sizeof(add) - n, "\"%0*d\"]", last, 0);
		token =
		    tokens_sign(arena, keys.signer,
				tokens_header(arena, keys.signer, NULL, NULL),
				tokens_payload(arena, "roles", add));
		assert_why(check(&keys, &tokens_policy, token, TOKENS_NOW,
				 &got),
			   last < 9 ? NULL : ROLES_MANY, last);
		if (last == 8)
			ck_assert_uint_eq(got.roles.n, 1024);
	}
}
END_TEST

/* The kid selects the key. A token without kid needs an only key. */
START_TEST(kid_selects_the_key)
{
	struct keyring two = { .n = 0 };
	struct jwk *second;
	struct jwt_claims got;
	struct str with, without;
	struct err err;

	ck_assert_int_eq(jwk_generate(JWS_EDDSA, &second, &err), 0);
	two.v[0].key = key_of(JWS_EDDSA);
	two.v[1].key = second;
	two.v[0].state = KEY_RETIRING;
	two.v[1].state = KEY_PENDING;
	two.n = 2;
	for (size_t i = 0; i < two.n; i++) {
		two.signer = two.v[i].key;
		with = issue(&two, &claims);
		without =
		    tokens_sign(arena, two.signer,
				tokens_header(arena, two.signer, "kid", NULL),
				tokens_payload(arena, NULL, NULL));
		assert_why(check(&two, &tokens_policy, with, TOKENS_NOW, &got),
			   NULL, 0);
		assert_why(check(&two, &tokens_policy, without, TOKENS_NOW,
				 &got),
			   KID_MISSING, 1);
	}
	/* `with` and `without` are tokens of the second key */
	two.n = 1;
	assert_why(check(&two, &tokens_policy, with, TOKENS_NOW, &got),
		   KID_UNKNOWN, 2);
	assert_why(check(&two, &tokens_policy, without, TOKENS_NOW, &got),
		   BAD_SIGNATURE, 3);
	two.any_kid = true;
	assert_why(check(&two, &tokens_policy, with, TOKENS_NOW, &got),
		   BAD_SIGNATURE, 4);
	two.v[0].key = second;
	second->kid[0] ^= 1;
	second->header[0] ^= 1; /* a key of another kid has another header */
	assert_why(check(&two, &tokens_policy, with, TOKENS_NOW, &got), NULL,
		   5);
	two.any_kid = false;
	assert_why(check(&two, &tokens_policy, with, TOKENS_NOW, &got),
		   KID_UNKNOWN, 6);
	two.n = 0;
	assert_why(check(&two, &tokens_policy, without, TOKENS_NOW, &got),
		   ALG_NO_KEY, 7);
	jwk_free(second);
}
END_TEST

/* Two algorithms of one RSA key have the same kid: it stands for the first. */
START_TEST(kid_stands_for_one_key)
{
	const struct jwk *rsa = key_of(JWS_RS256);
	struct keyring two = { .n = 2 };
	struct jwt_claims got;
	struct str bytes, token;
	struct jwk *pss;
	struct err err;

	ck_assert_int_eq(jwk_private_bytes(rsa, arena, &bytes, &err), 0);
	ck_assert_int_eq(jwk_from_pem(bytes, JWS_PS256, &pss, &err), 0);
	ck_assert_str_eq(pss->kid, rsa->kid);
	two.v[0].key = key_of(JWS_RS256);
	two.v[1].key = pss;
	two.signer = pss;
	token = issue(&two, &claims);
	assert_why(check(&two, &tokens_policy, token, TOKENS_NOW, &got),
		   ALG_OTHER, 0);
	two.v[0].key = pss;
	two.v[1].key = key_of(JWS_RS256);
	assert_why(check(&two, &tokens_policy, token, TOKENS_NOW, &got), NULL,
		   1);
	jwk_free(pss);
}
END_TEST

/* The examples of RFC 7515, RFC 7520 and RFC 8037 have any typ, kid and
 * payload. */
START_TEST(rfc_examples_are_valid)
{
	const struct rfc_jws *row = &rfc_jws[_i];
	struct jwk *key;
	struct jwt_signed is;
	struct err err;

	ck_assert_int_eq(jwk_from_json(str_from(row->jwk),
				       jws_alg_from_name(str_from(row->alg)),
				       &key, &err),
			 0);
	ck_assert_int_eq(jwt_verify_bytes(key, str_from(row->token), arena, &is,
					  &err),
			 0);
	ck_assert_msg(is.verdict == JWT_VALID && is.why == NULL, "%s: %s",
		      row->where, is.why);
	ck_assert_ptr_nonnull(is.header);
	ck_assert_uint_gt(is.payload.n, 0);
	json_decref(is.header);
	for (size_t i = 0; i < ARRAY_LEN(rfc_jws); i++) {
		ck_assert_int_eq(jwt_verify_bytes(key,
						  str_from(rfc_jws[i].token),
						  arena, &is, &err),
				 0);
		/* RFC 7515 A.4 and RFC 7520 4.3 have keys of their own */
		ck_assert_int_eq(is.verdict == JWT_VALID, i == (size_t)_i);
		json_decref(is.header);
	}
	jwk_free(key);
}
END_TEST

START_TEST(bad_headers_of_bytes_are_refused)
{
	static const struct {
		const char *add, *why;
	} rows[] = {
		{ "\"crit\":[\"b64\"]", HEADER_HAS("crit") },
		{ "\"b64\":false", HEADER_HAS("b64") },
		{ "\"jwk\":{}", HEADER_HAS("jwk") },
		{ "\"alg\":\"EdDSA\"", HEADER_DUPLICATE },
		{ "\"kid2\":\"x\"", NULL },
	};
	struct jwt_signed is;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str token =
		    tokens_sign(arena, keys.signer,
				tokens_header(arena, keys.signer, "kid,typ",
					      rows[i].add),
				STR("bytes"));

		ck_assert_int_eq(jwt_verify_bytes(keys.signer, token, arena,
						  &is, &err),
				 0);
		assert_why(is.why, rows[i].why, (int)i);
		ck_assert_int_eq(is.verdict == JWT_VALID, is.why == NULL);
		assert_str(is.payload, is.why == NULL ? "bytes" : "");
		json_decref(is.header);
	}
}
END_TEST

/* Without memory the result is an error, and neither valid nor refused. */
START_TEST(lack_of_memory_is_an_error)
{
	const enum jws_alg algs[] = { JWS_HS256, JWS_EDDSA };
	struct keyring mine = keys;
	const struct jwt_expected expected = { .keys = &mine,
					       .policy = &tokens_policy,
					       .now = TOKENS_NOW };
	struct arena *a = arena_new(ARENA_BYTES);

	ck_assert_ptr_nonnull(a);
	mine.signer = key_of(algs[_i]);
	for (unsigned n = 0; n < 100; n++) {
		struct str token = STR("kept"), good = issue(&mine, &claims);
		struct jwt_checked is = { .verdict = (enum jwt_verdict)77,
					  .why = "kept",
					  .claims.exp = 5 };
		struct err err = { .code = ERR_NONE };
		int rc;

		arena_fail_after(a, n);
		rc = jwt_verify(&expected, good, a, &is, &err);
		ck_assert_int_eq(rc, arena_has_failed(a) ? -1 : 0);
		if (rc != 0) {
			ck_assert_int_eq(err.code, ERR_INTERNAL);
			ck_assert_int_eq((int)is.verdict, 77);
			ck_assert_str_eq(is.why, "kept");
			ck_assert_int_eq(is.claims.exp, 5);
		}
		arena_reset(a);
		arena_fail_after(a, n);
		if (jwt_issue(&mine, &tokens_policy, &claims, a, &token,
			      &err) != 0)
			assert_str(token, "kept");
		arena_reset(a);
		if (n == 99)
			ck_assert_int_eq(rc, 0);
	}
	arena_free(a);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("jwt_claims");

	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, issued_token_is_accepted, JWS_HS256, JWS_ALGS);
	tcase_add_test(t, optional_claims_may_be_missing);
	tcase_add_test(t, jwt_issue_refuses_bad_input);
	tcase_add_loop_test(t, clock_may_differ_by_the_leeway, 0,
			    ARRAY_LEN(clocks));
	tcase_add_test(t, policy_decides_about_claims);
	tcase_add_test(t, length_of_roles_is_bounded);
	tcase_add_test(t, kid_selects_the_key);
	tcase_add_test(t, kid_stands_for_one_key);
	tcase_add_loop_test(t, rfc_examples_are_valid, 0, ARRAY_LEN(rfc_jws));
	tcase_add_test(t, bad_headers_of_bytes_are_refused);
	tcase_add_loop_test(t, lack_of_memory_is_an_error, 0, 2);
	return run_case(t);
}
