/* SPDX-License-Identifier: MIT */
/* SHA-256 and HMAC-SHA-256 (RFC 2104), by libsodium.  Any thread. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "base/base.h"

#define DIGEST_BYTES	32

/* Once, before any other function of this folder.  -1: unusable. */
int crypto_init(void) MUST_USE;

void digest_sha256(struct str s, uint8_t out[DIGEST_BYTES]);

/* HMAC over a label, a zero byte, and the message: labels keep apart what
 * one key is used for. */
void digest_hmac(const uint8_t key[DIGEST_BYTES], const char *label,
		 struct str message, uint8_t out[DIGEST_BYTES]);

#endif
