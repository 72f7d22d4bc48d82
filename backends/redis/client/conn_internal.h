/* SPDX-License-Identifier: MIT */
/* What the files of the connection to Redis share. */
#ifndef BACKENDS_REDIS_CLIENT_CONN_INTERNAL_H
#define BACKENDS_REDIS_CLIENT_CONN_INTERNAL_H

#include "backends/redis/client/target.h"

#include <openssl/types.h>
#include <stdatomic.h>

#define REDIS_SHA_BYTES 40

struct redis_cluster;

struct redis_known_script {
	struct str text;
	char sha[REDIS_SHA_BYTES]; /* no NUL */
};

/* Opened once, shared by all connections; constant then, but for `sentinel`. */
struct redis_server {
	struct arena *arena;
	const struct env *env;
	struct redis_target target;
	SSL_CTX *tls; /* NULL: not encrypted */
	struct str prefix;
	struct redis_known_script *scripts;
	size_t nscripts;
	int64_t connect_ms, timeout_ms;
	atomic_size_t sentinel; /* the one that knew last */
};

struct redis_conn {
	struct redis_server *server;
	struct redis_wire *wire; /* not in a cluster */
	struct redis_cluster *cluster;
	struct arena *arena; /* of one redis_run() */
	redisReply **replies; /* of the last one */
	size_t nreplies;
	bool broken; /* answers may be left over: no more questions */
};

/* In single mode: the server, or the master of the moment. */
int redis_conn_reconnect(struct redis_conn *conn, int64_t deadline_ms,
			 struct err *err) MUST_USE;

/* Closes what redis_wire_is_stale(), and nothing else does so. */
void redis_conn_drop_stale(struct redis_conn *conn);

/* Asks the sentinels in turn, the one that knew last first. */
int redis_sentinel_ask(struct redis_server *s, int64_t deadline_ms,
		       struct redis_address *out, struct err *err) MUST_USE;

/* A share of the time until the deadline, for one of `n` that may hang. */
int64_t redis_share(const struct env *env, int64_t deadline_ms, size_t n);

#endif
