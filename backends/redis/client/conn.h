/* SPDX-License-Identifier: MIT */
/*
 * One worker's way to Redis: one server, the master that Sentinel names, or
 * the masters of a Redis Cluster.  RESP2, by hiredis.
 *
 * Values are bytes with a length throughout, so that nothing a user types can
 * be taken for a command.  Every wait has a deadline.  An answer that does not
 * come, or that says "not now" (LOADING, READONLY, CLUSTERDOWN ...), is
 * ERR_UNAVAILABLE: the caller disconnects, and the next connect asks Sentinel
 * or the cluster again.  A server that can be read but not written (OOM,
 * MISCONF, NOREPLICAS) is ERR_BUSY, and so is a slot that is being moved: only
 * those whose keys are in it have to wait.
 */
#ifndef BACKENDS_REDIS_CLIENT_CONN_H
#define BACKENDS_REDIS_CLIENT_CONN_H

#include "base/arena.h"
#include "base/env.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/option.h"

#include <hiredis/hiredis.h>

/* What the keys of a section that speaks to Redis fill (redis_options).  A
 * conf of zeros but for url, prefix and the two times is one of defaults. */
struct redis_conf {
	struct str url; /* redis:// rediss:// unix:// */
	struct words sentinels;
	struct str sentinel_name, sentinel_username, sentinel_password;
	struct str username, password, prefix;
	bool cluster;
	const char *ca_file, *cert_file, *key_file;
	int64_t connect_timeout, timeout; /* seconds */
};

/* Options of struct redis_conf at the head of the driver's own conf. */
extern const struct option redis_options[];
int redis_check(const void *conf, struct err *err); /* the `check` slot */

/* Constant Lua; known to the server by its SHA-1. */
struct redis_script {
	const char *text;
};

/* For the slots of the ops, but for open(), which says which scripts. */
int redis_open(const struct redis_script *scripts, size_t nscripts,
	       const struct redis_conf *conf, const struct env *env,
	       void **server, struct err *err) MUST_USE;
void redis_close(void *server);
int redis_connect(void *server, void **conn, struct err *err) MUST_USE;
void redis_disconnect(void *conn);
bool redis_is_lost(void *conn, bool ask) MUST_USE;
int redis_ping(void *conn, struct err *err) MUST_USE;

struct redis_conn;

/* In front of every key; lives as long as the connection. */
struct str redis_prefix(const struct redis_conn *conn);

#define REDIS_KEYS_MAX 4 /* of one script */

/*
 * One command on one key, or one script with keys of one slot: EVALSHA, and
 * EVAL when the server does not know it (after a restart, a failover, SCRIPT
 * FLUSH).
 *
 * A cluster that moves the slot has some of its keys here and some there; then
 * a command or script with several keys is refused, before anything happens,
 * and goes out again until the time is up.
 */
struct redis_step {
	const char *command; /* "GET"; NULL: a script */
	size_t script; /* index of what redis_open() got */
	struct str key; /* whole, with the prefix; its hash tag, if it has
			 * one, decides the slot */
	const struct str *args; /* those behind the key */
	size_t nargs;
	size_t nkeys; /* so many of args, the first, are keys, too */
};

/*
 * Runs the steps in one round trip per server: all go out before the first
 * answer is read.  replies[i] is the answer to steps[i] and lives until the
 * next redis_run() of the connection; none is an error.  On failure some of the
 * steps may have happened: the first error, in their order, is reported.
 *
 * Commands of one server happen in their order, and so do scripts; but a
 * script that the server does not know, and what a cluster sends elsewhere,
 * goes out again behind the others: no step may count on one before it.
 */
int redis_run(struct redis_conn *conn, const struct redis_step *steps, size_t n,
	      redisReply **replies, struct err *err) MUST_USE;

/* After a redis_run() that failed: returns the answer to a step that happened
 * all the same, and NULL for other steps and when the connection is lost.  It
 * lives until the next redis_run() of the link. */
redisReply *redis_happened(const struct redis_conn *conn, size_t i) MUST_USE;

/*
 * Calls fn for each page of the keys that begin with the prefix and `start`,
 * on every master; stops at the first -1.  The keys are whole, with the
 * prefix, and live as long as the call; fn may use redis_run().  One that is
 * there all the time is given at least once.
 */
int redis_scan(struct redis_conn *conn, struct str start,
	       int (*fn)(void *ctx, const struct str *keys, size_t n,
			 struct err *err),
	       void *ctx, struct err *err) MUST_USE;

/*
 * Calls fn with the answer of every master to one command without a key, an
 * error reply included; stops at the first -1, and names the server in *err.
 */
int redis_ask_all(struct redis_conn *conn, const struct str *argv, size_t n,
		  int (*fn)(void *ctx, const redisReply *reply,
			    struct err *err),
		  void *ctx, struct err *err) MUST_USE;

#endif
