/* SPDX-License-Identifier: MIT */
/*
 * One connection to one Redis server. Each wait ends at a deadline of
 * env_mono_ms(), also if the server sends a byte now and then. Only the parser
 * of replies is that of hiredis, so all versions of hiredis behave alike.
 * Without TLS no write raises SIGPIPE; with TLS the program must ignore it.
 */
#ifndef BACKENDS_REDIS_CLIENT_WIRE_H
#define BACKENDS_REDIS_CLIENT_WIRE_H

#include "backends/redis/client/conn.h"

#include <openssl/types.h>

struct redis_address {
	char host[256]; /* name, address, or path of a socket */
	uint16_t port; /* 0: host is a path */
};

/* What a connection needs before its first command. */
struct redis_login {
	struct str username, password; /* without password no AUTH */
	int64_t db;
	SSL_CTX *tls; /* NULL: no TLS */
};

struct redis_wire;

/* Connects and authenticates. The lookup of a name has its own time limit
 * (resolv.conf). */
int redis_wire_open(const struct redis_address *at,
		    const struct redis_login *login, const struct env *env,
		    int64_t deadline_ms, struct redis_wire **out,
		    struct err *err) MUST_USE;
void redis_wire_close(struct redis_wire *w); /* NULL is allowed */
const struct redis_address *redis_wire_address(const struct redis_wire *w);

/* Returns whether the server has closed the connection, or has sent a reply
 * that nobody asked for. */
bool redis_wire_is_stale(struct redis_wire *w) MUST_USE;

/* Returns true on the first call for a connection, then false. */
bool redis_wire_is_new(struct redis_wire *w) MUST_USE;

/*
 * redis_wire_queue() queues a command, redis_wire_flush() sends the queue, and
 * redis_wire_read() waits for the reply to the oldest command without one. The
 * reply may be an error reply; the caller must free it with freeReplyObject().
 * After a failure the caller must close the connection.
 */
int redis_wire_queue(struct redis_wire *w, const struct str *argv, size_t n,
		     struct err *err) MUST_USE;
int redis_wire_flush(struct redis_wire *w, int64_t deadline_ms,
		     struct err *err) MUST_USE;
int redis_wire_read(struct redis_wire *w, int64_t deadline_ms, redisReply **out,
		    struct err *err) MUST_USE;

/* Reads the next reply if it has arrived; else *out is NULL. The caller may
 * wait with poll(2) until the descriptor is readable. */
int redis_wire_poll(struct redis_wire *w, redisReply **out,
		    struct err *err) MUST_USE;
int redis_wire_fd(const struct redis_wire *w);

/* Does all three, and fails on an error reply. */
int redis_wire_call(struct redis_wire *w, const struct str *argv, size_t n,
		    int64_t deadline_ms, redisReply **out,
		    struct err *err) MUST_USE;

/* Puts "host:port: " before the message, and returns -1. */
int redis_wire_add_peer(const struct redis_address *at, struct err *err);

#endif
