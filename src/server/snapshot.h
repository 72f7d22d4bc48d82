/* SPDX-License-Identifier: MIT */
/*
 * A configuration read, checked, opened and frozen.  A request pins the one it
 * began with; a reload publishes another; the last holder frees it.
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
	unsigned references; /* guarded by the slot's lock */
};

/*
 * Reads `file` and opens all it names; nothing is connected.  Store and users
 * of `before` (NULL at first) are kept when their sections have not changed:
 * the memory store would forget all sessions otherwise.  With
 * shared->look_only root becomes the owner of the service's files first, and
 * nothing is made.  NULL with problems filled.
 */
struct snapshot *snapshot_load(const char *file, struct snapshot *before,
			       const struct service_shared *shared,
			       struct problems *problems) MUST_USE;

/* For one that was never published. */
void snapshot_discard(struct snapshot *s);

struct snapshot_slot {
	pthread_mutex_t lock; /* load and count are one step: no atomics */
	struct snapshot *current;
};

void snapshot_slot_init(struct snapshot_slot *slot);

struct snapshot *snapshot_acquire(struct snapshot_slot *slot) MUST_USE;
void snapshot_release(struct snapshot_slot *slot, struct snapshot *s);

/* Makes `next` (NULL at the end) current and takes over the caller's
 * reference. */
void snapshot_publish(struct snapshot_slot *slot, struct snapshot *next);

#endif
