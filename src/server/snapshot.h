/* SPDX-License-Identifier: MIT */
/*
 * A configuration that is read, checked, opened and immutable. A request holds
 * a reference to the one that it began with; a reload publishes another one;
 * the last user frees it.
 */
#ifndef SERVER_SNAPSHOT_H
#define SERVER_SNAPSHOT_H

#include "auth/service.h"

#include <pthread.h>

struct problems;

struct snapshot {
	struct arena *arena; /* owns everything below */
	struct settings settings;
	struct service *service;
	struct backend *store;
	struct backend *users;
	struct backend *factors; /* NULL: there is no factor store */
	unsigned references; /* guarded by the slot's lock */
};

/*
 * Reads `file` and opens all that it names; nothing is connected. The store,
 * the user source and the factor store of `before` (NULL at the start) are kept
 * if their sections have not changed: otherwise the memory store would lose all
 * sessions. With shared->check_only, a process of root becomes the owner of the
 * service's files first, and nothing is created. Returns NULL, with problems
 * filled, on failure.
 */
struct snapshot *snapshot_load(const char *file, struct snapshot *before,
			       const struct service_shared *shared,
			       struct problems *problems) MUST_USE;

/* Frees a snapshot that was never published. */
void snapshot_discard(struct snapshot *s);

struct snapshot_slot {
	/* loading and counting are one step, so atomics do not suffice */
	pthread_mutex_t lock;
	struct snapshot *current;
};

void snapshot_slot_init(struct snapshot_slot *slot);

struct snapshot *snapshot_acquire(struct snapshot_slot *slot) MUST_USE;
void snapshot_release(struct snapshot_slot *slot, struct snapshot *s);

/* Makes `next` (NULL at the end) the current snapshot and takes over the
 * caller's reference. */
void snapshot_publish(struct snapshot_slot *slot, struct snapshot *next);

#endif
