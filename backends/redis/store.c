/* SPDX-License-Identifier: MIT */
/* The operations on one session of the Redis store. */
#include "strategy/clock.h"
#include "strategy/session_check.h"
#include "strategy/session_id.h"
#include "backends/redis/records.h"
#include "backends/redis/store_internal.h"

#include <string.h>

#define NO_KEY	   -2 /* the reply to PTTL */
#define FIND_STEPS 3

static const struct redis_script scripts[LUA_COUNT] = {
#include "backends/redis/scripts.inc"
};

static int
store_redis_open(const void *conf, const struct env *env, void **store,
		 struct err *err)
{
	return redis_open(scripts, LUA_COUNT, conf, env, store, err);
}

static int
redis_store_keep_secret(struct redis_batch *b, struct str name,
			uint8_t value[32], struct err *err)
{
	struct str key = redis_key(b, "secret:", name), kept;
	size_t get;

	(void)redis_add(b, "SET", key,
			REDIS_ARGS({ .p = (const char *)value, .n = 32 },
				   STR("NX")));
	get = redis_add(b, "GET", key, NULL, 0);
	if (redis_batch_run(b, err) != 0 ||
	    redis_get_text(b, get, &kept, err) != 0)
		return -1;
	if (kept.n != 32)
		return redis_damaged("secret", err);
	memcpy(value, kept.p, 32);
	return 0;
}

static int
store_redis_secret(void *conn, const struct call *c, const char *name,
		   uint8_t value[32], struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, 2);

	return redis_store_keep_secret(&b, str_from(name), value, err);
}

static int64_t
end_ms(const struct session *s)
{
	return s->idle_expires_ms < s->expires_ms ? s->idle_expires_ms :
						    s->expires_ms;
}

/* Replies of LUA_CREATE that are not a number of sessions. */
#define IS_THERE  -1
#define HAS_MORE  -2
/* How often to trim before the creation fails: parallel sign-ins of the user
 * may add sessions in between. */
#define TRIMS_MAX 8

/* Returns the bytes of the id if the entry of the session follows from it, else
 * an empty text. */
static struct str
short_id(const struct session *s)
{
	if (session_id_time_ms(&s->id) != s->created_ms)
		return STR("");
	return (struct str){ .p = (const char *)s->id.b, .n = sizeof(s->id.b) };
}

static int
redis_store_create(struct redis_batch *b, const struct session *s, int64_t max,
		   int64_t now_ms, int64_t *n, struct err *err)
{
	const uint8_t shard = session_id_shard(&s->id);

	(void)redis_add_script_keys(
	    b, LUA_CREATE, redis_key_session(b, &s->id), 3,
	    REDIS_ARGS(redis_index(b, shard, "u:", s->who.name),
		       redis_index(b, shard, "sessions", STR("")),
		       redis_index(b, shard, "ends", STR("")),
		       redis_record(b, s), redis_entry(b, s), s->who.name,
		       redis_number(b, end_ms(s)),
		       redis_keep(b, s->expires_ms - now_ms),
		       redis_number(b, max), redis_time(b, now_ms),
		       redis_shard(b, shard), short_id(s)));
	if (redis_batch_run(b, err) != 0)
		return -1;
	return redis_get_number(b, 0, n, err);
}

/* If the user has more sessions than one script may read, ends the oldest ones
 * first. */
static int
create_and_trim(struct redis_conn *conn, const struct call *c,
		const struct session *s, int64_t max, int64_t *evicted,
		struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, 1);
	int64_t n, trimmed = 0;

	for (int i = 0; i <= TRIMS_MAX; i++) {
		if (redis_store_create(&b, s, max, c->now_ms, &n, err) != 0)
			return -1;
		if (n == IS_THERE)
			return err_set(err, ERR_INTERNAL,
				       "another session has this id");
		if (n != HAS_MORE) {
			*evicted = trimmed + n;
			return 0;
		}
		if (redis_trim(conn, c, s->who.name, max - 1, &trimmed, err) !=
		    0)
			return -1;
	}
	return err_set(err, ERR_BUSY, "too many parallel sign-ins of one user");
}

static int
store_redis_create(void *conn, const struct call *c,
		   const struct session *session, int64_t max_per_user,
		   int64_t *evicted, struct err *err)
{
	if (session->created_ms < 0 || session->last_seen_ms < 0 ||
	    end_ms(session) < 0)
		return err_set(err, ERR_INPUT,
			       "session: a time is before 1970");
	if (session_id_shard(&session->id) !=
	    session_shard_of(session->who.name))
		return err_set(err, ERR_INTERNAL,
			       "the id is of another user's session");
	return create_and_trim(conn, c, session,
			       max_per_user > 0 ? max_per_user : 0, evicted,
			       err);
}

/* What the server has of a session. */
struct stored {
	struct str record; /* p is NULL: there is none */
	struct str seen; /* p is NULL: only the record has the times */
	int64_t left_ms; /* the life that is left of the key, or -1 */
};

/* Reads a session. Its end is in the record, and at the latest the end of its
 * key. */
static int
find_by_script(struct redis_batch *b, const struct call *c,
	       const struct session_id *id, struct stored *out, struct err *err)
{
	*out = (struct stored){ .left_ms = -1 };
	(void)redis_add_script(b, LUA_FIND, redis_key_session(b, id),
			       REDIS_ARGS(redis_id(b, id),
					  redis_shard(b, session_id_shard(id)),
					  redis_number(b, c->now_ms)));
	if (redis_batch_run(b, err) != 0)
		return -1;
	return redis_get_text(b, 0, &out->record, err);
}

static bool
find_failed(const struct redis_batch *b, size_t steps)
{
	for (size_t i = 0; i < steps; i++)
		if (redis_happened(b->conn, i) != NULL)
			return false;
	return true;
}

/* Does the same by three commands, which cost the server less. The first one
 * reads `seen`, because a sweep may move a time from there to the record. The
 * script is needed if the record is empty, if a key has another type, or if the
 * ACL does not permit PTTL. */
static int
find_record(struct redis_batch *b, const struct call *c,
	    const struct session_id *id, struct stored *out, struct err *err)
{
	const struct str key = redis_key_session(b, id);

	(void)redis_add(b, "ZSCORE",
			redis_index(b, session_id_shard(id), "seen", STR("")),
			REDIS_ARGS(redis_id(b, id)));
	(void)redis_add(b, "GETRANGE", key, REDIS_ARGS(STR("0"), STR("4095")));
	(void)redis_add(b, "PTTL", key, NULL, 0);
	if (redis_batch_run(b, err) != 0) {
		if (find_failed(b, FIND_STEPS))
			return -1;
		return find_by_script(b, c, id, out, err);
	}
	if (redis_get_text(b, 0, &out->seen, err) != 0 ||
	    redis_get_text(b, 1, &out->record, err) != 0 ||
	    redis_get_number(b, 2, &out->left_ms, err) != 0)
		return -1;
	if (out->left_ms == NO_KEY)
		out->record = (struct str){ .p = NULL };
	else if (out->record.n == 0)
		return find_by_script(b, c, id, out, err);
	return 0;
}

/* A key outlives its session by a minute. If it does not, somebody has
 * shortened its life, and the session ends with its key. The server may delete
 * the key long after that, and would report its end only then. */
static void
end_with_key(struct session *s, int64_t now_ms, int64_t left_ms)
{
	if (left_ms >= 0 && left_ms < REDIS_MARGIN_MS)
		s->expires_ms = min64(s->expires_ms, later_ms(now_ms, left_ms));
}

static int
store_redis_find(void *conn, const struct call *c, const struct session_id *id,
		 const struct token_hash *token, struct session_answer *out,
		 struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, FIND_STEPS);
	struct session_answer is = { .session = { .id = *id } };
	struct session *s = &is.session;
	struct stored got = { .left_ms = -1 };
	struct str own;

	if (find_record(&b, c, id, &got, err) != 0)
		return -1;
	if (got.record.p != NULL) {
		if (arena_copy(c->arena, got.record, &own) != 0)
			return err_nomem(err);
		redis_record_parse(own, s);
		redis_record_seen(s, got.seen);
		end_with_key(s, c->now_ms, got.left_ms);
		is.found =
		    s->damage != NULL ||
		    ((token == NULL || token_hash_same(&s->token, token)) &&
		     redis_is_alive(s, c->now_ms));
	}
	*out = is.found ? is : (struct session_answer){ .found = false };
	return 0;
}

static int
store_redis_touch(void *conn, const struct call *c, const struct touch *t,
		  struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, 1);
	int64_t ignored;

	(void)redis_add_script(
	    &b, LUA_TOUCH, redis_key_session(&b, &t->id),
	    REDIS_ARGS(redis_time(&b, t->last_seen_ms),
		       redis_time(&b, t->idle_expires_ms),
		       redis_time(&b,
				  later_ms(t->last_seen_ms, CLOCK_SLACK_MS)),
		       redis_id(&b, &t->id),
		       redis_shard(&b, session_id_shard(&t->id))));
	if (redis_batch_run(&b, err) != 0)
		return -1;
	if (redis_get_number(&b, 0, &ignored, err) == 0)
		return 0;
	return session_refuse_damaged(&(struct session){ .id = t->id,
							 .damage = "record" },
				      err);
}

void
redis_revoke(struct redis_batch *b, const struct session_id *id)
{
	(void)redis_add_script(
	    b, LUA_REVOKE, redis_key_session(b, id),
	    REDIS_ARGS(redis_id(b, id), redis_shard(b, session_id_shard(id))));
}

static int
store_redis_revoke(void *conn, const struct call *c,
		   const struct session_id *id, bool *ended, struct err *err)
{
	struct redis_batch b = redis_batch(conn, c->arena, 1);
	int64_t n;

	redis_revoke(&b, id);
	if (redis_batch_run(&b, err) != 0 ||
	    redis_get_number(&b, 0, &n, err) != 0)
		return -1;
	*ended = n > 0;
	return 0;
}

const struct session_store_ops store_redis = {
	.base = {
		.driver = {
			.name = "redis",
			.summary = "sessions in Redis: one server, Sentinel, or"
				   " a cluster",
			.caps = BACKEND_PERSISTENT | BACKEND_SHARED,
			.options = redis_options,
			.conf_size = sizeof(struct redis_conf),
			.check = redis_check,
		},
		.open = store_redis_open,
		.close = redis_close,
		.connect = redis_connect,
		.disconnect = redis_disconnect,
		.is_lost = redis_is_lost,
		.ping = store_redis_ping,
		.advise = store_redis_advise,
	},
	.feed = &redis_feed_ops,
	.secret = store_redis_secret,
	.create = store_redis_create,
	.find = store_redis_find,
	.touch = store_redis_touch,
	.rotate = store_redis_rotate,
	.deny = store_redis_deny,
	.denied = store_redis_denied,
	.revoke = store_redis_revoke,
	.revoke_user = store_redis_revoke_user,
	.revoke_all = store_redis_revoke_all,
	.update_user = store_redis_update_user,
	.remark = store_redis_remark,
	.list = store_redis_list,
	.count_sessions = store_redis_count_sessions,
	.standing = store_redis_standing,
	.count = store_redis_count,
	.succeed = store_redis_succeed,
	.attempt = store_redis_attempt,
	.give_back = store_redis_give_back,
	.reset_attempts = store_redis_reset_attempts,
	.bans = store_redis_bans,
	.networks = store_redis_networks,
	.unlearn = store_redis_unlearn,
	.sweep = store_redis_sweep,
};
