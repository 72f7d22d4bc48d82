/* SPDX-License-Identifier: MIT */
/* SHA-256 and HMAC-SHA-256. */
#include "crypto/digest.h"

/*
 * OpenSSL 3 declares these functions deprecated, but keeps them. Its EVP
 * functions need a digest object and a context, and take 1.7 times as long when
 * both are kept, and 6 times as long when they are found for each message.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <sodium.h>
#include <string.h>

#include "base/secret.h"

_Static_assert(DIGEST_BYTES == SHA256_DIGEST_LENGTH, "SHA-256");
_Static_assert(DIGEST_BYTES == crypto_auth_hmacsha256_BYTES, "HMAC-SHA-256");

int
crypto_init(void)
{
	return sodium_init() < 0 ? -1 : 0;
}

/* libsodium needs a valid pointer even for no bytes. */
static const unsigned char *
bytes_of(struct str s)
{
	return (const unsigned char *)(s.n > 0 ? s.p : "");
}

void
digest_sha256(struct str s, uint8_t out[DIGEST_BYTES])
{
	SHA256_CTX state;

	/* All of these always return 1. */
	(void)SHA256_Init(&state);
	(void)SHA256_Update(&state, bytes_of(s), s.n);
	(void)SHA256_Final(out, &state);
	secret_wipe(&state, sizeof(state));
}

void
digest_hmac(const uint8_t key[DIGEST_BYTES], const char *label,
	    struct str message, uint8_t out[DIGEST_BYTES])
{
	crypto_auth_hmacsha256_state state;

	/* All of these always return 0. The label includes its NUL. */
	(void)crypto_auth_hmacsha256_init(&state, key, DIGEST_BYTES);
	(void)crypto_auth_hmacsha256_update(&state,
					    (const unsigned char *)label,
					    strlen(label) + 1);
	(void)crypto_auth_hmacsha256_update(&state, bytes_of(message),
					    message.n);
	(void)crypto_auth_hmacsha256_final(&state, out);
	secret_wipe(&state, sizeof(state));
}
