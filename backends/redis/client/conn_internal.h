/* SPDX-License-Identifier: MIT */
/* Declarations that the files of the connection to Redis share. */
#ifndef BACKENDS_REDIS_CLIENT_CONN_INTERNAL_H
#define BACKENDS_REDIS_CLIENT_CONN_INTERNAL_H

#include "backends/redis/client/target.h"

#include <openssl/types.h>
#include <stdatomic.h>

#define REDIS_SHA_BYTES 40

struct redis_cluster;

struct redis_known_script {
	struct str text;
	char sha[REDIS_SHA_BYTES]; /* without NUL */
};

/* Shared by all connections, and constant once it is open, except the atomic
 * members. */
struct redis_server {
	struct arena *arena;
	const struct env *env;
	struct redis_target target;
	SSL_CTX *tls; /* NULL: no TLS */
	struct str prefix;
	struct redis_known_script *scripts;
	size_t nscripts;
	int64_t connect_ms, timeout_ms;
	atomic_size_t sentinel; /* the last one that named the master */
	/* Incremented when a watch has found that other servers may be the
	 * masters now: connections from before are not used any more. */
	atomic_uint masters;
};

struct redis_conn {
	struct redis_server *server;
	struct redis_wire *wire; /* NULL in a cluster */
	struct redis_cluster *cluster;
	struct arena *arena; /* of one redis_run() */
	redisReply **replies; /* of the last one */
	size_t nreplies;
	unsigned masters; /* that of the server when this was made */
	bool broken; /* replies may be outstanding: not usable any more */
};

/* Without a cluster, connects to the server or to the present master. */
int redis_conn_reconnect(struct redis_conn *conn, int64_t deadline_ms,
			 struct err *err) MUST_USE;

/* Closes the connections for which redis_wire_is_stale() returns true. */
void redis_conn_drop_stale(struct redis_conn *conn);

/* Connects to one sentinel, and asks it which server is the master. */
int redis_sentinel_open(const struct redis_server *s,
			const struct redis_address *sentinel,
			int64_t deadline_ms, struct redis_wire **out,
			struct err *err) MUST_USE;
int redis_sentinel_query(const struct redis_server *s, struct redis_wire *w,
			 int64_t deadline_ms, struct redis_address *out,
			 struct err *err) MUST_USE;

/* Asks the sentinels one after the other, beginning with the last one that
 * named the master. */
int redis_sentinel_ask(struct redis_server *s, int64_t deadline_ms,
		       struct redis_address *out, struct err *err) MUST_USE;

/* Returns the deadline of one of `n` peers that share the time until
 * deadline_ms, because each of them may be unresponsive. */
int64_t redis_share(const struct env *env, int64_t deadline_ms, size_t n);

#endif
