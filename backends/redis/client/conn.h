/* SPDX-License-Identifier: MIT */
/*
 * The connection of one worker to Redis: to one server, to the master that
 * Sentinel names, or to the masters of a Redis Cluster. It speaks RESP2 and
 * uses hiredis.
 *
 * Every value is bytes with a length, so the input of a user cannot become a
 * command. Every wait has a deadline. If no reply comes, or one that says
 * "not now" (LOADING, READONLY, CLUSTERDOWN), the call fails with
 * ERR_UNAVAILABLE; the caller must disconnect, and redis_connect() asks
 * Sentinel or the cluster again. If the server can be read but not written
 * (OOM, MISCONF, NOREPLICAS), or the slot of a key is being moved, the call
 * fails with ERR_BUSY, and the connection stays usable for other keys. After
 * NOREPLICAS the next call asks the sentinels again, if there are any.
 */
#ifndef BACKENDS_REDIS_CLIENT_CONN_H
#define BACKENDS_REDIS_CLIENT_CONN_H

#include "base/arena.h"
#include "base/env.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/option.h"

#include <hiredis/hiredis.h>

/* The settings of a section that uses Redis (redis_options). All defaults but
 * those of url, prefix and the two timeouts are zero. */
struct redis_conf {
	struct str url; /* redis:// rediss:// unix:// */
	struct words sentinels;
	struct str sentinel_name, sentinel_username, sentinel_password;
	struct str username, password, prefix;
	bool cluster;
	const char *ca_file, *cert_file, *key_file;
	int64_t connect_timeout, timeout; /* seconds */
};

/* The options of a struct redis_conf at the beginning of the driver's conf. */
extern const struct option redis_options[];
int redis_check(const void *conf, struct err *err); /* for `check` */

/* Constant Lua text, which the server knows by its SHA-1. */
struct redis_script {
	const char *text;
	size_t after; /* the texts of so many first scripts precede it */
};

/* These are operations of a driver, except that its open() must add the
 * scripts. */
int redis_open(const struct redis_script *scripts, size_t nscripts,
	       const struct redis_conf *conf, const struct env *env,
	       void **server, struct err *err) MUST_USE;
void redis_close(void *server);
int redis_connect(void *server, void **conn, struct err *err) MUST_USE;
void redis_disconnect(void *conn);
bool redis_is_lost(void *conn, bool ask) MUST_USE;
int redis_ping(void *conn, struct err *err) MUST_USE;

struct redis_conn;

/* Return the prefix of every key; it is valid as long as the connection, or as
 * the server that redis_open() has made. */
struct str redis_prefix(const struct redis_conn *conn);
struct str redis_prefix_of(const void *server);

#define REDIS_KEYS_MAX 4 /* of one script */

/*
 * One command on one key, or one script on keys of one slot. A script is sent
 * by EVALSHA, and by EVAL if the server does not know it (after a restart, a
 * failover or SCRIPT FLUSH).
 *
 * While a cluster moves a slot, its keys are on two servers. A command or
 * script with several keys is then refused before it changes anything, and is
 * sent again until the deadline.
 */
struct redis_step {
	const char *command; /* "GET", or NULL for a script */
	size_t script; /* its index in the array for redis_open() */
	struct str key; /* with the prefix; its hash tag, if it has one,
			 * determines the slot */
	const struct str *args; /* the arguments behind the key */
	size_t nargs;
	size_t nkeys; /* how many of args, from the first one, are keys */
};

/*
 * Runs the steps in one round trip to each server: all are sent before the
 * first reply is read. replies[i] is the reply to steps[i], is never an error
 * reply, and is valid until the next redis_run() of the connection. After a
 * failure some steps may have been executed; *err is the first error in the
 * order of the steps.
 *
 * A server executes the steps in their order. But a script that it does not
 * know, and a step that a cluster redirects, is sent again after the others, so
 * no step may depend on an earlier one.
 */
int redis_run(struct redis_conn *conn, const struct redis_step *steps, size_t n,
	      redisReply **replies, struct err *err) MUST_USE;

/* After a redis_run() that failed, returns the reply to a step that was
 * executed nevertheless. Returns NULL for other steps, and if the connection
 * is lost. The reply is valid until the next redis_run() of the connection. */
redisReply *redis_happened(const struct redis_conn *conn, size_t i) MUST_USE;

/*
 * Calls fn for each page of the keys that begin with the prefix and `start`,
 * on every master, until it returns -1. The keys include the prefix and are
 * valid during the call; fn may use redis_run(). A key that exists during the
 * whole scan is passed at least once.
 */
int redis_scan(struct redis_conn *conn, struct str start,
	       int (*fn)(void *ctx, const struct str *keys, size_t n,
			 struct err *err),
	       void *ctx, struct err *err) MUST_USE;

/*
 * Calls fn with the reply of every master to one command without a key, until
 * it returns -1; then *err names the server. The reply may be an error reply.
 */
int redis_ask_all(struct redis_conn *conn, const struct str *argv, size_t n,
		  int (*fn)(void *ctx, const redisReply *reply,
			    struct err *err),
		  void *ctx, struct err *err) MUST_USE;

#endif
