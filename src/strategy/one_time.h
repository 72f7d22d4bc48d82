/* SPDX-License-Identifier: MIT */
/*
 * The secrets of links: 256 random bits, written in base64url. The
 * factor store keeps only the hash (strategy/factor_store.h), so nobody who
 * reads it can use them.
 */
#ifndef STRATEGY_ONE_TIME_H
#define STRATEGY_ONE_TIME_H

#include "strategy/factors.h"
#include "base/enc.h"

#define ONE_TIME_BYTES 32
#define ONE_TIME_CHARS BASE64URL_LEN(ONE_TIME_BYTES)

/* Makes a secret and stores its hash; *what has no hash. */
int one_time_make(struct factors_conn *factors, const struct call *c,
		  const struct one_time *what, bool alone,
		  char text[ONE_TIME_CHARS], struct err *err) MUST_USE;

/* Returns false when the text cannot be such a secret. */
bool one_time_read(struct str text, struct one_time_hash *out) MUST_USE;

#endif
