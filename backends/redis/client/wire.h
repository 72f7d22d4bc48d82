/* SPDX-License-Identifier: MIT */
/*
 * One connection to one Redis server: bytes out, replies in, each wait up to
 * a deadline on env_mono_ms().  Sockets are ours and replies hiredis's, so
 * that old and new hiredis are the same, a server that sends a byte now and
 * then gains no time.  Without TLS no write raises SIGPIPE; with it, the
 * program ignores that signal.
 */
#ifndef BACKENDS_REDIS_CLIENT_WIRE_H
#define BACKENDS_REDIS_CLIENT_WIRE_H

#include "backends/redis/client/conn.h"

#include <openssl/types.h>

struct redis_address {
	char host[256]; /* name or address; or path of a socket */
	uint16_t port; /* 0: a socket's path */
};

/* What comes before the first command. */
struct redis_login {
	struct str username, password; /* no password: no AUTH */
	int64_t db;
	SSL_CTX *tls; /* NULL: not encrypted */
};

struct redis_wire;

/* Connected and logged in.  Name lookup has its own limit (resolv.conf). */
int redis_wire_open(const struct redis_address *at,
		    const struct redis_login *login, const struct env *env,
		    int64_t deadline_ms, struct redis_wire **out,
		    struct err *err) MUST_USE;
void redis_wire_close(struct redis_wire *w); /* NULL is allowed */
const struct redis_address *redis_wire_address(const struct redis_wire *w);

/* The server has hung up, or talks without being asked. */
bool redis_wire_is_stale(struct redis_wire *w) MUST_USE;

/* True once: the first time that this is asked. */
bool redis_wire_is_new(struct redis_wire *w) MUST_USE;

/*
 * Queue a command; send what is queued; wait for the answer to the oldest one
 * that was not answered (an error reply is an answer; free it with
 * freeReplyObject).  After a failure there is nothing to do but close.
 */
int redis_wire_queue(struct redis_wire *w, const struct str *argv, size_t n,
		     struct err *err) MUST_USE;
int redis_wire_flush(struct redis_wire *w, int64_t deadline_ms,
		     struct err *err) MUST_USE;
int redis_wire_read(struct redis_wire *w, int64_t deadline_ms, redisReply **out,
		    struct err *err) MUST_USE;

/* All three; an error reply is a failure here. */
int redis_wire_call(struct redis_wire *w, const struct str *argv, size_t n,
		    int64_t deadline_ms, redisReply **out,
		    struct err *err) MUST_USE;

/* "host:port: " in front of the message. */
int redis_wire_add_peer(const struct redis_address *at, struct err *err);

#endif
