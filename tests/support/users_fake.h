/* SPDX-License-Identifier: MIT */
/* A user source for tests, which set its users and make its calls fail. */
#ifndef TESTS_USERS_FAKE_H
#define TESTS_USERS_FAKE_H

#include "strategy/user_source.h"

#include <stdatomic.h>

#define USERS_FAKE_MAX 16

/* The configuration of the source. */
struct users_fake_table {
	struct user v[USERS_FAKE_MAX];
	char hashes[USERS_FAKE_MAX][512]; /* written by set_hash() */
	size_t n;
	bool down; /* every call returns ERR_UNAVAILABLE */
	unsigned fail_find; /* the n-th find() from now fails; 0: none */
	/* Called before a find() returns, to simulate concurrent operations. */
	void (*on_find)(struct users_fake_table *t, unsigned nth);
	/* The same for set_hash(), before the hash is compared. */
	void (*on_set_hash)(struct users_fake_table *t);
	atomic_uint finds;
};

extern const struct user_source_ops users_fake;

#endif
