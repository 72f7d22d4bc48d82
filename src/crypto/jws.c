/* SPDX-License-Identifier: MIT */
/* Finds algorithms by name, and chooses the oracle. */
#include "crypto/jws.h"

#include <assert.h>
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/jws_oracle.h"

/* RFC 7518 sections 3.2 to 3.5, RFC 8037 section 3.1. */
static const struct jws_info infos[JWS_ALGS] = {
	[JWS_NONE] = { .name = "" },
	[JWS_HS256] = { "HS256", JWS_HMAC, "SHA256", 32, NULL, NULL },
	[JWS_HS384] = { "HS384", JWS_HMAC, "SHA384", 48, NULL, NULL },
	[JWS_HS512] = { "HS512", JWS_HMAC, "SHA512", 64, NULL, NULL },
	[JWS_RS256] = { "RS256", JWS_RSA, "SHA256", 0, NULL, NULL },
	[JWS_RS384] = { "RS384", JWS_RSA, "SHA384", 0, NULL, NULL },
	[JWS_RS512] = { "RS512", JWS_RSA, "SHA512", 0, NULL, NULL },
	[JWS_PS256] = { "PS256", JWS_PSS, "SHA256", 0, NULL, NULL },
	[JWS_PS384] = { "PS384", JWS_PSS, "SHA384", 0, NULL, NULL },
	[JWS_PS512] = { "PS512", JWS_PSS, "SHA512", 0, NULL, NULL },
	[JWS_ES256] = { "ES256", JWS_ECDSA, "SHA256", 32, "P-256",
			"prime256v1" },
	[JWS_ES384] = { "ES384", JWS_ECDSA, "SHA384", 48, "P-384",
			"secp384r1" },
	[JWS_ES512] = { "ES512", JWS_ECDSA, "SHA512", 66, "P-521",
			"secp521r1" },
	[JWS_EDDSA] = { "EdDSA", JWS_ED25519, NULL, 64, "Ed25519", NULL },
};

const char *const jws_alg_names[] = {
	"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
	"PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", NULL,
};
_Static_assert(ARRAY_LEN(jws_alg_names) == JWS_ALGS, "all but none, and NULL");

const struct jws_info *
jws_info(enum jws_alg alg)
{
	assert(alg > JWS_NONE && alg < JWS_ALGS);
	return &infos[alg];
}

enum jws_alg
jws_alg_from_name(struct str name)
{
	for (enum jws_alg alg = JWS_HS256; alg < JWS_ALGS; alg++) {
		if (str_eq(name, str_from(infos[alg].name)))
			return alg;
	}
	return JWS_NONE;
}

const char *
jws_alg_name(enum jws_alg alg)
{
	assert(alg < JWS_ALGS);
	return infos[alg].name;
}

bool
jws_alg_is_hmac(enum jws_alg alg)
{
	return alg != JWS_NONE && jws_info(alg)->kind == JWS_HMAC;
}

const char *
jws_typ(enum jws_alg alg)
{
	return jws_alg_is_hmac(alg) ? "JWT" : "at+jwt";
}

/* JSON needs no escape in any of these texts. */
struct str
jws_header(const struct jwk *key, char text[JWS_HEADER_MAX + 1])
{
	int n = snprintf(text, JWS_HEADER_MAX + 1,
			 "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"%s\"}",
			 jws_alg_name(key->alg), key->kid, jws_typ(key->alg));

	assert(n > 0 && n <= JWS_HEADER_MAX);
	return (struct str){ .p = text, .n = (size_t)n };
}

bool
jws_split(struct str token, struct jws_parts *out)
{
	struct jws_parts p;
	struct str rest = token;

	if (!str_cut(&rest, '.', &p.header) ||
	    !str_cut(&rest, '.', &p.payload) ||
	    !str_cut(&rest, '.', &p.signature) || rest.p != NULL)
		return false;
	if (p.header.n == 0 || p.payload.n == 0 || p.signature.n == 0)
		return false;
	p.signed_text = (struct str){ token.p, token.n - p.signature.n - 1 };
	*out = p;
	return true;
}

int
jws_sign(const struct jwk *key, struct str header, struct str payload,
	 struct arena *a, struct str *token, struct err *err)
{
	if (!key->can_sign)
		return err_set(err, ERR_CONFIG, "a public key cannot sign");
	if (header.n > JWS_MAX_BYTES || payload.n > JWS_MAX_BYTES)
		return err_set(err, ERR_LIMIT,
			       "header and payload are too "
			       "long to be signed");
	if (jws_alg_is_hmac(key->alg))
		return jws_libjwt_sign(key, payload, a, token, err);
	return jws_evp_sign(key, header, payload, a, token, err);
}

int
jws_verify(const struct jwk *key, struct str token, struct arena *a,
	   enum jws_answer *answer, struct err *err)
{
	if (jws_alg_is_hmac(key->alg))
		return jws_libjwt_verify(key, token, a, answer, err);
	return jws_evp_verify(key, token, answer, err);
}

int
jws_verify_bytes(const struct jwk *key, struct str token,
		 enum jws_answer *answer, struct err *err)
{
	return jws_evp_verify(key, token, answer, err);
}
