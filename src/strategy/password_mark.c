/* SPDX-License-Identifier: MIT */
/* The mark of the password that a session was made with. */
#include "strategy/password_mark.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/digest.h"
#include "crypto/password.h"

static int
find_key(const struct call *c, uint8_t key[DIGEST_BYTES], struct err *err)
{
	if (env_random(c->env, key, DIGEST_BYTES) != 0)
		return err_norandom(err);
	return store_secret(c->store, c, "password", key, err);
}

static void
password_mark_hmac(const uint8_t key[DIGEST_BYTES],
		   const uint8_t print[PASSWORD_PRINT_BYTES],
		   struct password_mark *out)
{
	const struct str message = { .p = (const char *)print,
				     .n = PASSWORD_PRINT_BYTES };
	uint8_t digest[DIGEST_BYTES];

	digest_hmac(key, "mark", message, digest);
	memcpy(out->b, digest, sizeof(out->b));
}

int
password_mark_make(const struct call *c, struct str hash,
		   struct password_mark *out, struct err *err)
{
	uint8_t key[DIGEST_BYTES], print[PASSWORD_PRINT_BYTES];

	if (find_key(c, key, err) != 0)
		return -1;
	password_print(hash, print);
	password_mark_hmac(key, print, out);
	secret_wipe(key, sizeof(key));
	return 0;
}

static bool
password_mark_same(const struct password_mark *a, const struct password_mark *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Compares with the key that the connection knows. */
static int
password_mark_compare(const struct call *c, const struct password_mark *mark,
		      struct str hash, bool *fits, struct password_mark *now,
		      struct err *err)
{
	uint8_t key[DIGEST_BYTES], print[PASSWORD_PRINT_BYTES];
	struct password_mark before;

	if (find_key(c, key, err) != 0)
		return -1;
	password_print(hash, print);
	password_mark_hmac(key, print, now);
	*fits = !password_mark_is_known(mark) || password_mark_same(mark, now);
	if (!*fits && password_replaced(hash, print)) {
		password_mark_hmac(key, print, &before);
		*fits = password_mark_same(mark, &before);
	}
	secret_wipe(key, sizeof(key));
	return 0;
}

int
password_mark_fits(const struct call *c, const struct password_mark *mark,
		   struct str hash, bool *fits, struct password_mark *now,
		   struct err *err)
{
	struct password_mark is;
	bool does;

	if (password_mark_compare(c, mark, hash, &does, &is, err) != 0)
		return -1;
	if (!does) {
		/* The key may be another one since it was read. */
		store_forget_secrets(c->store);
		if (password_mark_compare(c, mark, hash, &does, &is, err) != 0)
			return -1;
	}
	*fits = does;
	*now = is;
	return 0;
}
