/* SPDX-License-Identifier: MIT */
/*
 * A background thread that writes the due updates of last_seen to the
 * store twice a second, and once a minute sweeps ended sessions and old
 * attempts out of it, and expired records out of the factor store. It also
 * takes the samples of the metrics, and counts the sessions for them once a
 * minute.
 */
#ifndef SERVER_JANITOR_H
#define SERVER_JANITOR_H

#include "server/snapshot.h"

struct janitor;

int janitor_start(struct snapshot_slot *slot,
		  const struct service_shared *shared, struct janitor **out,
		  struct err *err) MUST_USE;

/* Writes what is due, ends the thread and frees the janitor. NULL is
 * allowed. */
void janitor_stop(struct janitor *j);

#endif
