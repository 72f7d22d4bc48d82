/* SPDX-License-Identifier: MIT */
/* Encoding of refresh tokens. */
#include "modes/refresh_token.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/digest.h"

#define TOKEN_VERSION 1
#define AT_SESSION    1
#define AT_GENERATION (AT_SESSION + SESSION_ID_BYTES)
#define AT_SECRET     (AT_GENERATION + 4)
#define AT_TAG	      (AT_SECRET + REFRESH_SECRET_BYTES)
#define TAG_BYTES     (REFRESH_TOKEN_BYTES - AT_TAG)

static struct str
bytes(const uint8_t *p, size_t n)
{
	return (struct str){ .p = (const char *)p, .n = n };
}

static void
put_generation(uint8_t *p, uint32_t generation)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (uint8_t)(generation >> (24 - 8 * i));
}

/* Writes all bytes of a token, including the tag. */
static void
assemble(const struct refresh_token *t, const uint8_t key[32],
	 uint8_t raw[REFRESH_TOKEN_BYTES])
{
	uint8_t tag[DIGEST_BYTES];

	raw[0] = TOKEN_VERSION;
	memcpy(raw + AT_SESSION, t->session.b, SESSION_ID_BYTES);
	put_generation(raw + AT_GENERATION, t->generation);
	memcpy(raw + AT_SECRET, t->secret, REFRESH_SECRET_BYTES);
	digest_hmac(key, "refresh token", bytes(raw, AT_TAG), tag);
	memcpy(raw + AT_TAG, tag, TAG_BYTES);
}

void
refresh_token_write(const struct refresh_token *t, const uint8_t key[32],
		    char *out)
{
	uint8_t raw[REFRESH_TOKEN_BYTES];

	assemble(t, key, raw);
	base64url_encode(raw, sizeof(raw), out);
	secret_wipe(raw, sizeof(raw));
}

bool
refresh_token_read(struct str text, const uint8_t key[32],
		   struct refresh_token *out)
{
	uint8_t raw[REFRESH_TOKEN_BYTES], right[REFRESH_TOKEN_BYTES];
	struct refresh_token t = { .generation = 0 };
	bool ok = base64url_decode(text, raw, sizeof(raw));

	if (ok) {
		memcpy(t.session.b, raw + AT_SESSION, SESSION_ID_BYTES);
		memcpy(t.secret, raw + AT_SECRET, REFRESH_SECRET_BYTES);
		for (size_t i = 0; i < 4; i++)
			t.generation =
			    t.generation << 8 | raw[AT_GENERATION + i];
		/* This compares version and tag at once. */
		assemble(&t, key, right);
		ok = secret_equal(bytes(raw, sizeof(raw)),
				  bytes(right, sizeof(right)));
		secret_wipe(right, sizeof(right));
	}
	secret_wipe(raw, sizeof(raw));
	if (ok)
		*out = t;
	secret_wipe(&t, sizeof(t));
	return ok;
}

void
refresh_token_hash(const struct refresh_token *t, const uint8_t key[32],
		   struct token_hash *out)
{
	uint8_t raw[REFRESH_TOKEN_BYTES];

	assemble(t, key, raw);
	digest_sha256(bytes(raw, sizeof(raw)), out->b);
	secret_wipe(raw, sizeof(raw));
}

void
refresh_token_wrap(const struct refresh_token *parent,
		   const uint8_t in[REFRESH_SECRET_BYTES],
		   uint8_t out[REFRESH_SECRET_BYTES])
{
	uint8_t about[SESSION_ID_BYTES + 4], pad[DIGEST_BYTES];

	memcpy(about, parent->session.b, SESSION_ID_BYTES);
	put_generation(about + SESSION_ID_BYTES, parent->generation + 1);
	digest_hmac(parent->secret, "wrap", bytes(about, sizeof(about)), pad);
	for (size_t i = 0; i < REFRESH_SECRET_BYTES; i++)
		out[i] = in[i] ^ pad[i];
	secret_wipe(pad, sizeof(pad));
}
