/* SPDX-License-Identifier: MIT */
/* The secrets of links. */
#include "strategy/one_time.h"

#include "base/secret.h"
#include "crypto/digest.h"

bool
one_time_read(struct str text, struct one_time_hash *out)
{
	uint8_t secret[ONE_TIME_BYTES];

	if (!base64url_decode(text, secret, sizeof(secret)))
		return false;
	digest_sha256((struct str){ .p = (const char *)secret,
				    .n = sizeof(secret) },
		      out->b);
	secret_wipe(secret, sizeof(secret));
	return true;
}

int
one_time_make(struct factors_conn *factors, const struct call *c,
	      const struct one_time *what, bool alone,
	      char text[ONE_TIME_CHARS], struct err *err)
{
	struct one_time secret = *what;
	uint8_t bytes[ONE_TIME_BYTES];

	if (env_random(c->env, bytes, sizeof(bytes)) != 0)
		return err_norandom(err);
	base64url_encode(bytes, sizeof(bytes), text);
	digest_sha256((struct str){ .p = (const char *)bytes,
				    .n = sizeof(bytes) },
		      secret.hash.b);
	secret_wipe(bytes, sizeof(bytes));
	return factors_one_time_put(factors, c, &secret, alone, err);
}
