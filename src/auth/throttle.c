/* SPDX-License-Identifier: MIT */
/* Regulation of attempts to sign in. */
#include "auth/throttle.h"

#include <string.h>

#include "auth/audit.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/network.h"
#include "base/secret.h"
#include "crypto/digest.h"

/* A /48 may have this many times as many failures as a /64. It contains 65,536
 * networks, which may belong to several households. */
#define WIDER 10

/* A network that was learned more recently than this is not written again. */
#define FRESH_MS (INT64_C(86400) * 1000)

static uint64_t
hash(struct str s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * UINT64_C(0x100000001b3);
	return h;
}

bool
throttle_trusts(const struct request_context *ctx)
{
	const struct words *trusted = &ctx->service->set->limits.trusted;
	struct address address;
	struct network network;

	if (!address_parse(ctx->in->remote_addr, &address))
		return false;
	for (size_t i = 0; i < trusted->n; i++)
		if (network_parse(trusted->v[i], &network) &&
		    network_has(&network, &address))
			return true;
	return false;
}

/* The hash is keyed and includes the name. Somebody who reads the store
 * therefore learns neither the networks of a user nor which users have a
 * network in common. */
static int
hash_network(struct request_context *ctx, struct str user, struct str network,
	     struct known_network *out, struct err *err)
{
	uint8_t key[DIGEST_BYTES], mac[DIGEST_BYTES];
	struct buf b;

	buf_init(&b, ctx->call.arena, 256);
	buf_add(&b, network);
	buf_add_char(&b, ' ');
	buf_add(&b, user);
	if (buf_failed(&b))
		return err_nomem(err);
	if (env_random(ctx->call.env, key, sizeof(key)) != 0)
		return err_norandom(err);
	if (store_secret(ctx->call.store, &ctx->call, "networks", key, err) !=
	    0)
		return -1;
	digest_hmac(key, "network", buf_str(&b), mac);
	secret_wipe(key, sizeof(key));
	memcpy(out->b, mac, sizeof(out->b));
	out->until_ms = 0;
	return 0;
}

/* Adds the key of the user, and sets the key that replaces it when the network
 * is known. */
static int
add_user(struct request_context *ctx, struct throttle *t, struct str network,
	 struct err *err)
{
	struct login_keys *k = &t->keys;
	struct known_network here;

	k->v[k->n++].max = ctx->service->set->limits.login_attempts;
	t->kinds[0] = BAN_USER;
	if (ban_key_user(ctx->call.arena, t->user, &k->v[0].key, err) != 0)
		return -1;
	t->has_network = t->has_network && identity_name_is_valid(t->user);
	if (!t->has_network)
		return 0;
	if (hash_network(ctx, t->user, network, &here, err) != 0 ||
	    ban_key_known(ctx->call.arena, t->user, &here, &k->known, err) != 0)
		return -1;
	k->user = t->user;
	memcpy(k->network, here.b, sizeof(k->network));
	return 0;
}

static int64_t
ban_ms(const struct request_context *ctx)
{
	return ctx->service->set->limits.login_ban * 1000;
}

static int64_t
window_ms(const struct request_context *ctx)
{
	return ctx->service->set->limits.login_window * 1000;
}

int
throttle_begin(struct request_context *ctx, struct str user,
	       struct throttle *out, struct err *err)
{
	const int64_t max = ctx->service->set->limits.login_attempts_address;
	const enum ban_kind kinds[] = { BAN_ADDRESS, BAN_NETWORK };
	struct throttle t = { .user = user,
			      .keys = { .window_ms = window_ms(ctx),
					.ban_ms = ban_ms(ctx),
					.known_ms = THROTTLE_KNOWN_MS } };
	struct str keys[BAN_ADDRESS_KEYS];
	struct address address;
	size_t n;

	t.has_network = address_parse(ctx->in->remote_addr, &address);
	if (ban_key_address(ctx->call.arena, ctx->in->remote_addr, keys, &n,
			    err) != 0 ||
	    add_user(ctx, &t, keys[0], err) != 0)
		return -1;
	if (throttle_trusts(ctx))
		n = 0;
	for (size_t i = 0; i < n; i++) {
		t.kinds[t.keys.n] = kinds[i];
		t.keys.v[t.keys.n++] = (struct login_key){
			.key = keys[i],
			.max = kinds[i] == BAN_NETWORK ? WIDER * max : max,
		};
	}
	*out = t;
	return 0;
}

/* Returns the key that the attempt is counted under at index i. */
static struct str
key_of(const struct throttle *t, size_t i)
{
	return i == 0 && t->count.standing.known ? t->keys.known :
						   t->keys.v[i].key;
}

static enum ban_kind
throttle_kind_of(const struct throttle *t, size_t i)
{
	return i == 0 && t->count.standing.known ? BAN_KNOWN : t->kinds[i];
}

static uint64_t
network_of(struct str address)
{
	struct address a;
	uint64_t network = 0;

	if (!address_parse(address, &a))
		return 0;
	for (size_t i = 0; i < (a.v4 ? 4U : 6U); i++)
		network = network << 8 | a.b[i];
	return network;
}

struct hash_claim
throttle_claim(const struct request_context *ctx, const struct throttle *t)
{
	return (struct hash_claim){ .network = network_of(ctx->in->remote_addr),
				    .account = hash(key_of(t, 0)),
				    .account_max = (unsigned)t->keys.v[0].max };
}

static int64_t
seconds_until(const struct request_context *ctx, int64_t until_ms)
{
	return until_ms <= ctx->call.now_ms ?
		   0 :
		   (until_ms - ctx->call.now_ms + 999) / 1000;
}

int
throttle_wait(struct request_context *ctx, struct throttle *t, int64_t *seconds,
	      struct err *err)
{
	struct login_standing *standing = &t->count.standing;

	if (store_standing(ctx->call.store, &ctx->call, &t->keys, standing,
			   err) != 0)
		return -1;
	*seconds = seconds_until(ctx, standing->banned_until_ms);
	return 0;
}

void
throttle_undo(struct request_context *ctx, const struct throttle *t)
{
	struct err err;

	for (size_t i = 0; i < t->keys.n; i++)
		if (store_give_back(ctx->call.store, &ctx->call, key_of(t, i),
				    t->count.v[i].ends_ms, &err) != 0) {
			LOG(ctx->call.env->log, LOG_WARNING,
			    "attempt_not_taken_back",
			    F_CSTR("reason", err.msg));
			return;
		}
}

/* An attempt counts as a failure until it has succeeded. Parallel attempts can
 * therefore not exceed the maximum, but only a real failure begins a ban. */
int
throttle_count(struct request_context *ctx, struct throttle *t,
	       enum throttle_answer *answer, int64_t *seconds, struct err *err)
{
	const struct login_count *c = &t->count;

	if (store_count(ctx->call.store, &ctx->call, &t->keys, &t->count,
			err) != 0)
		return -1;
	if (c->counted)
		*answer = THROTTLE_COUNTED;
	else if (c->standing.banned_until_ms > 0)
		*answer = THROTTLE_BANNED;
	else
		*answer = THROTTLE_FULL;
	*seconds = seconds_until(ctx, c->standing.banned_until_ms);
	return 0;
}

/* Begins the ban of a key by counting one more attempt. When parallel attempts
 * were removed meanwhile, the key is below its maximum again and the additional
 * attempt is removed as well. */
static int
begin_ban(struct request_context *ctx, const struct throttle *t, size_t i,
	  struct err *err)
{
	const struct attempt_policy policy = { .max = t->keys.v[i].max,
					       .window_ms = window_ms(ctx),
					       .ban_ms = ban_ms(ctx) };
	const struct str key = key_of(t, i);
	struct attempt one_more;

	if (store_attempt(ctx->call.store, &ctx->call, key, &policy, &one_more,
			  err) != 0)
		return -1;
	if (one_more.banned_until_ms == 0)
		return store_give_back(ctx->call.store, &ctx->call, key,
				       one_more.ends_ms, err);
	/* Only the call that began the ban audits it; parallel calls find a ban
	 * that ends at another time. */
	if (one_more.banned_until_ms == ctx->call.now_ms + ban_ms(ctx))
		audit(ctx, "ban", t->user, NULL,
		      ban_kind_names[throttle_kind_of(t, i)].reason);
	return 0;
}

int
throttle_failure(struct request_context *ctx, const struct throttle *t,
		 struct err *err)
{
	for (size_t i = 0; i < t->keys.n; i++)
		if (t->count.v[i].count >= t->keys.v[i].max &&
		    begin_ban(ctx, t, i, err) != 0)
			return -1;
	return 0;
}

/* Returns until when the network is to be stored as known, or 0 when it need
 * not be stored. */
static int64_t
known_until(const struct request_context *ctx, const struct throttle *t)
{
	const int64_t until = ctx->call.now_ms + THROTTLE_KNOWN_MS;
	const int64_t is = t->count.standing.known_until_ms;

	if (!t->has_network || (is > until - FRESH_MS && is <= until))
		return 0;
	return until;
}

int
throttle_success(struct request_context *ctx, const struct throttle *t,
		 struct err *err)
{
	struct login_success s = { .key = key_of(t, 0),
				   .user = t->keys.user,
				   .network.until_ms = known_until(ctx, t) };

	memcpy(s.network.b, t->keys.network, sizeof(s.network.b));
	for (size_t i = 1; i < t->keys.n; i++)
		s.v[s.n++] =
		    (struct login_taken){ .key = key_of(t, i),
					  .ends_ms = t->count.v[i].ends_ms };
	return store_succeed(ctx->call.store, &ctx->call, &s, err);
}
