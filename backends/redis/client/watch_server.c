/* SPDX-License-Identifier: MIT */
/* The two connections of a watch to one server. */
#include "backends/redis/client/cluster.h"
#include "backends/redis/client/watch_internal.h"
#include "backends/redis/client/wire_error.h"
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#define CHANNEL	     "__redis__:invalidate"
#define TEXT_MAX     90 /* of an error reply */
#define COMMAND_MAX  32 /* arguments */
#define INFO_LINE    64
#define NUMBER_BYTES 24
/* Messages that are taken at once, so that a flood does not delay a proof. */
#define TAKE_MAX     1000

/* A command, and what the ACL of the user must permit for it. */
struct watch_question {
	const struct str *argv;
	size_t n;
	const char *rights;
};

#define QUESTION(rights_, ...)                                                 \
	(&(const struct watch_question){                                       \
	    .argv = (const struct str[]){ __VA_ARGS__ },                       \
	    .n = ARRAY_LEN(((const struct str[]){ __VA_ARGS__ })),             \
	    .rights = (rights_),                                               \
	})

#define ASK_REPLICATION QUESTION("+info", STR("INFO"), STR("replication"))
#define ASK_COUNTS	QUESTION("+info", STR("INFO"), STR("commandstats"))
#define ASK_STATE	QUESTION("+cluster|info", STR("CLUSTER"), STR("INFO"))
#define ASK_MAP		QUESTION("+cluster|slots", STR("CLUSTER"), STR("SLOTS"))

static int
put_question(struct redis_wire *w, const struct watch_question *q,
	     struct err *err)
{
	return redis_wire_queue(w, q->argv, q->n, err);
}

/* A server that does not know or permit a command needs an administrator. One
 * that is loading its data, for example, needs time. */
static int
refuse_question(const struct watch_question *q, const redisReply *reply,
		struct err *err)
{
	const struct str text = redis_reply_str(reply);

	if (str_starts(text, STR("NOPERM")))
		return err_set(err, ERR_CONFIG,
			       "the ACL of the user must permit %s for the"
			       " change feed",
			       q->rights);
	(void)redis_reply_fail(reply, err);
	if (err->code != ERR_INTERNAL)
		return -1;
	return err_set(err, ERR_CONFIG,
		       "the server refuses %.*s, which the change feed needs:"
		       " %.*s",
		       STR_ARG(q->argv[0]), STR_ARG(str_clip(text, TEXT_MAX)));
}

/* The caller must free *out. */
static int
get_answer(struct redis_wire *w, const struct watch_question *q,
	   int64_t deadline_ms, redisReply **out, struct err *err)
{
	redisReply *reply;

	if (redis_wire_read(w, deadline_ms, &reply, err) != 0)
		return -1;
	if (reply->type == REDIS_REPLY_ERROR) {
		(void)refuse_question(q, reply, err);
		freeReplyObject(reply);
		return redis_wire_add_peer(redis_wire_address(w), err);
	}
	*out = reply;
	return 0;
}

static int
ask_question(struct redis_wire *w, const struct watch_question *q,
	     int64_t deadline_ms, redisReply **out, struct err *err)
{
	if (put_question(w, q, err) != 0)
		return -1;
	return get_answer(w, q, deadline_ms, out, err);
}

/* Reads the reply to ASK_REPLICATION. The identifier of the replication is
 * another one after each failover, even if this server stayed reachable. */
static int
read_replication(struct redis_wire *w, int64_t deadline_ms,
		 char replid[REDIS_REPLID_LEN + 1], struct err *err)
{
	redisReply *reply;
	struct str id, role;
	int result = 0;

	if (get_answer(w, ASK_REPLICATION, deadline_ms, &reply, err) != 0)
		return -1;
	role = redis_info_value(redis_reply_str(reply), STR("role:"));
	id = redis_info_value(redis_reply_str(reply), STR("master_replid:"));
	if (!str_eq(role, STR("master")))
		result = err_set(err, ERR_UNAVAILABLE,
				 "must be a master, but INFO says %.*s",
				 STR_ARG(str_clip(role, INFO_LINE)));
	(void)snprintf(replid, REDIS_REPLID_LEN + 1, "%.*s",
		       STR_ARG(str_clip(id, REDIS_REPLID_LEN)));
	freeReplyObject(reply);
	return result == 0 ? 0 :
			     redis_wire_add_peer(redis_wire_address(w), err);
}

/* An address may lead to several servers. */
static int
compare_servers(struct redis_watched *m, int64_t deadline_ms, struct err *err)
{
	char other[REDIS_REPLID_LEN + 1];

	if (put_question(m->feed, ASK_REPLICATION, err) != 0 ||
	    put_question(m->check, ASK_REPLICATION, err) != 0 ||
	    redis_wire_flush(m->check, deadline_ms, err) != 0 ||
	    read_replication(m->feed, deadline_ms, m->replid, err) != 0 ||
	    read_replication(m->check, deadline_ms, other, err) != 0)
		return -1;
	if (strcmp(m->replid, other) == 0)
		return 0;
	(void)err_set(err, ERR_UNAVAILABLE,
		      "two connections lead to different servers");
	return redis_wire_add_peer(redis_wire_address(m->feed), err);
}

/* Adds PREFIX for each beginning of a key. */
static int
add_starts(const struct redis_watch *w, struct str *argv, size_t *n,
	   struct err *err)
{
	const struct str prefix = w->server->prefix;

	for (size_t i = 0; i < REDIS_WATCH_STARTS && w->conf.starts[i] != NULL;
	     i++) {
		struct buf b;

		buf_init(&b, w->arena, prefix.n + strlen(w->conf.starts[i]));
		buf_add(&b, prefix);
		buf_add_cstr(&b, w->conf.starts[i]);
		if (buf_failed(&b))
			return err_nomem(err);
		argv[(*n)++] = STR("PREFIX");
		argv[(*n)++] = buf_str(&b);
	}
	return 0;
}

/* Redirects the messages of the connection to itself: RESP2 has no other way
 * to receive them. */
static int
begin_tracking(struct redis_watch *w, const struct redis_watched *m,
	       long long id, int64_t deadline_ms, struct err *err)
{
	char text[NUMBER_BYTES];
	const int n = snprintf(text, sizeof(text), "%lld", id);
	struct str argv[COMMAND_MAX] = { STR("CLIENT"),
					 STR("TRACKING"),
					 STR("ON"),
					 STR("REDIRECT"),
					 { .p = text, .n = (size_t)n },
					 STR("BCAST") };
	struct watch_question q = { .argv = argv,
				    .n = 6,
				    .rights = "+client|tracking" };
	redisReply *reply;

	if (add_starts(w, argv, &q.n, err) != 0 ||
	    ask_question(m->feed, &q, deadline_ms, &reply, err) != 0)
		return -1;
	freeReplyObject(reply);
	if (ask_question(m->feed,
			 QUESTION("+subscribe and &" CHANNEL, STR("SUBSCRIBE"),
				  STR(CHANNEL)),
			 deadline_ms, &reply, err) != 0)
		return -1;
	freeReplyObject(reply);
	return 0;
}

int
redis_watched_open(struct redis_watch *w, struct redis_watched *m,
		   const struct redis_address *at, int64_t deadline_ms,
		   struct err *err)
{
	const struct redis_login *login = &w->server->target.login;
	const struct env *env = w->server->env;
	redisReply *reply;
	long long id;

	if (redis_wire_open(at, login, env, deadline_ms, &m->feed, err) != 0)
		return -1;
	if (w->cluster != NULL ? redis_cluster_wire(w->cluster, at, deadline_ms,
						    &m->check, err) != 0 :
				 redis_wire_open(at, login, env, deadline_ms,
						 &m->check, err) != 0)
		return -1;
	if (compare_servers(m, deadline_ms, err) != 0 ||
	    ask_question(m->feed,
			 QUESTION("+client|id", STR("CLIENT"), STR("ID")),
			 deadline_ms, &reply, err) != 0)
		return -1;
	id = reply->integer;
	freeReplyObject(reply);
	return begin_tracking(w, m, id, deadline_ms, err);
}

static void
tell_change(struct redis_watch *w, const struct str *key)
{
	w->told = true;
	w->conf.changed(w->conf.ctx, key);
}

static int
tell_keys(struct redis_watch *w, const redisReply *keys, struct err *err)
{
	if (keys->type == REDIS_REPLY_NIL) {
		tell_change(w, NULL);
		return 0;
	}
	if (keys->type != REDIS_REPLY_ARRAY)
		return err_set(err, ERR_UNAVAILABLE,
			       "message of changes: must have keys");
	for (size_t i = 0; i < keys->elements; i++) {
		const struct str key = redis_reply_str(keys->element[i]);

		tell_change(w, &key);
	}
	return 0;
}

static bool
is_word(const redisReply *list, size_t i, struct str word)
{
	return str_eq(redis_reply_str(list->element[i]), word);
}

/* Reads ["message", channel, keys] or ["pong", text]. *pong is empty, or the
 * text, which points into the message. */
static int
take_message(struct redis_watch *w, const redisReply *r, struct str *pong,
	     struct err *err)
{
	*pong = STR("");
	if (r->type == REDIS_REPLY_ERROR)
		return redis_reply_fail(r, err);
	if (r->type == REDIS_REPLY_ARRAY && r->elements == 3 &&
	    is_word(r, 0, STR("message")) && is_word(r, 1, STR(CHANNEL)))
		return tell_keys(w, r->element[2], err);
	if (r->type == REDIS_REPLY_ARRAY && r->elements == 2 &&
	    is_word(r, 0, STR("pong"))) {
		*pong = redis_reply_str(r->element[1]);
		return 0;
	}
	return err_set(err, ERR_UNAVAILABLE,
		       "message on the connection of the change feed: must "
		       "report changes or answer PING, but does neither");
}

int
redis_watched_take(struct redis_watch *w, const struct redis_watched *m,
		   struct err *err)
{
	for (int i = 0; i < TAKE_MAX; i++) {
		redisReply *reply;
		struct str pong;
		int result;

		if (redis_wire_poll(m->feed, &reply, err) != 0)
			return -1;
		if (reply == NULL)
			return 0;
		result = take_message(w, reply, &pong, err);
		freeReplyObject(reply);
		if (result != 0)
			return redis_wire_add_peer(redis_wire_address(m->feed),
						   err);
	}
	return 0;
}

int
redis_watched_take_until(struct redis_watch *w, const struct redis_watched *m,
			 struct str pong, int64_t deadline_ms, struct err *err)
{
	bool found = false;

	while (!found) {
		redisReply *reply;
		struct str text;
		int result;

		if (redis_wire_read(m->feed, deadline_ms, &reply, err) != 0)
			return -1;
		result = take_message(w, reply, &text, err);
		found = result == 0 && str_eq(text, pong);
		freeReplyObject(reply);
		if (result != 0)
			return redis_wire_add_peer(redis_wire_address(m->feed),
						   err);
	}
	return 0;
}

int
redis_watched_ask(const struct redis_watch *w, const struct redis_watched *m,
		  bool asks_map, int64_t deadline_ms, struct err *err)
{
	if (put_question(m->check, ASK_REPLICATION, err) != 0 ||
	    (w->cluster == NULL &&
	     put_question(m->check, ASK_COUNTS, err) != 0))
		return -1;
	if (w->cluster != NULL &&
	    (put_question(m->check, ASK_STATE, err) != 0 ||
	     (asks_map && put_question(m->check, ASK_MAP, err) != 0)))
		return -1;
	return redis_wire_flush(m->check, deadline_ms, err);
}

/* A master that was cut off from the others says "fail" before they have chosen
 * its successor. */
static int
check_state(const struct redis_watched *m, int64_t deadline_ms, struct err *err)
{
	redisReply *reply;
	struct str state;
	int result = 0;

	if (get_answer(m->check, ASK_STATE, deadline_ms, &reply, err) != 0)
		return -1;
	state = redis_info_value(redis_reply_str(reply), STR("cluster_state:"));
	if (!str_eq(state, STR("ok")))
		result = err_set(err, ERR_UNAVAILABLE,
				 "cluster_state: must be ok, but is %.*s",
				 STR_ARG(str_clip(state, INFO_LINE)));
	freeReplyObject(reply);
	return result == 0 ?
		   0 :
		   redis_wire_add_peer(redis_wire_address(m->check), err);
}

static int
check_map(const struct redis_watch *w, const struct redis_watched *m,
	  int64_t deadline_ms, struct err *err)
{
	const struct redis_address *at = redis_wire_address(m->check);
	redisReply *reply;
	bool same = false;
	int result;

	if (get_answer(m->check, ASK_MAP, deadline_ms, &reply, err) != 0)
		return -1;
	result = redis_cluster_compare(w->cluster, reply, at, &same, err);
	freeReplyObject(reply);
	if (result == 0 && same)
		return 0;
	if (result == 0)
		(void)err_set(err, ERR_UNAVAILABLE,
			      "the cluster has other masters, or their slots"
			      " have changed");
	return redis_wire_add_peer(at, err);
}

/* SWAPDB exchanges all keys of two databases, and causes no message. The server
 * counts its calls. */
static int
check_swaps(struct redis_watch *w, struct redis_watched *m, int64_t deadline_ms,
	    struct err *err)
{
	char before[REDIS_SWAPS_MAX];
	redisReply *reply;
	struct str text;

	if (get_answer(m->check, ASK_COUNTS, deadline_ms, &reply, err) != 0)
		return -1;
	text = redis_info_value(redis_reply_str(reply),
				STR("cmdstat_swapdb:calls="));
	memcpy(before, m->swaps, sizeof(before));
	(void)snprintf(m->swaps, sizeof(m->swaps), "%.*s", STR_ARG(text));
	freeReplyObject(reply);
	if (strcmp(before, m->swaps) != 0)
		tell_change(w, NULL);
	return 0;
}

int
redis_watched_answer(struct redis_watch *w, struct redis_watched *m,
		     bool asks_map, int64_t deadline_ms, struct err *err)
{
	char replid[REDIS_REPLID_LEN + 1];

	if (read_replication(m->check, deadline_ms, replid, err) != 0)
		return -1;
	if (strcmp(replid, m->replid) != 0) {
		(void)err_set(err, ERR_UNAVAILABLE,
			      "replication id: must be as before, but is "
			      "another, so the data may be other data");
		return redis_wire_add_peer(redis_wire_address(m->check), err);
	}
	if (w->cluster == NULL)
		return check_swaps(w, m, deadline_ms, err);
	if (check_state(m, deadline_ms, err) != 0)
		return -1;
	return asks_map ? check_map(w, m, deadline_ms, err) : 0;
}
