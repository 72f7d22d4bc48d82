/* SPDX-License-Identifier: MIT */
/* The operations standing, count and succeed of the memory store. */
#include "backends/memory/logins.h"

#include "strategy/login_keys.h"

struct login_standing
memory_login_standing(const struct memory_attempts *attempts,
		      const struct memory_networks *networks,
		      const struct call *c, const struct login_keys *k)
{
	int64_t facts[LOGIN_FACTS] = {
		[LOGIN_NETWORK] =
		    memory_networks_until(networks, k->user, k->network),
	};

	for (size_t i = 0; i < k->n; i++) {
		int64_t until = memory_attempts_banned(attempts, k->v[i].key,
						       k->ban_ms, c->now_ms);
		int64_t *fact =
		    &facts[i == 0 ? LOGIN_FIRST_BAN : LOGIN_OTHER_BAN];

		if (until > *fact)
			*fact = until;
	}
	if (k->user.n > 0)
		facts[LOGIN_KNOWN_BAN] =
		    memory_attempts_banned(attempts, k->known, k->ban_ms,
					   c->now_ms);
	return login_standing_of(k, c->now_ms, facts);
}

/* Undoes the attempts of the first n keys. */
static void
memory_logins_give_back(const struct memory_attempts *t,
			const struct login_keys *k,
			const struct login_count *count, size_t n)
{
	for (size_t i = 0; i < n; i++)
		memory_attempts_give_back(t,
					  login_key_of(k, &count->standing, i),
					  count->v[i].ends_ms);
}

int
memory_login_count(struct memory_attempts *t, const struct call *c,
		   const struct login_keys *k, struct login_count *out,
		   struct err *err)
{
	const struct attempt_policy policy = { .max = INT64_MAX,
					       .window_ms = k->window_ms,
					       .ban_ms = k->ban_ms };

	if (out->standing.banned_until_ms > 0)
		return 0;
	for (size_t i = 0; i < k->n; i++)
		if (memory_attempts_count(t, c,
					  login_key_of(k, &out->standing, i),
					  &policy, &out->v[i], err) != 0) {
			memory_logins_give_back(t, k, out, i);
			return -1;
		}
	login_settle(k, out);
	if (!out->counted)
		memory_logins_give_back(t, k, out, k->n);
	return 0;
}

int
memory_login_succeed(struct memory_attempts *attempts,
		     struct memory_networks *networks,
		     const struct login_success *s, struct err *err)
{
	/* This may fail, so it comes before the changes below. */
	if (s->network.until_ms != 0 &&
	    memory_networks_learn(networks, s->user, &s->network, err) != 0)
		return -1;
	(void)memory_attempts_reset(attempts, s->key);
	for (size_t i = 0; i < s->n; i++)
		memory_attempts_give_back(attempts, s->v[i].key,
					  s->v[i].ends_ms);
	return 0;
}
