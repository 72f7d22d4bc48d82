/* SPDX-License-Identifier: MIT */
/* What the files of the Redis store share. */
#ifndef BACKENDS_REDIS_STORE_INTERNAL_H
#define BACKENDS_REDIS_STORE_INTERNAL_H

#include "strategy/session_store.h"
#include "backends/redis/batch.h"

/* The scripts in lua/, in the order of their names after the common parts. */
enum redis_store_script {
	LUA_COMMON,
	LUA_INDICES,
	LUA_ATTEMPT,
	LUA_CREATE,
	LUA_DENY,
	LUA_DROP,
	LUA_DUE,
	LUA_END,
	LUA_FIND,
	LUA_FLUSH,
	LUA_GIVE_BACK,
	LUA_IDENTITY,
	LUA_LEARN,
	LUA_LIST,
	LUA_LIVE,
	LUA_MARK,
	LUA_NEWEST,
	LUA_READ,
	LUA_REAP,
	LUA_REVOKE,
	LUA_REVOKE_USER,
	LUA_ROTATE,
	LUA_SWEEP,
	LUA_TOUCH,
	LUA_TRIM,
	LUA_COUNT
};

/* Adds a step that ends one session; its reply is 1 if there was one. */
void redis_revoke(struct redis_batch *b, const struct session_id *id);

/* Ends all but the newest `room` live sessions of a user, in as many steps as
 * it takes, and adds the number of live sessions that it ended to *ended. */
int redis_trim(struct redis_conn *conn, const struct call *c, struct str user,
	       int64_t room, int64_t *ended, struct err *err) MUST_USE;

/* How many records or members one page has. */
#define REDIS_PAGE 100

/* Reads from a record of attempts until when its key is banned: *until_ms, or 0
 * when there is no ban. */
int redis_ban_read(struct str text, int64_t ban_ms, int64_t now_ms,
		   int64_t *until_ms, struct err *err) MUST_USE;

/* redis_attempt_add() adds the steps that count one attempt. When a batch has
 * only such steps, redis_attempt_get() reads the i-th attempt after its run. */
#define REDIS_ATTEMPT_STEPS 2
void redis_attempt_add(struct redis_batch *b, int64_t now_ms, struct str key,
		       const struct attempt_policy *policy);
int redis_attempt_get(const struct redis_batch *b, size_t i,
		      struct attempt *out, struct err *err) MUST_USE;
/* After a batch of such steps has failed: returns whether the i-th attempt was
 * counted nevertheless. */
bool redis_attempt_happened(struct redis_batch *b, size_t i,
			    struct attempt *out) MUST_USE;

extern const struct feed_ops redis_feed_ops;

/* The operations of store_redis that are not in store.c. */
int store_redis_ping(void *conn, struct err *err) MUST_USE;
int store_redis_advise(void *conn, char advice[BACKEND_ADVICE_MAX],
		       struct err *err) MUST_USE;
int store_redis_rotate(void *conn, const struct call *c,
		       const struct rotation *r, struct rotated *out,
		       struct err *err) MUST_USE;
int store_redis_standing(void *conn, const struct call *c,
			 const struct login_keys *k, struct login_standing *out,
			 struct err *err) MUST_USE;
int store_redis_count(void *conn, const struct call *c,
		      const struct login_keys *k, struct login_count *out,
		      struct err *err) MUST_USE;
int store_redis_succeed(void *conn, const struct call *c,
			const struct login_success *s,
			struct err *err) MUST_USE;
int store_redis_attempt(void *conn, const struct call *c, struct str key,
			const struct attempt_policy *policy,
			struct attempt *out, struct err *err) MUST_USE;
int store_redis_give_back(void *conn, const struct call *c, struct str key,
			  int64_t ends_ms, struct err *err) MUST_USE;
int store_redis_reset_attempts(void *conn, const struct call *c, struct str key,
			       bool *was_banned, struct err *err) MUST_USE;
int store_redis_bans(void *conn, const struct call *c, int64_t ban_ms,
		     size_t limit, struct ban_list *out,
		     struct err *err) MUST_USE;
int store_redis_networks(void *conn, const struct call *c, struct str user,
			 struct known_networks *out, struct err *err) MUST_USE;
int store_redis_unlearn(void *conn, const struct call *c, struct str user,
			struct err *err) MUST_USE;
int store_redis_deny(void *conn, const struct call *c, const struct denial *d,
		     struct err *err) MUST_USE;
int store_redis_denied(void *conn, const struct call *c,
		       const struct denial_question *q, bool *denied,
		       struct err *err) MUST_USE;
int store_redis_revoke_user(void *conn, const struct call *c, struct str user,
			    const struct session_id *except, int64_t *ended,
			    struct err *err) MUST_USE;
int store_redis_revoke_all(void *conn, const struct call *c, int64_t *ended,
			   struct err *err) MUST_USE;
int store_redis_update_user(void *conn, const struct call *c,
			    const struct identity *who,
			    struct err *err) MUST_USE;
int store_redis_remark(void *conn, const struct call *c, const struct remark *m,
		       struct err *err) MUST_USE;
int store_redis_list(void *conn, const struct call *c,
		     const struct session_query *q,
		     struct session_cursor *cursor, struct session_list *out,
		     struct err *err) MUST_USE;
int store_redis_count_sessions(void *conn, const struct call *c,
			       struct session_counts *out,
			       struct err *err) MUST_USE;
int store_redis_sweep(void *conn, const struct call *c, size_t limit,
		      int64_t *removed, struct err *err) MUST_USE;

#endif
