/* SPDX-License-Identifier: MIT */
/* Parses and prints keys as JSON: RFC 7517, RFC 7518 section 6, RFC 8037. */
#include "crypto/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#include "base/enc.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/jwk_parts.h"
#include "crypto/jws_oracle.h"

/* The largest member: a number of 8192 bits, or a secret, in bytes. */
#define MEMBER_MAX 1024
_Static_assert(MEMBER_MAX >= JWK_SECRET_MAX, "a secret is one member");

struct jwk_bytes {
	uint8_t p[MEMBER_MAX];
	size_t n;
};

/* Decodes a member in canonical base64url, of 1 to MEMBER_MAX bytes. */
static bool
jwk_json_get_bytes(const json_t *jwk, const char *name, struct jwk_bytes *out)
{
	const json_t *member = json_object_get(jwk, name);
	struct str text = { .p = json_string_value(member),
			    .n = json_string_length(member) };
	size_t n = text.n / 4 * 3 + (text.n % 4 * 3) / 4;

	if (text.p == NULL || n == 0 || n > sizeof(out->p) ||
	    !base64url_decode(text, out->p, n))
		return false;
	out->n = n;
	return true;
}

static int
bad_member(const char *name, struct err *err)
{
	return err_set(err, ERR_CONFIG,
		       "\"%s\" of this JWK is missing or malformed", name);
}

/* The numbers from which an EVP_PKEY is made. */
struct numbers {
	const json_t *jwk;
	OSSL_PARAM_BLD *build;
	BIGNUM *v[8];
	size_t n;
};

static void
numbers_free(struct numbers *s)
{
	for (size_t i = 0; i < s->n; i++)
		BN_clear_free(s->v[i]);
	OSSL_PARAM_BLD_free(s->build);
}

/*
 * Adds a number. With size 0 it is a Base64urlUInt (RFC 7518 section 2),
 * without leading zeros; otherwise it must have exactly `size` bytes.
 */
static int
jwk_json_add_number(struct numbers *s, const char *name, const char *param,
		    size_t size, struct err *err)
{
	struct jwk_bytes b;
	BIGNUM *bn = NULL;

	if (!jwk_json_get_bytes(s->jwk, name, &b) ||
	    (size == 0 ? b.p[0] == 0 : b.n != size))
		return bad_member(name, err);
	bn = BN_bin2bn(b.p, (int)b.n, NULL);
	secret_wipe(b.p, sizeof(b.p));
	if (bn == NULL)
		return err_nomem(err);
	s->v[s->n++] = bn;
	if (OSSL_PARAM_BLD_push_BN(s->build, param, bn) != 1)
		return err_nomem(err);
	return 0;
}

static int
jwk_json_make(struct numbers *s, const char *type, bool can_sign,
	      EVP_PKEY **out, struct err *err)
{
	const int what = can_sign ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(s->build);
	EVP_PKEY *pkey = NULL;
	bool ok = c != NULL && params != NULL &&
		  EVP_PKEY_fromdata_init(c) == 1 &&
		  EVP_PKEY_fromdata(c, &pkey, what, params) == 1;

	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(c);
	ERR_clear_error();
	if (!ok) {
		EVP_PKEY_free(pkey);
		return err_set(err, ERR_CONFIG,
			       "this JWK is damaged: it is not a valid %s key",
			       type);
	}
	*out = pkey;
	return 0;
}

static const struct {
	const char *name, *param;
	bool private;
} rsa_members[] = {
	{ "n", OSSL_PKEY_PARAM_RSA_N, false },
	{ "e", OSSL_PKEY_PARAM_RSA_E, false },
	{ "d", OSSL_PKEY_PARAM_RSA_D, true },
	{ "p", OSSL_PKEY_PARAM_RSA_FACTOR1, true },
	{ "q", OSSL_PKEY_PARAM_RSA_FACTOR2, true },
	{ "dp", OSSL_PKEY_PARAM_RSA_EXPONENT1, true },
	{ "dq", OSSL_PKEY_PARAM_RSA_EXPONENT2, true },
	{ "qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1, true },
};

static int
rsa_from_json(const json_t *jwk, bool can_sign, EVP_PKEY **out, struct err *err)
{
	struct numbers s = { .jwk = jwk, .build = OSSL_PARAM_BLD_new() };
	int rc = s.build != NULL ? 0 : err_nomem(err);

	if (rc == 0 && json_object_get(jwk, "oth") != NULL)
		rc = err_set(err, ERR_CONFIG,
			     "an RSA key must have two primes, not more");
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(rsa_members); i++) {
		if (!rsa_members[i].private || can_sign)
			rc = jwk_json_add_number(&s, rsa_members[i].name,
						 rsa_members[i].param, 0, err);
	}
	if (rc == 0)
		rc = jwk_json_make(&s, "RSA", can_sign, out, err);
	numbers_free(&s);
	return rc;
}

/* Returns the curve that "crv" names, if it belongs to this key type. */
static const struct jws_info *
get_curve(const json_t *jwk, enum jws_kind kind)
{
	const char *crv = json_string_value(json_object_get(jwk, "crv"));
	enum jws_alg alg = crv != NULL ? jwk_alg_of_curve(crv) : JWS_NONE;

	if (alg == JWS_NONE || jws_info(alg)->kind != kind)
		return NULL;
	return jws_info(alg);
}

/* Encodes a point as in SEC 1 section 2.3.3: 4, x, y. */
static int
get_point(const json_t *jwk, size_t size, struct jwk_bytes *out,
	  struct err *err)
{
	struct jwk_bytes x, y;

	if (!jwk_json_get_bytes(jwk, "x", &x) || x.n != size)
		return bad_member("x", err);
	if (!jwk_json_get_bytes(jwk, "y", &y) || y.n != size)
		return bad_member("y", err);
	out->p[0] = 4;
	memcpy(out->p + 1, x.p, size);
	memcpy(out->p + 1 + size, y.p, size);
	out->n = 1 + 2 * size;
	return 0;
}

static int
ec_from_json(const json_t *jwk, bool can_sign, EVP_PKEY **out, struct err *err)
{
	const struct jws_info *curve = get_curve(jwk, JWS_ECDSA);
	struct numbers s = { .jwk = jwk };
	struct jwk_bytes point;
	int rc;

	if (curve == NULL)
		return bad_member("crv", err);
	if (get_point(jwk, curve->size, &point, err) != 0)
		return -1;
	s.build = OSSL_PARAM_BLD_new();
	if (s.build == NULL)
		return err_nomem(err);
	rc = can_sign ? jwk_json_add_number(&s, "d", OSSL_PKEY_PARAM_PRIV_KEY,
					    curve->size, err) :
			0;
	if (rc == 0 &&
	    (OSSL_PARAM_BLD_push_utf8_string(s.build,
					     OSSL_PKEY_PARAM_GROUP_NAME,
					     curve->group, 0) != 1 ||
	     OSSL_PARAM_BLD_push_octet_string(s.build, OSSL_PKEY_PARAM_PUB_KEY,
					      point.p, point.n) != 1))
		rc = err_nomem(err);
	if (rc == 0)
		rc = jwk_json_make(&s, "EC", can_sign, out, err);
	numbers_free(&s);
	return rc;
}

/* libcrypto computes x from d; it is compared with the given x. */
static int
okp_from_json(const json_t *jwk, bool can_sign, EVP_PKEY **out, struct err *err)
{
	struct jwk_bytes x, d;
	uint8_t own[32];
	size_t n = sizeof(own);
	EVP_PKEY *pkey;

	if (get_curve(jwk, JWS_ED25519) == NULL)
		return bad_member("crv", err);
	if (!jwk_json_get_bytes(jwk, "x", &x) || x.n != sizeof(own))
		return bad_member("x", err);
	if (can_sign &&
	    (!jwk_json_get_bytes(jwk, "d", &d) || d.n != sizeof(own)))
		return bad_member("d", err);
	if (can_sign) {
		pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, d.p,
						    d.n);
		secret_wipe(d.p, sizeof(d.p));
	} else {
		pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.p,
						   x.n);
	}
	if (pkey == NULL || EVP_PKEY_get_raw_public_key(pkey, own, &n) != 1) {
		EVP_PKEY_free(pkey);
		return err_nomem(err);
	}
	if (memcmp(own, x.p, sizeof(own)) != 0) {
		EVP_PKEY_free(pkey);
		return err_set(err, ERR_CONFIG,
			       "this JWK is damaged: x does not belong to d");
	}
	*out = pkey;
	return 0;
}

static const struct {
	const char *kty;
	int (*read)(const json_t *, bool can_sign, EVP_PKEY **, struct err *);
} types[] = {
	{ "RSA", rsa_from_json },
	{ "EC", ec_from_json },
	{ "OKP", okp_from_json },
};

static int
oct_from_json(const json_t *jwk, enum jws_alg alg, struct jwk **out,
	      struct err *err)
{
	struct jwk_bytes k;
	int rc;

	if (!jwk_json_get_bytes(jwk, "k", &k))
		return bad_member("k", err);
	rc = jwk_from_secret((struct str){ (const char *)k.p, k.n }, alg, out,
			     err);
	secret_wipe(k.p, sizeof(k.p));
	return rc;
}

/* RFC 7517 section 4.3. */
static bool
allows(const json_t *ops, const char *wanted)
{
	const json_t *op;
	size_t i;

	json_array_foreach (ops, i, op) {
		if (json_is_string(op) &&
		    strcmp(json_string_value(op), wanted) == 0)
			return true;
	}
	return false;
}

/* Checks use, key_ops and alg of the key. *alg becomes the algorithm of the
 * key if it names one. */
static int
check_members(const json_t *jwk, bool can_sign, enum jws_alg *alg,
	      struct err *err)
{
	const json_t *use = json_object_get(jwk, "use");
	const json_t *ops = json_object_get(jwk, "key_ops");
	const json_t *name = json_object_get(jwk, "alg");
	enum jws_alg own = JWS_NONE;

	if (use != NULL && (!json_is_string(use) ||
			    strcmp(json_string_value(use), "sig") != 0))
		return err_set(err, ERR_CONFIG,
			       "\"use\" of this JWK is not \"sig\"");
	if (ops != NULL && !allows(ops, can_sign ? "sign" : "verify"))
		return err_set(err, ERR_CONFIG,
			       "\"key_ops\" of this JWK does not have \"%s\"",
			       can_sign ? "sign" : "verify");
	if (name == NULL)
		return 0;
	if (json_is_string(name))
		own = jws_alg_from_name(str_from(json_string_value(name)));
	if (own == JWS_NONE)
		return err_set(err, ERR_CONFIG,
			       "\"alg\" of this JWK is not supported");
	if (*alg != JWS_NONE && *alg != own)
		return err_set(err, ERR_CONFIG,
			       "this JWK is for %s, not for %s",
			       jws_alg_name(own), jws_alg_name(*alg));
	*alg = own;
	return 0;
}

static int
from_object(const json_t *jwk, enum jws_alg alg, struct jwk **out,
	    struct err *err)
{
	const char *kty = json_string_value(json_object_get(jwk, "kty"));
	const bool secret = kty != NULL && strcmp(kty, "oct") == 0;
	const bool can_sign = secret || json_object_get(jwk, "d") != NULL;
	EVP_PKEY *pkey = NULL;

	if (check_members(jwk, can_sign, &alg, err) != 0)
		return -1;
	if (secret)
		return oct_from_json(jwk, alg, out, err);
	for (size_t i = 0; kty != NULL && i < ARRAY_LEN(types); i++) {
		if (strcmp(kty, types[i].kty) != 0)
			continue;
		if (types[i].read(jwk, can_sign, &pkey, err) != 0)
			return -1;
		return jwk_from_pkey(pkey, can_sign, alg, out, err);
	}
	return bad_member("kty", err);
}

/* Takes the key out of a set. A set of several keys is refused, because it is
 * not clear which one is meant. */
static int
from_object_or_set(const json_t *json, enum jws_alg alg, struct jwk **out,
		   struct err *err)
{
	const json_t *set = json_object_get(json, "keys"), *kid;
	const json_t *jwk = set != NULL ? json_array_get(set, 0) : json;

	if (set != NULL && json_array_size(set) != 1)
		return err_set(err, ERR_CONFIG,
			       "must be one key, but is a set of %zu: put one "
			       "of them into a file",
			       json_array_size(set));
	if (!json_is_object(jwk))
		return err_set(err, ERR_CONFIG,
			       "the key of the set must be a JSON object, but "
			       "is another value");
	if (from_object(jwk, alg, out, err) != 0)
		return -1;
	kid = json_object_get(jwk, "kid");
	(*out)->renamed =
	    kid != NULL && (!json_is_string(kid) ||
			    strcmp(json_string_value(kid), (*out)->kid) != 0);
	return 0;
}

int
jwk_from_json(struct str json, enum jws_alg alg, struct jwk **out,
	      struct err *err)
{
	json_error_t why;
	json_t *jwk;
	int rc;

	if (json.n > JWK_FILE_MAX)
		return err_set(err, ERR_CONFIG,
			       "a key must have at most %d bytes",
			       JWK_FILE_MAX);
	jwk = json_loadb(json.n > 0 ? json.p : "", json.n,
			 JSON_REJECT_DUPLICATES, &why);
	if (jwk == NULL)
		return err_set(err, ERR_CONFIG,
			       "invalid JSON at line %d, column %d", why.line,
			       why.column);
	rc = json_is_object(jwk) ?
		 from_object_or_set(jwk, alg, out, err) :
		 err_set(err, ERR_CONFIG, "must be a JSON object");
	json_decref(jwk);
	return rc;
}

/*
 * Returns the bytes as base64url; "" stands for a value that could not be read.
 */
static json_t *
json_bytes(const uint8_t *bytes, size_t n)
{
	char text[BASE64URL_LEN(MEMBER_MAX)];
	json_t *s;

	base64url_encode(bytes, n, text);
	s = json_stringn(text, BASE64URL_LEN(n));
	secret_wipe(text, BASE64URL_LEN(n));
	return s;
}

/* Encodes a number: with size 0 without leading zeros, otherwise padded on the
 * left (RFC 7518 6.2.1.2). */
static json_t *
json_number(const EVP_PKEY *pkey, const char *param, size_t size)
{
	uint8_t bytes[MEMBER_MAX];
	BIGNUM *bn = NULL;
	json_t *s = NULL;
	int n;

	if (EVP_PKEY_get_bn_param(pkey, param, &bn) != 1)
		return NULL;
	n = size != 0 ? (int)size : BN_num_bytes(bn);
	if (n <= (int)sizeof(bytes) && BN_bn2binpad(bn, bytes, n) == n)
		s = json_bytes(bytes, (size_t)n);
	BN_free(bn);
	return s;
}

static json_t *
json_raw(const EVP_PKEY *pkey)
{
	uint8_t bytes[32];
	size_t n = sizeof(bytes);

	if (EVP_PKEY_get_raw_public_key(pkey, bytes, &n) != 1)
		return NULL;
	return json_bytes(bytes, n);
}

json_t *
jwk_required_json(const struct jwk *k)
{
	const struct jws_info *info = jws_info(k->alg);

	/* "o" takes over the reference; a NULL makes the result NULL */
	switch (info->kind) {
	case JWS_HMAC:
		return json_pack("{s:s, s:o}", "kty", "oct", "k",
				 json_bytes((const uint8_t *)k->secret.p,
					    k->secret.n));
	case JWS_RSA:
	case JWS_PSS:
		return json_pack("{s:s, s:o, s:o}", "kty", "RSA", "n",
				 json_number(k->pkey, OSSL_PKEY_PARAM_RSA_N, 0),
				 "e",
				 json_number(k->pkey, OSSL_PKEY_PARAM_RSA_E,
					     0));
	case JWS_ECDSA:
		return json_pack("{s:s, s:s, s:o, s:o}", "kty", "EC", "crv",
				 info->curve, "x",
				 json_number(k->pkey, OSSL_PKEY_PARAM_EC_PUB_X,
					     info->size),
				 "y",
				 json_number(k->pkey, OSSL_PKEY_PARAM_EC_PUB_Y,
					     info->size));
	case JWS_ED25519:
		return json_pack("{s:s, s:s, s:o}", "kty", "OKP", "crv",
				 info->curve, "x", json_raw(k->pkey));
	}
	return NULL;
}

json_t *
jwk_public_json(const struct jwk *k)
{
	json_t *jwk;

	if (k->pkey == NULL)
		return NULL;
	jwk = jwk_required_json(k);
	if (json_object_set_new(jwk, "use", json_string("sig")) != 0 ||
	    json_object_set_new(jwk, "alg",
				json_string(jws_alg_name(k->alg))) != 0 ||
	    json_object_set_new(jwk, "kid", json_string(k->kid)) != 0) {
		json_decref(jwk);
		return NULL;
	}
	return jwk;
}
