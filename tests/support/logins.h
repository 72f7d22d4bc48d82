/* SPDX-License-Identifier: MIT */
/* Reads one ban and stores one network, as a sign-in does. */
#ifndef TESTS_LOGINS_H
#define TESTS_LOGINS_H

#include "strategy/store.h"

/* Sets *until_ms to the end of the ban of a key, or to 0. */
static inline int
ask_ban(struct store_conn *conn, const struct call *c, struct str key,
	int64_t ban_ms, int64_t *until_ms, struct err *err)
{
	const struct login_keys keys = { .v = { { .key = key } },
					 .n = 1,
					 .ban_ms = ban_ms };
	struct login_standing standing;

	if (store_standing(conn, c, &keys, &standing, err) != 0)
		return -1;
	*until_ms = standing.banned_until_ms;
	return 0;
}

/* Stores a network of the user. The key that is reset has no attempts. */
static inline int
learn_network(struct store_conn *conn, const struct call *c, struct str user,
	      const struct known_network *network, struct err *err)
{
	const struct login_success s = { .key = STR("user:nobody"),
					 .user = user,
					 .network = *network };

	return store_succeed(conn, c, &s, err);
}

#endif
