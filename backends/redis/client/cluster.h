/* SPDX-License-Identifier: MIT */
/*
 * The map of a Redis Cluster, which tells the server of each key, and one
 * connection to each server, opened on first use. A refresh may close
 * connections whose replies are outstanding.
 */
#ifndef BACKENDS_REDIS_CLIENT_CLUSTER_H
#define BACKENDS_REDIS_CLIENT_CLUSTER_H

#include "backends/redis/client/conn_internal.h"

#define REDIS_SLOTS 16384

/* Returns the slot of a key, or of the text between its first braces. */
unsigned redis_slot(struct str key);

struct redis_cluster *redis_cluster_new(const struct redis_server *s) MUST_USE;
void redis_cluster_free(struct redis_cluster *c); /* NULL is allowed */

/* Reads the map from `hint` (may be NULL), a server of the map, or one of
 * url. */
int redis_cluster_refresh(struct redis_cluster *c,
			  const struct redis_address *hint, int64_t deadline_ms,
			  struct err *err) MUST_USE;

/* Reads a reply to CLUSTER SLOTS of the server `from`. *same says whether each
 * slot has the same owner in the map. */
int redis_cluster_compare(const struct redis_cluster *c,
			  const redisReply *reply,
			  const struct redis_address *from, bool *same,
			  struct err *err) MUST_USE;

/* Stores that `at` has the slot. */
int redis_cluster_moved(struct redis_cluster *c, unsigned slot,
			const struct redis_address *at,
			struct err *err) MUST_USE;

/* Returns NULL if no server has the slot. */
const struct redis_address *redis_cluster_owner(const struct redis_cluster *c,
						unsigned slot);

/* Closes the stale connections. */
void redis_cluster_drop_stale(struct redis_cluster *c);
/* Closes them, and those on which PING fails. */
void redis_cluster_drop_dead(struct redis_cluster *c, int64_t deadline_ms);

/* Returns the connection to a server, which may be stale. */
int redis_cluster_wire(struct redis_cluster *c, const struct redis_address *at,
		       int64_t deadline_ms, struct redis_wire **out,
		       struct err *err) MUST_USE;

/* Returns the servers that have slots. */
int redis_cluster_masters(const struct redis_cluster *c, struct arena *a,
			  struct redis_addresses *out,
			  struct err *err) MUST_USE;

/* Reads "MOVED 3999 127.0.0.1:6381" or ASK; an empty host is that of `from`. */
int redis_cluster_target(const redisReply *reply,
			 const struct redis_address *from, unsigned *slot,
			 struct redis_address *at, struct err *err) MUST_USE;

#endif
