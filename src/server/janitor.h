/* SPDX-License-Identifier: MIT */
/*
 * A thread of its own for what nobody waits for: writing the due touches
 * twice a second, and sweeping dead sessions and old attempts out of the store
 * once a minute.
 */
#ifndef SERVER_JANITOR_H
#define SERVER_JANITOR_H

#include "server/snapshot.h"

struct janitor;

int janitor_start(struct snapshot_slot *slot,
		  const struct service_shared *shared, struct janitor **out,
		  struct err *err) MUST_USE;

/* Writes what is due, ends the thread, frees.  NULL is allowed. */
void janitor_stop(struct janitor *j);

#endif
