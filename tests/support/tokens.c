/* SPDX-License-Identifier: MIT */
/* Valid and invalid keys and tokens of all algorithms. */
#include "tests/support/tokens.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/buf.h"
#include "base/enc.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/jws_oracle.h"
#include "tests/unit/crypto/vectors/test_keys.h"

_Static_assert(ARRAY_LEN(test_keys) == JWS_ALGS - 1,
	       "there must be one key per algorithm");

const struct jwt_policy tokens_policy = {
	.issuer = { .p = "https://auth.example.com", .n = 24 },
	.audience = { .p = "example", .n = 7 },
	.ttl = 600,
	.leeway = 30,
};

struct jwk *
tokens_key(enum jws_alg alg)
{
	struct jwk *key = NULL;
	struct err err;

	assert(jwk_from_json(str_from(test_keys[alg - 1]), JWS_NONE, &key,
			     &err) == 0);
	assert(key->alg == alg);
	return key;
}

static void
free_key(void *key)
{
	jwk_free(key);
}

void
tokens_keys(struct arena *a, enum jws_alg alg, struct keyring *out)
{
	assert(crypto_init() == 0);
	*out = (struct keyring){ .n = 0 };
	for (size_t i = 0; i < ARRAY_LEN(test_keys); i++) {
		struct keyring_entry *e = &out->v[out->n++];

		e->key = tokens_key((enum jws_alg)(i + 1));
		assert(arena_defer(a, free_key, e->key) == 0);
		e->state = KEY_RETIRING;
		if (e->key->alg == alg) {
			e->state = KEY_ACTIVE;
			out->signer = e->key;
		}
	}
}

struct member {
	const char *name, *text;
};

static bool
is_dropped(const char *name, const char *drop)
{
	struct str rest = str_from(drop), one;

	while (str_cut(&rest, ',', &one)) {
		if (str_eq(one, str_from(name)))
			return true;
	}
	return false;
}

static struct str
object(struct arena *a, const struct member *v, size_t n, const char *drop,
       const char *add)
{
	const char *comma = "";
	struct buf b;

	buf_init(&b, a, JWT_MAX_BYTES * 2);
	buf_add_char(&b, '{');
	for (size_t i = 0; i < n; i++) {
		if (is_dropped(v[i].name, drop))
			continue;
		buf_printf(&b, "%s\"%s\":%s", comma, v[i].name, v[i].text);
		comma = ",";
	}
	if (add != NULL)
		buf_printf(&b, "%s%s", comma, add);
	buf_add_char(&b, '}');
	assert(!buf_failed(&b));
	return buf_str(&b);
}

struct str
tokens_header(struct arena *a, const struct jwk *key, const char *drop,
	      const char *add)
{
	struct buf alg, kid;

	buf_init(&alg, a, 64);
	buf_init(&kid, a, 64);
	buf_printf(&alg, "\"%s\"", jws_alg_name(key->alg));
	buf_add_char(&alg, '\0');
	buf_printf(&kid, "\"%s\"", key->kid);
	buf_add_char(&kid, '\0');

	const struct member members[] = {
		{ "alg", buf_str(&alg).p },
		{ "kid", buf_str(&kid).p },
		{ "typ", jws_alg_is_hmac(key->alg) ? "\"JWT\"" : "\"at+jwt\"" },
	};

	return object(a, members, ARRAY_LEN(members), drop, add);
}

struct str
tokens_payload(struct arena *a, const char *drop, const char *add)
{
	static const struct member members[] = {
		{ "iss", "\"https://auth.example.com\"" },
		{ "aud", "\"example\"" },
		{ "sub", "\"alice\"" },
		{ "client_id", "\"fcgiauth\"" },
		{ "exp", "1767226190" }, /* TOKENS_NOW + 590 */
		{ "iat", "1767225590" }, /* TOKENS_NOW - 10 */
		{ "jti", "\"00112233445566778899aabbccddeeff\"" },
		{ "sid", "\"ffeeddccbbaa99887766554433221100\"" },
		{ "roles", "[\"admin\",\"app:user\"]" },
		{ "email", "\"alice@example.com\"" },
		{ "name", "\"Alice Ex\\u00e4mple\"" },
	};

	return object(a, members, ARRAY_LEN(members), drop, add);
}

struct str
tokens_encode(struct arena *a, struct str bytes)
{
	size_t n = BASE64URL_LEN(bytes.n);
	char *p = arena_alloc(a, n + 1);

	assert(p != NULL);
	base64url_encode((const uint8_t *)bytes.p, bytes.n, p);
	return (struct str){ .p = p, .n = n };
}

static struct str
join(struct arena *a, struct str one, struct str two)
{
	struct buf b;

	buf_init(&b, a, one.n + two.n + 2);
	buf_add(&b, one);
	buf_add_char(&b, '.');
	buf_add(&b, two);
	assert(!buf_failed(&b));
	return buf_str(&b);
}

struct str
tokens_sign_text(struct arena *a, const struct jwk *key, struct str text)
{
	uint8_t bytes[64];
	size_t n = sizeof(bytes);
	unsigned mac = 0;

	if (key->pkey == NULL) {
		assert(HMAC(key->md, key->secret.p, (int)key->secret.n,
			    (const uint8_t *)text.p, text.n, bytes,
			    &mac) != NULL);
		n = mac;
	} else {
		EVP_MD_CTX *m = EVP_MD_CTX_new();

		assert(key->alg == JWS_EDDSA && m != NULL);
		assert(EVP_DigestSignInit(m, NULL, NULL, NULL, key->pkey) == 1);
		assert(EVP_DigestSign(m, bytes, &n, (const uint8_t *)text.p,
				      text.n) == 1);
		EVP_MD_CTX_free(m);
	}
	return join(a, text,
		    tokens_encode(a, (struct str){ (const char *)bytes, n }));
}

struct str
tokens_sign(struct arena *a, const struct jwk *key, struct str header,
	    struct str payload)
{
	struct err err;
	struct str token;

	if (key->pkey == NULL || key->alg == JWS_EDDSA)
		return tokens_sign_text(a, key,
					join(a, tokens_encode(a, header),
					     tokens_encode(a, payload)));
	assert(jws_evp_sign(key, header, payload, a, &token, &err) == 0);
	return token;
}
