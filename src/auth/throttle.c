/* SPDX-License-Identifier: MIT */
/* Regulation of login attempts. */
#include "auth/throttle.h"

#include <string.h>

#include "auth/audit.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/network.h"
#include "base/secret.h"
#include "crypto/digest.h"

/* Of a /48 there are 65,536 networks: not all are one household's. */
#define WIDER 10

/* What is known so long already need not be written anew. */
#define FRESH_MS (INT64_C(86400) * 1000)

static uint64_t
hash(struct str s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static bool
is_trusted(const struct exchange *e)
{
	const struct words *trusted = &e->service->set->limits.trusted;
	struct address address;
	struct network network;

	if (!address_parse(e->in->remote_addr, &address))
		return false;
	for (size_t i = 0; i < trusted->n; i++)
		if (network_parse(trusted->v[i], &network) &&
		    network_has(&network, &address))
			return true;
	return false;
}

/* Keyed, and with the name in it: who reads the store learns neither where
 * somebody signs in nor who does so in the same network. */
static int
hash_network(struct exchange *e, struct str user, struct str network,
	     struct known_network *out, struct err *err)
{
	uint8_t key[DIGEST_BYTES], mac[DIGEST_BYTES];
	struct buf b;

	buf_init(&b, e->call.arena, 256);
	buf_add(&b, network);
	buf_add_char(&b, ' ');
	buf_add(&b, user);
	if (buf_failed(&b))
		return err_nomem(err);
	if (env_random(e->call.env, key, sizeof(key)) != 0)
		return err_set(err, ERR_INTERNAL, "no entropy");
	if (store_secret(e->call.store, &e->call, "networks", key, err) != 0)
		return -1;
	digest_hmac(key, "network", buf_str(&b), mac);
	secret_wipe(key, sizeof(key));
	memcpy(out->b, mac, sizeof(out->b));
	out->until_ms = 0;
	return 0;
}

/* A clock that was set back leaves none that lasts longer than from now. */
static bool
is_known(const struct known_networks *known, int64_t now_ms,
	 struct known_network *network)
{
	for (size_t i = 0; i < known->n; i++) {
		const struct known_network *one = &known->v[i];

		if (memcmp(one->b, network->b, sizeof(network->b)) != 0)
			continue;
		network->until_ms = one->until_ms;
		return one->until_ms <= latest_ms(now_ms, THROTTLE_KNOWN_MS);
	}
	return false;
}

/* The name's counter: of this network where he is known in it. */
static int
add_user(struct exchange *e, struct throttle *t, struct str network,
	 struct err *err)
{
	struct throttle_counter *c = &t->v[t->n++];
	struct known_networks known;

	*c = (struct throttle_counter){
		.kind = BAN_USER, .max = e->service->set->limits.login_attempts
	};
	if (t->has_network && identity_name_is_valid(t->user)) {
		if (hash_network(e, t->user, network, &t->network, err) != 0 ||
		    store_networks(e->call.store, &e->call, t->user, &known,
				   err) != 0)
			return -1;
		if (is_known(&known, e->call.now_ms, &t->network)) {
			c->kind = BAN_KNOWN;
			return ban_key_known(e->call.arena, t->user,
					     &t->network, &c->key, err);
		}
	}
	return ban_key_user(e->call.arena, t->user, &c->key, err);
}

int
throttle_begin(struct exchange *e, struct str user, struct throttle *out,
	       struct err *err)
{
	const int64_t max = e->service->set->limits.login_attempts_address;
	const enum ban_kind kinds[] = { BAN_ADDRESS, BAN_NETWORK };
	struct throttle t = { .user = user };
	struct str keys[BAN_ADDRESS_KEYS];
	struct address address;
	size_t n;

	t.has_network = address_parse(e->in->remote_addr, &address);
	if (ban_key_address(e->call.arena, e->in->remote_addr, keys, &n, err) !=
		0 ||
	    add_user(e, &t, keys[0], err) != 0)
		return -1;
	if (is_trusted(e))
		n = 0;
	for (size_t i = 0; i < n; i++)
		t.v[t.n++] = (struct throttle_counter){
			.kind = kinds[i],
			.key = keys[i],
			.max = kinds[i] == BAN_NETWORK ? WIDER * max : max,
		};
	*out = t;
	return 0;
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
throttle_claim(const struct exchange *e, const struct throttle *t)
{
	return (struct hash_claim){ .network = network_of(e->in->remote_addr),
				    .account = hash(t->v[0].key),
				    .account_max = (unsigned)t->v[0].max };
}

static int64_t
seconds_until(const struct exchange *e, int64_t until_ms)
{
	return until_ms <= e->call.now_ms ?
	    0 :
	    (until_ms - e->call.now_ms + 999) / 1000;
}

static int64_t
ban_ms(const struct exchange *e)
{
	return e->service->set->limits.login_ban * 1000;
}

int
throttle_wait(struct exchange *e, const struct throttle *t, int64_t *seconds,
	      struct err *err)
{
	int64_t longest = 0;

	for (size_t i = 0; i < t->n; i++) {
		int64_t until;

		if (store_banned(e->call.store, &e->call, t->v[i].key,
				 ban_ms(e), &until, err) != 0)
			return -1;
		if (until > longest)
			longest = until;
	}
	*seconds = seconds_until(e, longest);
	return 0;
}

static int
count(struct exchange *e, const struct throttle_counter *c, int64_t max,
      struct attempt *out, struct err *err)
{
	const struct attempt_policy policy = {
		.max = max,
		.window_ms = e->service->set->limits.login_window * 1000,
		.ban_ms = ban_ms(e),
	};

	return store_attempt(e->call.store, &e->call, c->key, &policy, out,
			     err);
}

/* Of counters from the first up to the end. */
static int
give_back(struct exchange *e, const struct throttle *t, size_t first,
	  size_t end, struct err *err)
{
	for (size_t i = first; i < end; i++)
		if (store_give_back(e->call.store, &e->call, t->v[i].key,
				    t->v[i].attempt.ends_ms, err) != 0)
			return -1;
	return 0;
}

static void
take_back(struct exchange *e, const struct throttle *t, size_t end)
{
	struct err err;

	if (give_back(e, t, 0, end, &err) != 0)
		LOG(e->call.env->log, LOG_WARNING, "attempt_not_taken_back",
		    F_CSTR("reason", err.msg));
}

/* Those under way count as failures until they have succeeded: none beyond
 * the allowance begins, but it is no ban yet. */
int
throttle_count(struct exchange *e, struct throttle *t,
	       enum throttle_answer *answer, int64_t *seconds, struct err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		struct throttle_counter *c = &t->v[i];
		const struct attempt *a = &c->attempt;
		bool banned;

		if (count(e, c, INT64_MAX, &c->attempt, err) != 0) {
			take_back(e, t, i);
			return -1;
		}
		banned = a->banned_until_ms > 0;
		if (!banned && a->count <= c->max)
			continue;
		if (give_back(e, t, 0, banned ? i : i + 1, err) != 0)
			return -1;
		*answer = banned ? THROTTLE_BANNED : THROTTLE_FULL;
		*seconds = seconds_until(e, a->banned_until_ms);
		return 0;
	}
	*answer = THROTTLE_COUNTED;
	*seconds = 0;
	return 0;
}

/* One more attempt begins the ban, unless others were taken back. */
static int
begin_ban(struct exchange *e, const struct throttle *t,
	  const struct throttle_counter *c, struct err *err)
{
	struct attempt one_more;

	if (count(e, c, c->max, &one_more, err) != 0)
		return -1;
	if (one_more.banned_until_ms == 0)
		return store_give_back(e->call.store, &e->call, c->key,
				       one_more.ends_ms, err);
	/* Parallel failures find the ban that another began. */
	if (one_more.banned_until_ms == e->call.now_ms + ban_ms(e))
		audit(e, "ban", t->user, NULL, ban_kind_names[c->kind].reason);
	return 0;
}

int
throttle_failure(struct exchange *e, const struct throttle *t, struct err *err)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].attempt.count >= t->v[i].max &&
		    begin_ban(e, t, &t->v[i], err) != 0)
			return -1;
	return 0;
}

static int
learn(struct exchange *e, const struct throttle *t, struct err *err)
{
	const int64_t until = e->call.now_ms + THROTTLE_KNOWN_MS;
	struct known_network network = t->network;

	if (!t->has_network ||
	    (network.until_ms > until - FRESH_MS && network.until_ms <= until))
		return 0;
	network.until_ms = until;
	return store_learn(e->call.store, &e->call, t->user, &network, err);
}

int
throttle_success(struct exchange *e, const struct throttle *t, struct err *err)
{
	bool was_banned;

	if (store_reset_attempts(e->call.store, &e->call, t->v[0].key,
				 &was_banned, err) != 0 ||
	    give_back(e, t, 1, t->n, err) != 0)
		return -1;
	return learn(e, t, err);
}

void
throttle_undo(struct exchange *e, const struct throttle *t)
{
	take_back(e, t, t->n);
}
