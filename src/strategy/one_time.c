/* SPDX-License-Identifier: MIT */
/* The secrets of links and tickets. */
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

static struct str
write_print(const uint8_t print[PASSWORD_PRINT_BYTES],
	    char text[ONE_TIME_PRINT_CHARS])
{
	base64url_encode(print, PASSWORD_PRINT_BYTES, text);
	return (struct str){ .p = text, .n = ONE_TIME_PRINT_CHARS };
}

struct str
one_time_print(struct str hash, char text[ONE_TIME_PRINT_CHARS])
{
	uint8_t print[PASSWORD_PRINT_BYTES];

	password_print(hash, print);
	return write_print(print, text);
}

bool
one_time_print_fits(struct str print, struct str hash)
{
	uint8_t replaced[PASSWORD_PRINT_BYTES];
	char text[ONE_TIME_PRINT_CHARS];

	return secret_equal(print, one_time_print(hash, text)) ||
	       (password_replaced(hash, replaced) &&
		secret_equal(print, write_print(replaced, text)));
}
