/* SPDX-License-Identifier: MIT */
/* The claims of tokens: invalid tokens, and every modification of a valid
 * one. */
#include "crypto/jwt.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/jws_oracle.h"
#include "tests/unit/crypto/keys_fixture.h"
#include "tests/unit/crypto/vectors/jwt_reasons.h"
#include "tests/unit/crypto/vectors/jwt_refused.h"
#include "tests/unit/crypto/vectors/rfc_jws.h"

/* The reason of the verdict, or NULL if the token is valid. */
static const char *
verdict_at(struct str token, int64_t now, struct jwt_claims *out)
{
	const struct jwt_expected expected = { .keys = &keys,
					       .policy = &tokens_policy,
					       .now = now };
	struct jwt_checked is = { .why = "(untouched)", .claims.exp = -5 };
	struct err err = { .msg = "" };

	ck_assert_msg(jwt_verify(&expected, token, arena, &is, &err) == 0, "%s",
		      err.msg);
	ck_assert_int_eq(is.verdict == JWT_VALID, is.why == NULL);
	if (is.why != NULL)
		ck_assert_int_eq(is.claims.exp, 0);
	*out = is.claims;
	return is.why;
}

static const char *
verdict_of(struct str token)
{
	struct jwt_claims claims;

	return verdict_at(token, TOKENS_NOW, &claims);
}

static void
assert_why(const char *got, const char *wanted, const char *table, int row)
{
	ck_assert_msg((got == NULL) == (wanted == NULL) &&
			  (got == NULL || strcmp(got, wanted) == 0),
		      "%s %d: the reason is \"%s\", not \"%s\"", table, row,
		      got != NULL ? got : "valid",
		      wanted != NULL ? wanted : "valid");
}

static struct str
good_token(const struct jwk *key)
{
	return tokens_sign(arena, key, tokens_header(arena, key, NULL, NULL),
			   tokens_payload(arena, NULL, NULL));
}

START_TEST(headers_are_refused)
{
	const struct jwk *key = key_of(JWS_EDDSA);

	assert_why(verdict_of(tokens_sign(arena, key,
					  tokens_header(arena, key,
							header_rows[_i].drop,
							header_rows[_i].add),
					  tokens_payload(arena, NULL, NULL))),
		   header_rows[_i].why, "header", _i);
}
END_TEST

/* Both implementations refuse the payload. libjwt parses it before it checks
 * the signature. */
START_TEST(payloads_are_refused)
{
	static const enum jws_alg algs[] = { JWS_EDDSA, JWS_HS256 };

	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		const struct jwk *key = key_of(algs[i]);
		const char *why = payload_rows[_i].why;

		if (algs[i] == JWS_HS256 && why != NULL &&
		    strcmp(why, PAYLOAD_NO_JSON) == 0)
			why = BAD_SIGNATURE;
		assert_why(verdict_of(tokens_sign(
			       arena, key,
			       tokens_header(arena, key, NULL, NULL),
			       tokens_payload(arena, payload_rows[_i].drop,
					      payload_rows[_i].add))),
			   why, jws_alg_name(algs[i]), _i);
	}
}
END_TEST

START_TEST(malformed_parts_are_refused)
{
	const struct jwk *key = key_of(JWS_EDDSA);
	struct str header = tokens_header(arena, key, NULL, NULL);
	struct str payload = tokens_payload(arena, NULL, NULL);

	if (whole_rows[_i].header != NULL)
		header = str_from(whole_rows[_i].header);
	if (whole_rows[_i].payload != NULL)
		payload = str_from(whole_rows[_i].payload);
	assert_why(verdict_of(tokens_sign(arena, key, header, payload)),
		   whole_rows[_i].why, "whole", _i);
}
END_TEST

/* `<` is the header and `>` the payload of a valid token; the text is then
 * signed. */
static const struct {
	const char *text, *why;
} text_rows[] = {
	{ "<.>", NULL },
	{ "<", OTHER_PARTS },
	{ "<.>.>", OTHER_PARTS },
	{ "<.>..>", OTHER_PARTS },
	{ "<.", OTHER_PARTS },
	{ ".>", OTHER_PARTS },
	{ ".", OTHER_PARTS },
	{ "<.>=", OTHER_CHARACTER },
	{ "<=.>", OTHER_CHARACTER },
	{ "<.>==", OTHER_CHARACTER },
	{ " <.>", OTHER_CHARACTER },
	{ "< .>", OTHER_CHARACTER },
	{ "<.>\n", OTHER_CHARACTER },
	{ "<.>+", OTHER_CHARACTER },
	{ "<.>/", OTHER_CHARACTER },
	{ "<.>,", OTHER_CHARACTER },
	{ "<.>%", OTHER_CHARACTER },
	{ "<.>~", OTHER_CHARACTER },
	{ "Bearer%20<.>", OTHER_CHARACTER },
	{ "<.>\xc3\xa4", OTHER_CHARACTER },
	{ "A.>", OTHER_BASE64 },
	{ "<.A", OTHER_BASE64 },
	{ "<.AAAAA", OTHER_BASE64 },
	{ "<.AB", OTHER_BASE64 },
	{ "<.AAB", OTHER_BASE64 },
	{ "-_.>", OTHER_BASE64 },
	{ "AA.>", HEADER_NO_JSON },
	{ "<.AA", PAYLOAD_NO_JSON },
};

START_TEST(token_texts_are_refused)
{
	const struct jwk *key = key_of(JWS_EDDSA);
	struct str header =
	    tokens_encode(arena, tokens_header(arena, key, NULL, NULL));
	struct str payload =
	    tokens_encode(arena, tokens_payload(arena, NULL, NULL));
	struct buf b;

	buf_init(&b, arena, JWT_MAX_BYTES);
	for (const char *c = text_rows[_i].text; *c != '\0'; c++) {
		if (*c == '<')
			buf_add(&b, header);
		else if (*c == '>')
			buf_add(&b, payload);
		else
			buf_add_char(&b, *c);
	}
	ck_assert(!buf_failed(&b));
	assert_why(verdict_of(tokens_sign_text(arena, key, buf_str(&b))),
		   text_rows[_i].why, "text", _i);
}
END_TEST

static const struct {
	struct str token;
	const char *why;
} bare_rows[] = {
	{ { NULL, 0 }, OTHER_PARTS },
	{ { "", 0 }, OTHER_PARTS },
	{ { ".", 1 }, OTHER_PARTS },
	{ { "..", 2 }, OTHER_PARTS },
	{ { "...", 3 }, OTHER_PARTS },
	{ { "a", 1 }, OTHER_PARTS },
	{ { "a.b.c", 5 }, OTHER_BASE64 },
	{ { "AA.AA.AA", 8 }, HEADER_NO_JSON },
	{ { "AA.AA.", 6 }, OTHER_PARTS },
	{ { "AA.A\0.AA", 8 }, OTHER_CHARACTER },
	{ { "e30.e30.AA", 10 }, HEADER_LACKS("alg") },
};

START_TEST(short_texts_are_refused)
{
	assert_why(verdict_of(bare_rows[_i].token), bare_rows[_i].why, "bare",
		   _i);
}
END_TEST

START_TEST(unsigned_tokens_are_refused)
{
	struct str none = str_from(rfc7515_none);
	struct buf b;

	assert_why(verdict_of(none), OTHER_PARTS, "none", 0);
	buf_init(&b, arena, 1024);
	buf_add(&b, none);
	buf_add_cstr(&b, "AA");
	assert_why(verdict_of(buf_str(&b)), ALG_UNKNOWN, "none", 1);
}
END_TEST

/* Three bytes become four characters, so both parts are padded to reach each
 * length. */
static struct str
padded(int header, int payload)
{
	const struct jwk *key = key_of(JWS_EDDSA);
	static char one[JWT_MAX_BYTES], two[16];

	(void)snprintf(one, sizeof(one), "\"x\":\"%0*d\"", header, 0);
	(void)snprintf(two, sizeof(two), "\"x\":\"%0*d\"", payload, 0);
	return tokens_sign(arena, key, tokens_header(arena, key, NULL, one),
			   tokens_payload(arena, NULL, two));
}

START_TEST(length_of_tokens_is_bounded)
{
	bool seen[2] = { false };

	for (int n = 5400; n < 5700; n++) {
		for (int m = 1; m < 4; m++) {
			struct str token = padded(n, m);

			if (token.n != JWT_MAX_BYTES &&
			    token.n != JWT_MAX_BYTES + 1)
				continue;
			seen[token.n - JWT_MAX_BYTES] = true;
			assert_why(verdict_of(token),
				   token.n > JWT_MAX_BYTES ? TOO_LONG : NULL,
				   "length", (int)token.n);
		}
	}
	ck_assert(seen[0] && seen[1]);
}
END_TEST

/* A token is invalid with any bit flipped, character lost or character
 * doubled. */
START_TEST(every_change_is_refused)
{
	static const enum jws_alg algs[] = { JWS_HS256, JWS_EDDSA, JWS_RS256 };
	struct str good = good_token(key_of(algs[_i]));
	char text[JWT_MAX_BYTES];

	ck_assert_ptr_null(verdict_of(good));
	for (size_t i = 0; i < good.n; i++) {
		memcpy(text, good.p, good.n);
		for (unsigned bit = 0; bit < 8; bit++) {
			text[i] = (char)(good.p[i] ^ (1 << bit));
			ck_assert_msg(
			    verdict_of((struct str){ text, good.n }) != NULL,
			    "the token is valid with byte %zu, bit %u changed",
			    i, bit);
		}
		memmove(text + i, good.p + i + 1, good.n - i - 1);
		ck_assert_msg(verdict_of((struct str){ text, good.n - 1 }) !=
				  NULL,
			      "the token is valid without byte %zu", i);
		memcpy(text, good.p, i + 1);
		memcpy(text + i + 1, good.p + i, good.n - i);
		ck_assert_msg(verdict_of((struct str){ text, good.n + 1 }) !=
				  NULL,
			      "the token is valid with byte %zu doubled", i);
	}
}
END_TEST

/* A token signed by HS256 with the public key of an RS256 key
 * (CVE-2016-10555). */
START_TEST(public_key_is_no_hmac_secret)
{
	const struct jwk *rsa = key_of(JWS_RS256);
	json_t *jwk = jwk_public_json(rsa);
	char *text = json_dumps(jwk, JSON_COMPACT);
	struct jwk forger = *key_of(JWS_HS256);
	struct str token;

	forger.secret = str_from(text);
	token = tokens_sign(arena, &forger,
			    tokens_header(arena, &forger, NULL, NULL),
			    tokens_payload(arena, NULL, NULL));
	assert_why(verdict_of(token), BAD_SIGNATURE, "forged", 0);
	memcpy(forger.kid, rsa->kid, sizeof(forger.kid));
	token = tokens_sign(arena, &forger,
			    tokens_header(arena, &forger, NULL, NULL),
			    tokens_payload(arena, NULL, NULL));
	assert_why(verdict_of(token), ALG_OTHER, "forged", 1);
	free(text);
	json_decref(jwk);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("jwt");

	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, headers_are_refused, 0, ARRAY_LEN(header_rows));
	tcase_add_loop_test(t, payloads_are_refused, 0,
			    ARRAY_LEN(payload_rows));
	tcase_add_loop_test(t, malformed_parts_are_refused, 0,
			    ARRAY_LEN(whole_rows));
	tcase_add_loop_test(t, token_texts_are_refused, 0,
			    ARRAY_LEN(text_rows));
	tcase_add_loop_test(t, short_texts_are_refused, 0,
			    ARRAY_LEN(bare_rows));
	tcase_add_test(t, unsigned_tokens_are_refused);
	tcase_add_test(t, length_of_tokens_is_bounded);
	tcase_add_loop_test(t, every_change_is_refused, 0, 3);
	tcase_add_test(t, public_key_is_no_hmac_secret);
	return run_case(t);
}
