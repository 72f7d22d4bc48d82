/* SPDX-License-Identifier: MIT */
/* A session of alice in the store of a fixture. The header that includes this
 * one defines `struct fixture`, with the members conn, a, now, fake and err. */
#ifndef CONTRACT_ALICE_H
#define CONTRACT_ALICE_H

#include "tests/contract/expect.h"
#include "tests/support/call.h"

/* Creates a session, which lasts a minute. */
static inline struct session
fixture_create(struct fixture *r)
{
	struct session s = { .who = { .name = STR("alice") },
			     .created_ms = r->now,
			     .last_seen_ms = r->now,
			     .idle_expires_ms = r->now + 60000,
			     .expires_ms = r->now + 60000 };

	ck_assert_int_eq(env_random(&r->fake.env, &s.id, sizeof(s.id)), 0);
	ck_assert_int_eq(env_random(&r->fake.env, &s.token, sizeof(s.token)),
			 0);
	OK(r, store_create(r->conn, NOW(r), &s, 0, NULL, &r->err));
	return s;
}

static inline int
fixture_find(struct fixture *r, const struct session *s, bool *found)
{
	struct session_answer is;

	if (store_find(r->conn, NOW(r), &s->id, &s->token, &is, &r->err) != 0)
		return -1;
	*found = is.found;
	return 0;
}

#endif
