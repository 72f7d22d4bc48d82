/* SPDX-License-Identifier: MIT */
/*
 * Refresh tokens. A token is base64url of
 *
 *	version (1) | session id (16) | generation (4) | secret (32) | tag (16)
 *
 * The tag is a MAC of all bytes before it under a key that the store keeps for
 * all instances. A value without a valid tag is refused without reading a
 * session, and an old token that is presented again ends its session only if
 * the tag proves that the service has issued it. The tag alone gives no
 * access: the token must match the hash in the store.
 */
#ifndef MODES_REFRESH_TOKEN_H
#define MODES_REFRESH_TOKEN_H

#include "strategy/session_store.h"
#include "base/enc.h"

#define REFRESH_SECRET_BYTES 32
#define REFRESH_TOKEN_BYTES                                                    \
	(1 + SESSION_ID_BYTES + 4 + REFRESH_SECRET_BYTES + 16)
#define REFRESH_TOKEN_CHARS BASE64URL_LEN(REFRESH_TOKEN_BYTES)

struct refresh_token {
	struct session_id session;
	uint32_t generation;
	uint8_t secret[REFRESH_SECRET_BYTES];
};

/* Writes REFRESH_TOKEN_CHARS characters, without a NUL. */
void refresh_token_write(const struct refresh_token *t, const uint8_t key[32],
			 char *out);

/* Reads a token; returns false if it was not written with this key. */
bool refresh_token_read(struct str text, const uint8_t key[32],
			struct refresh_token *out) MUST_USE;

/* Computes the hash that the store keeps of a token. */
void refresh_token_hash(const struct refresh_token *t, const uint8_t key[32],
			struct token_hash *out);

/*
 * Encrypts the secret of the successor with the secret of `parent`; the same
 * call decrypts it.
 */
void refresh_token_wrap(const struct refresh_token *parent,
			const uint8_t in[REFRESH_SECRET_BYTES],
			uint8_t out[REFRESH_SECRET_BYTES]);

#endif
