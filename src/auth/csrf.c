/* SPDX-License-Identifier: MIT */
/* Tokens of forms. */
#include "auth/csrf.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/secret.h"
#include "crypto/digest.h"

struct csrf_key {
	/* Guards the members below; not held across I/O. */
	pthread_mutex_t lock;
	bool known;
	uint8_t key[DIGEST_BYTES];
};

struct csrf_key *
csrf_key_new(void)
{
	struct csrf_key *k = calloc(1, sizeof(*k));

	if (k != NULL)
		(void)pthread_mutex_init(&k->lock, NULL); /* cannot fail */
	return k;
}

void
csrf_key_free(void *key)
{
	struct csrf_key *k = key;

	if (k == NULL)
		return;
	(void)pthread_mutex_destroy(&k->lock);
	secret_wipe(k->key, sizeof(k->key));
	free(k);
}

static bool
known_key(struct csrf_key *k, uint8_t out[DIGEST_BYTES])
{
	bool known;

	(void)pthread_mutex_lock(&k->lock);
	known = k->known;
	if (known)
		memcpy(out, k->key, DIGEST_BYTES);
	(void)pthread_mutex_unlock(&k->lock);
	return known;
}

static int
get_key(struct request_context *ctx, uint8_t out[DIGEST_BYTES], struct err *err)
{
	struct csrf_key *k = ctx->service->csrf;
	const struct service *s = ctx->service;
	int rc;

	if (known_key(k, out))
		return 0;
	if (env_random(ctx->call.env, out, DIGEST_BYTES) != 0)
		return err_norandom(err);
	rc = s->mode_ops->secret != NULL ?
		 s->mode_ops->secret(s->mode, "csrf", out, err) :
		 store_secret(ctx->call.store, &ctx->call, "csrf", out, err);
	if (rc != 0)
		return -1;
	(void)pthread_mutex_lock(&k->lock);
	memcpy(k->key, out, DIGEST_BYTES);
	k->known = true;
	(void)pthread_mutex_unlock(&k->lock);
	return 0;
}

int
csrf_token(struct request_context *ctx, struct str binding, struct str *token,
	   struct err *err)
{
	uint8_t key[DIGEST_BYTES], mac[DIGEST_BYTES];
	char *text = arena_alloc(ctx->call.arena, CSRF_TOKEN_CHARS);

	if (text == NULL)
		return err_nomem(err);
	if (get_key(ctx, key, err) != 0)
		return -1;
	digest_hmac(key, "csrf", binding, mac);
	secret_wipe(key, sizeof(key));
	base64url_encode(mac, sizeof(mac), text);
	*token = (struct str){ .p = text, .n = CSRF_TOKEN_CHARS };
	return 0;
}

/* The store may have been emptied or replaced, and have another key since. */
static void
forget_key(struct request_context *ctx)
{
	struct csrf_key *k = ctx->service->csrf;

	if (ctx->service->mode_ops->secret != NULL)
		return;
	(void)pthread_mutex_lock(&k->lock);
	k->known = false;
	(void)pthread_mutex_unlock(&k->lock);
	store_forget_secrets(ctx->call.store);
}

int
csrf_verify(struct request_context *ctx, struct str binding, struct str token,
	    bool *ok, struct err *err)
{
	struct str right;
	bool fits = false;

	for (int tries = 0; binding.n > 0 && !fits && tries < 2; tries++) {
		if (tries > 0)
			forget_key(ctx);
		if (csrf_token(ctx, binding, &right, err) != 0)
			return -1;
		fits = secret_equal(right, token);
	}
	*ok = fits;
	return 0;
}
