/* SPDX-License-Identifier: MIT */
/* Scans the keys of every master, or sends one command to every master. */
#include "backends/redis/client/conn.h"

#include "backends/redis/client/cluster.h"
#include "backends/redis/client/wire_error.h"
#include "backends/redis/client/conn_internal.h"
#include "base/arena.h"
#include "base/buf.h"

#define SCAN_BYTES  (16 << 20)
#define PATTERN_MAX 4096

struct scan {
	struct redis_conn *conn;
	struct arena *arena, *page;
	struct str pattern;
	int (*fn)(void *ctx, const struct str *keys, size_t n, struct err *err);
	void *ctx;
};

static void
scan_add_escaped(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (str_find(STR("*?[]^\\"), s.p[i]) < 6)
			buf_add_char(b, '\\');
		buf_add_char(b, s.p[i]);
	}
}

/* Is called again for each page, because fn may reconnect. */
static int
find_wire(struct redis_conn *conn, const struct redis_address *at,
	  int64_t deadline_ms, struct redis_wire **out, struct err *err)
{
	if (conn->broken)
		return err_set(err, ERR_UNAVAILABLE, "the connection is lost");
	redis_conn_drop_stale(conn);
	if (conn->cluster != NULL)
		return redis_cluster_wire(conn->cluster, at, deadline_ms, out,
					  err);
	if (conn->wire == NULL &&
	    redis_conn_reconnect(conn, deadline_ms, err) != 0)
		return -1;
	*out = conn->wire;
	return 0;
}

/* Reads [cursor, [key ...]], and passes the keys to fn. */
static int
scan_give(struct scan *s, const redisReply *reply, struct str *cursor,
	  struct err *err)
{
	const redisReply *list;
	struct str *keys;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[1]->type != REDIS_REPLY_ARRAY)
		return err_set(err, ERR_UNAVAILABLE, "SCAN: unexpected reply");
	list = reply->element[1];
	arena_reset(s->page);
	keys = arena_array(s->page, list->elements, sizeof(*keys));
	if (keys == NULL ||
	    arena_copy(s->page, redis_reply_str(reply->element[0]), cursor) !=
		0)
		return err_nomem(err);
	for (size_t i = 0; i < list->elements; i++)
		keys[i] = redis_reply_str(list->element[i]);
	return list->elements == 0 ? 0 :
				     s->fn(s->ctx, keys, list->elements, err);
}

static int
scan_page(struct scan *s, const struct redis_address *at, struct str *cursor,
	  struct err *err)
{
	const struct redis_server *server = s->conn->server;
	int64_t deadline_ms = env_mono_ms(server->env) + server->timeout_ms;
	struct str argv[] = { STR("SCAN"), STR("0"),	 STR("MATCH"),
			      s->pattern,  STR("COUNT"), STR("1000") };
	struct redis_wire *w;
	redisReply *reply;
	int result;

	if (find_wire(s->conn, at, deadline_ms, &w, err) != 0)
		return -1;
	/* A new connection may be to another server, whose cursor is 0. */
	if (!redis_wire_is_new(w))
		argv[1] = *cursor;
	if (redis_wire_call(w, argv, ARRAY_LEN(argv), deadline_ms, &reply,
			    err) != 0) {
		s->conn->broken = true;
		err->code = ERR_UNAVAILABLE;
		return -1;
	}
	result = scan_give(s, reply, cursor, err);
	freeReplyObject(reply);
	return result;
}

static int
scan_server(void *scan, const struct redis_address *at, struct err *err)
{
	struct scan *s = scan;
	struct str cursor = STR("0");

	do {
		if (scan_page(s, at, &cursor, err) != 0)
			return -1;
	} while (!str_eq(cursor, STR("0")));
	return 0;
}

/* Calls fn for each master, until it returns -1. Without a cluster it calls fn
 * once, with NULL. */
static int
each_master(struct redis_conn *conn, struct arena *a,
	    int (*fn)(void *ctx, const struct redis_address *at,
		      struct err *err),
	    void *ctx, struct err *err)
{
	int64_t deadline_ms =
	    env_mono_ms(conn->server->env) + conn->server->timeout_ms;
	struct redis_addresses masters = { .n = 0 };

	if (conn->cluster == NULL)
		return fn(ctx, NULL, err);
	/* Without a refresh, a master that is new would be missing. */
	if (redis_cluster_refresh(conn->cluster, NULL, deadline_ms, err) != 0 ||
	    redis_cluster_masters(conn->cluster, a, &masters, err) != 0)
		return -1;
	for (size_t i = 0; i < masters.n; i++)
		if (fn(ctx, &masters.v[i], err) != 0)
			return -1;
	return 0;
}

static int
scan_all(struct scan *s, struct str start, struct err *err)
{
	struct buf pattern;

	buf_init(&pattern, s->arena, PATTERN_MAX);
	scan_add_escaped(&pattern, redis_prefix(s->conn));
	scan_add_escaped(&pattern, start);
	buf_add_char(&pattern, '*');
	if (buf_failed(&pattern))
		return err_set(err, ERR_INTERNAL,
			       "prefix: is too long for SCAN");
	s->pattern = buf_str(&pattern);
	return each_master(s->conn, s->arena, scan_server, s, err);
}

int
redis_scan(struct redis_conn *conn, struct str start,
	   int (*fn)(void *ctx, const struct str *keys, size_t n,
		     struct err *err),
	   void *ctx, struct err *err)
{
	struct scan s = { .conn = conn,
			  .arena = arena_new(SCAN_BYTES),
			  .page = arena_new(SCAN_BYTES),
			  .fn = fn,
			  .ctx = ctx };
	int result = -1;

	if (s.arena == NULL || s.page == NULL)
		(void)err_nomem(err);
	else
		result = scan_all(&s, start, err);
	arena_free(s.arena);
	arena_free(s.page);
	return result;
}

struct question {
	struct redis_conn *conn;
	const struct str *argv;
	size_t n;
	int (*fn)(void *ctx, const redisReply *reply, struct err *err);
	void *ctx;
};

static int
ask_server(void *question, const struct redis_address *at, struct err *err)
{
	const struct question *q = question;
	const struct redis_server *server = q->conn->server;
	int64_t deadline_ms = env_mono_ms(server->env) + server->timeout_ms;
	struct redis_wire *w;
	redisReply *reply;
	int result;

	if (find_wire(q->conn, at, deadline_ms, &w, err) != 0)
		return -1;
	if (redis_wire_queue(w, q->argv, q->n, err) != 0 ||
	    redis_wire_read(w, deadline_ms, &reply, err) != 0) {
		q->conn->broken = true;
		return -1;
	}
	result = q->fn(q->ctx, reply, err);
	freeReplyObject(reply);
	return result == 0 ? 0 :
			     redis_wire_add_peer(redis_wire_address(w), err);
}

int
redis_ask_all(struct redis_conn *conn, const struct str *argv, size_t n,
	      int (*fn)(void *ctx, const redisReply *reply, struct err *err),
	      void *ctx, struct err *err)
{
	struct question q = {
		.conn = conn, .argv = argv, .n = n, .fn = fn, .ctx = ctx
	};
	struct arena *a = arena_new(SCAN_BYTES);
	int result;

	if (a == NULL)
		return err_nomem(err);
	result = each_master(conn, a, ask_server, &q, err);
	arena_free(a);
	return result;
}
