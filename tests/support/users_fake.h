/* SPDX-License-Identifier: MIT */
/* A user source whose users a test sets, and whose calls it can fail. */
#ifndef TESTS_USERS_FAKE_H
#define TESTS_USERS_FAKE_H

#include "strategy/user_source.h"

#include <stdatomic.h>

#define USERS_FAKE_MAX 16

/* Given as the configuration of the source. */
struct users_fake_table {
	struct user v[USERS_FAKE_MAX];
	char hashes[USERS_FAKE_MAX][512]; /* that set_hash() wrote */
	size_t n;
	bool down;	    /* every call is ERR_UNAVAILABLE */
	unsigned fail_find; /* the n-th find() from now fails; 0: none */
	/* Runs before a find() answers: what happens at the same time. */
	void (*on_find)(struct users_fake_table *t, unsigned nth);
	atomic_uint finds;
};

extern const struct user_source_ops users_fake;

#endif
