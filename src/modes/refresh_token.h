/* SPDX-License-Identifier: MIT */
/*
 * Refresh tokens: base64url of
 *
 *	version (1) | session id (16) | generation (4) | secret (32) | tag (16)
 *
 * The tag is a MAC of all before it under a key that the store keeps for all
 * instances.  Garbage costs no look-up, and an old token is proven to be ours:
 * only such a one ends a session when it comes back.  The tag alone opens
 * nothing: the store's hash decides.
 */
#ifndef MODES_REFRESH_TOKEN_H
#define MODES_REFRESH_TOKEN_H

#include "strategy/session_store.h"
#include "base/enc.h"

#define REFRESH_SECRET_BYTES 32
#define REFRESH_TOKEN_BYTES  (1 + SESSION_ID_BYTES + 4 + REFRESH_SECRET_BYTES + 16)
#define REFRESH_TOKEN_CHARS  BASE64URL_LEN(REFRESH_TOKEN_BYTES)

struct refresh_token {
	struct session_id session;
	uint32_t generation;
	uint8_t secret[REFRESH_SECRET_BYTES];
};

/* Writes REFRESH_TOKEN_CHARS characters, no NUL. */
void refresh_token_write(const struct refresh_token *t, const uint8_t key[32],
			 char *out);

/* False for what was not written with this key. */
bool refresh_token_read(struct str text, const uint8_t key[32],
			struct refresh_token *out) MUST_USE;

/* What the store keeps of it. */
void refresh_token_hash(const struct refresh_token *t, const uint8_t key[32],
			struct token_hash *out);

/*
 * The secret of the successor, readable only with that of `parent`; the same
 * call undoes it.
 */
void refresh_token_wrap(const struct refresh_token *parent,
			const uint8_t in[REFRESH_SECRET_BYTES],
			uint8_t out[REFRESH_SECRET_BYTES]);

#endif
