/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 by libcrypto, which uses the instructions of the processor for it,
 * and HMAC-SHA-256 (RFC 2104) by libsodium. Any thread may call the functions.
 */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "base/base.h"

#define DIGEST_BYTES 32

/* Initialises the library. It must be called once, before any other function
 * of this folder. Returns -1 when the library cannot be used. */
int crypto_init(void) MUST_USE;

void digest_sha256(struct str s, uint8_t out[DIGEST_BYTES]);

/* Computes the HMAC of a label, a zero byte and the message. Different labels
 * separate the uses of one key. */
void digest_hmac(const uint8_t key[DIGEST_BYTES], const char *label,
		 struct str message, uint8_t out[DIGEST_BYTES]);

#endif
