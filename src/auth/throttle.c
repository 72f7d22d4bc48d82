/* SPDX-License-Identifier: MIT */
/* Regulation of login attempts. */
#include "auth/throttle.h"

#include <arpa/inet.h>
#include <string.h>

#include "auth/audit.h"
#include "base/buf.h"

#define KEY_MAX	128

/* One key is never longer than the longest valid name, whatever was sent. */
int
throttle_user_key(struct arena *a, struct str user, struct str *key,
		  struct err *err)
{
	struct buf b;

	buf_init(&b, a, KEY_MAX);
	buf_add(&b, STR("user:"));
	buf_add(&b, identity_name_is_valid(user) ? user : STR("!"));
	*key = buf_str(&b);
	return buf_failed(&b) ? err_nomem(err) : 0;
}

/* A household or a server has a /64 of its own: that counts as one. */
int
throttle_address_key(struct arena *a, struct str address, struct str *key,
		     struct err *err)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr v6;
	struct buf b;
	char *cstr = arena_cstr(a, address);

	if (cstr == NULL)
		return err_nomem(err);
	if (inet_pton(AF_INET6, cstr, &v6) == 1) {
		bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);

		if (!mapped)
			memset(v6.s6_addr + 8, 0, 8);
		if (inet_ntop(mapped ? AF_INET : AF_INET6,
			      v6.s6_addr + (mapped ? 12 : 0), text,
			      sizeof(text)) == NULL)
			return err_set(err, ERR_INTERNAL, "inet_ntop");
		address = str_from(text);
	}
	buf_init(&b, a, KEY_MAX);
	buf_add(&b, STR("addr:"));
	buf_add(&b, address);
	*key = buf_str(&b);
	return buf_failed(&b) ? err_nomem(err) : 0;
}

uint64_t
throttle_network(struct arena *a, struct str address)
{
	const char *cstr = arena_cstr(a, address);
	uint64_t network = 0;
	struct in6_addr v6;
	struct in_addr v4;
	const uint8_t *p = v6.s6_addr;
	size_t n = 6;

	if (cstr == NULL)
		return 0;
	if (inet_pton(AF_INET, cstr, &v4) == 1) {
		p = (const uint8_t *)&v4;
		n = sizeof(v4);
	} else if (inet_pton(AF_INET6, cstr, &v6) != 1) {
		return 0;
	} else if (IN6_IS_ADDR_V4MAPPED(&v6)) {
		p = v6.s6_addr + 12;
		n = 4;
	}
	for (size_t i = 0; i < n; i++)
		network = network << 8 | p[i];
	return network;
}

struct keys {
	struct str v[2];
};

static int
both_keys(struct exchange *e, struct str user, struct keys *keys,
	  struct err *err)
{
	if (throttle_user_key(e->call.arena, user, &keys->v[0], err) != 0)
		return -1;
	return throttle_address_key(e->call.arena, e->in->remote_addr,
				    &keys->v[1], err);
}

int
throttle_wait(struct exchange *e, struct str user, int64_t *seconds,
	      struct err *err)
{
	struct keys keys;
	int64_t longest = 0;

	if (both_keys(e, user, &keys, err) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(keys.v); i++) {
		int64_t until;

		if (store_banned(e->call.store, keys.v[i], e->call.now_ms,
				 &until, err) != 0)
			return -1;
		if (until - e->call.now_ms > longest)
			longest = until - e->call.now_ms;
	}
	*seconds = (longest + 999) / 1000;
	return 0;
}

int
throttle_failure(struct exchange *e, struct str user, struct err *err)
{
	const struct limits_settings *set = &e->service->set->limits;
	const struct attempt_policy policy = {
		/* The failure that uses up the allowance begins the ban. */
		.max = set->login_attempts - 1,
		.window_ms = set->login_window * 1000,
		.ban_ms = set->login_ban * 1000,
	};
	static const char *const why[] = { "user", "address" };
	struct keys keys;

	if (both_keys(e, user, &keys, err) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(keys.v); i++) {
		int64_t until;

		if (store_attempt(e->call.store, keys.v[i], &policy,
				  e->call.now_ms, &until, err) != 0)
			return -1;
		/* Parallel failures find the ban that another began. */
		if (until == e->call.now_ms + policy.ban_ms)
			audit(e, "ban", user, NULL, why[i]);
	}
	return 0;
}

int
throttle_success(struct exchange *e, struct str user, struct err *err)
{
	struct str key;
	bool was_banned;

	if (throttle_user_key(e->call.arena, user, &key, err) != 0)
		return -1;
	return store_forgive(e->call.store, key, &was_banned, err);
}
