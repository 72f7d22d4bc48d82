/* SPDX-License-Identifier: MIT */
/*
 * Which server of a Redis Cluster has which key, and the connections to them:
 * one a server, opened when first needed.  A refresh may close connections:
 * what is not answered by then is lost.
 */
#ifndef BACKENDS_REDIS_CLIENT_CLUSTER_H
#define BACKENDS_REDIS_CLIENT_CLUSTER_H

#include "backends/redis/client/conn_internal.h"

#define REDIS_SLOTS 16384

/* CRC16 of the key, or of what is between its first braces. */
unsigned redis_slot(struct str key);

struct redis_cluster *redis_cluster_new(const struct redis_server *s) MUST_USE;
void redis_cluster_free(struct redis_cluster *c); /* NULL is allowed */

/* Asks `hint` (may be NULL), then the servers known, then those of url. */
int redis_cluster_refresh(struct redis_cluster *c,
			  const struct redis_address *hint, int64_t deadline_ms,
			  struct err *err) MUST_USE;

/* A server said that it does not have the slot any more, but `at` does. */
int redis_cluster_moved(struct redis_cluster *c, unsigned slot,
			const struct redis_address *at,
			struct err *err) MUST_USE;

/* NULL: nobody has it. */
const struct redis_address *redis_cluster_owner(const struct redis_cluster *c,
						unsigned slot);

/* Closes the connections that are stale. */
void redis_cluster_drop_stale(struct redis_cluster *c);
/* Those, too, that do not answer. */
void redis_cluster_drop_dead(struct redis_cluster *c, int64_t deadline_ms);

/* The connection to this server, stale or not. */
int redis_cluster_wire(struct redis_cluster *c, const struct redis_address *at,
		       int64_t deadline_ms, struct redis_wire **out,
		       struct err *err) MUST_USE;

/* Those with slots. */
int redis_cluster_masters(const struct redis_cluster *c, struct arena *a,
			  struct redis_addresses *out,
			  struct err *err) MUST_USE;

/* "MOVED 3999 127.0.0.1:6381" and ASK; without a host it is that of `from`. */
int redis_cluster_target(const redisReply *reply,
			 const struct redis_address *from, unsigned *slot,
			 struct redis_address *at, struct err *err) MUST_USE;

#endif
