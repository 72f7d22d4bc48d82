/* SPDX-License-Identifier: MIT */
/* Origin check and form tokens. */
#include "auth/csrf.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/secret.h"
#include "crypto/digest.h"

struct csrf_key {
	pthread_mutex_t lock; /* guards what follows; not held across I/O */
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
get_key(struct exchange *e, uint8_t out[DIGEST_BYTES], struct err *err)
{
	struct csrf_key *k = e->service->csrf;
	const struct service *s = e->service;
	int rc;

	if (known_key(k, out))
		return 0;
	if (env_random(e->call.env, out, DIGEST_BYTES) != 0)
		return err_set(err, ERR_INTERNAL, "no entropy");
	rc = s->mode_ops->secret != NULL ?
	    s->mode_ops->secret(s->mode, "csrf", out, err) :
	    store_secret(e->call.store, "csrf", out, err);
	if (rc != 0)
		return -1;
	(void)pthread_mutex_lock(&k->lock);
	memcpy(k->key, out, DIGEST_BYTES);
	k->known = true;
	(void)pthread_mutex_unlock(&k->lock);
	return 0;
}

int
csrf_token(struct exchange *e, struct str binding, struct str *token,
	   struct err *err)
{
	uint8_t key[DIGEST_BYTES], mac[DIGEST_BYTES];
	char *text = arena_alloc(e->call.arena, CSRF_TOKEN_CHARS);

	if (text == NULL)
		return err_nomem(err);
	if (get_key(e, key, err) != 0)
		return -1;
	digest_hmac(key, "csrf", binding, mac);
	secret_wipe(key, sizeof(key));
	base64url_encode(mac, sizeof(mac), text);
	*token = (struct str){ .p = text, .n = CSRF_TOKEN_CHARS };
	return 0;
}

int
csrf_verify(struct exchange *e, struct str binding, struct str token, bool *ok,
	    struct err *err)
{
	struct str right;

	if (csrf_token(e, binding, &right, err) != 0)
		return -1;
	*ok = binding.n > 0 && secret_equal(right, token);
	return 0;
}

/* "https://host:port" into its parts; no port is the scheme's own. */
static bool
split_origin(struct str origin, bool *https, struct str *host,
	     struct str *port)
{
	struct str rest;
	size_t colon;

	*https = str_starts(origin, STR("https://"));
	if (!*https && !str_starts(origin, STR("http://")))
		return false;
	rest = str_skip(origin, *https ? 8 : 7);
	colon = rest.n;
	/* The last colon, unless it is inside the brackets of an IPv6 host. */
	for (size_t i = rest.n; i > 0 && rest.p[i - 1] != ']'; i--) {
		if (rest.p[i - 1] == ':')
			colon = i - 1;
	}
	*host = (struct str){ .p = rest.p, .n = colon };
	*port = str_skip(rest, colon + 1);
	if (port->n == 0)
		*port = *https ? STR("443") : STR("80");
	return host->n > 0;
}

static bool
is_own_host(const struct http_request *in, struct str origin)
{
	struct str host, port;
	bool https;

	if (!split_origin(origin, &https, &host, &port) ||
	    https != in->https || !str_eq(host, in->host))
		return false;
	/* Behind a forwarded port the server knows another one than the
	 * browser, which then says itself whose page it was. */
	if (str_eq(in->fetch_site, STR("same-origin")))
		return true;
	if (in->host_port.n > 0)
		return str_eq(port, in->host_port);
	return in->server_port.n == 0 || str_eq(port, in->server_port);
}

/* Scheme, host and port of a URL: what is before its path. */
static struct str
url_origin(struct str url)
{
	size_t slashes = 0, n = 0;

	for (; n < url.n; n++) {
		if (url.p[n] == '/' && ++slashes == 3)
			break;
	}
	return (struct str){ .p = url.p, .n = n };
}

bool
csrf_origin_is_ours(const struct exchange *e)
{
	const struct settings *set = e->service->set;
	struct str origin = e->in->origin;

	if (origin.p == NULL || is_own_host(e->in, origin))
		return true;
	if (set->server.login_url.n > 0 &&
	    str_eq(origin, url_origin(set->server.login_url)))
		return true;
	return words_have(&set->cors.origins, origin);
}
