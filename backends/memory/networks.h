/* SPDX-License-Identifier: MIT */
/* Networks from which users have signed in, in the memory store. Callers must
 * hold the lock of the store. */
#ifndef BACKENDS_MEMORY_NETWORKS_H
#define BACKENDS_MEMORY_NETWORKS_H

#include "strategy/session_store.h"

struct memory_user_networks {
	struct memory_user_networks *next;
	struct known_network v[NETWORKS_MAX];
	size_t n; /* of v */
	size_t name_n;
	char name[];
};

struct memory_networks {
	struct memory_user_networks *first;
};

void memory_networks_destroy(struct memory_networks *t);

/* These implement the operations networks, unlearn and sweep, and the part of
 * succeed that stores a network. */
int memory_networks_learn(struct memory_networks *t, struct str user,
			  const struct known_network *network,
			  struct err *err) MUST_USE;
void memory_networks_get(const struct memory_networks *t, struct str user,
			 int64_t now_ms, struct known_networks *out);
/* Returns until when a network of the user is known, which may be in the past;
 * 0 if the user does not have this network. */
int64_t memory_networks_until(const struct memory_networks *t, struct str user,
			      const uint8_t network[NETWORK_HASH_BYTES]);
void memory_networks_unlearn(struct memory_networks *t, struct str user);
size_t memory_networks_sweep(struct memory_networks *t, int64_t now_ms,
			     size_t limit);

#endif
