/* SPDX-License-Identifier: MIT */
/*
 * Sends steps and reads their replies in rounds. A step that a server did not
 * execute (script unknown, key elsewhere, not now) is sent again in the next
 * round.
 */
#include "backends/redis/client/conn.h"

#include <assert.h>
#include <poll.h>

#include "backends/redis/client/cluster.h"
#include "backends/redis/client/wire_error.h"
#include "backends/redis/client/conn_internal.h"
#include "base/arena.h"

#define ROUNDS_MAX 8
#define PAUSE_MS   20 /* multiplied by the number of the round */

/* The state of a step. */
struct task {
	const struct redis_step *step;
	enum redis_answer answer;
	bool eval;
	bool asking; /* send it to `at`, this once */
	struct redis_address at;
	struct redis_wire *wire; /* in this round */
	redisReply *reply;
};

struct run {
	struct redis_conn *conn;
	struct task *tasks;
	size_t n;
	int64_t deadline_ms;
};

static void
forget_replies(struct redis_conn *conn)
{
	for (size_t i = 0; i < conn->nreplies; i++)
		freeReplyObject(conn->replies[i]);
	conn->replies = NULL;
	conn->nreplies = 0;
	arena_reset(conn->arena);
}

static int
wire_alone(struct run *r, struct redis_wire **out, struct err *err)
{
	struct redis_conn *conn = r->conn;

	if (conn->wire == NULL &&
	    redis_conn_reconnect(conn, r->deadline_ms, err) != 0)
		return -1;
	*out = conn->wire;
	return 0;
}

static int
wire_of_slot(struct run *r, unsigned slot, struct redis_wire **out,
	     struct err *err)
{
	const struct redis_address *at =
	    redis_cluster_owner(r->conn->cluster, slot);

	if (at == NULL)
		return err_set(err, ERR_UNAVAILABLE,
			       "no server of the cluster has slot %u", slot);
	return redis_cluster_wire(r->conn->cluster, at,
				  redis_share(r->conn->server->env,
					      r->deadline_ms, 2),
				  out, err);
}

static int
choose_wire(struct run *r, struct task *t, struct err *err)
{
	struct redis_cluster *c = r->conn->cluster;
	int result;

	if (c == NULL)
		result = wire_alone(r, &t->wire, err);
	else if (t->asking)
		result = redis_cluster_wire(c, &t->at, r->deadline_ms, &t->wire,
					    err);
	else
		result =
		    wire_of_slot(r, redis_slot(t->step->key), &t->wire, err);
	if (result == 0)
		t->at = *redis_wire_address(t->wire);
	return result;
}

/* Closes stale connections first, so that none is closed that was chosen. */
static int
choose_all(struct run *r, struct err *err)
{
	redis_conn_drop_stale(r->conn);
	for (size_t i = 0; i < r->n; i++)
		if (r->tasks[i].answer != REDIS_DONE &&
		    choose_wire(r, &r->tasks[i], err) != 0)
			return -1;
	return 0;
}

/* Must run before anything is sent, because a refresh may close connections. */
static int
choose_wires(struct run *r, struct err *err)
{
	struct redis_cluster *c = r->conn->cluster;

	if (choose_all(r, err) == 0)
		return 0;
	if (c == NULL ||
	    redis_cluster_refresh(c, NULL, r->deadline_ms, err) != 0)
		return -1;
	return choose_all(r, err);
}

static int
queue_one(struct run *r, const struct task *t, struct err *err)
{
	const struct redis_server *server = r->conn->server;
	const struct redis_step *s = t->step;
	const struct str asking = STR("ASKING");
	static const char *const counts[REDIS_KEYS_MAX] = { "1", "2", "3",
							    "4" };
	struct str *argv =
	    arena_array(r->conn->arena, s->nargs + 4, sizeof(*argv));
	size_t n = 0;

	if (argv == NULL)
		return err_nomem(err);
	if (s->command != NULL) {
		argv[n++] = str_from(s->command);
	} else {
		const struct redis_known_script *k =
		    &server->scripts[s->script];

		assert(s->script < server->nscripts);
		assert(s->nkeys < ARRAY_LEN(counts));
		argv[n++] = t->eval ? STR("EVAL") : STR("EVALSHA");
		argv[n++] =
		    t->eval ? k->text :
			      (struct str){ .p = k->sha, .n = sizeof(k->sha) };
		argv[n++] = str_from(counts[s->nkeys]);
	}
	argv[n++] = s->key;
	for (size_t i = 0; i < s->nargs; i++)
		argv[n++] = s->args[i];
	if (t->asking && redis_wire_queue(t->wire, &asking, 1, err) != 0)
		return -1;
	return redis_wire_queue(t->wire, argv, n, err);
}

static int
run_send_all(struct run *r, struct err *err)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->tasks[i].answer != REDIS_DONE &&
		    queue_one(r, &r->tasks[i], err) != 0)
			return -1;
	/* A connection that was flushed for an earlier step returns at once. */
	for (size_t i = 0; i < r->n; i++)
		if (r->tasks[i].answer != REDIS_DONE &&
		    redis_wire_flush(r->tasks[i].wire, r->deadline_ms, err) !=
			0)
			return -1;
	return 0;
}

/* The reply to ASKING is ignored, because the next one reports a failure. */
static int
read_one(struct run *r, struct task *t, struct err *err)
{
	redisReply *reply;

	if (t->asking) {
		if (redis_wire_read(t->wire, r->deadline_ms, &reply, err) != 0)
			return -1;
		freeReplyObject(reply);
	}
	freeReplyObject(t->reply);
	t->reply = NULL;
	if (redis_wire_read(t->wire, r->deadline_ms, &t->reply, err) != 0)
		return -1;
	t->answer = redis_reply_answer(t->reply);
	return 0;
}

static int
run_read_all(struct run *r, struct err *err)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->tasks[i].answer != REDIS_DONE &&
		    read_one(r, &r->tasks[i], err) != 0)
			return -1;
	return 0;
}

static int
run_refuse(const struct task *t, struct err *err)
{
	(void)redis_reply_fail(t->reply, err);
	return redis_wire_add_peer(&t->at, err);
}

/* Refreshes the map once a round. If that fails, changes this slot at
 * least. */
static int
follow(struct run *r, struct task *t, bool *refreshed, struct err *err)
{
	struct redis_cluster *c = r->conn->cluster;
	struct redis_address at;
	struct err ignored; /* the slot is known without a refresh */
	unsigned slot;

	if (redis_cluster_target(t->reply, &t->at, &slot, &at, err) != 0)
		return -1;
	if (t->answer == REDIS_ASK) {
		t->at = at;
		t->asking = true;
		return 0;
	}
	t->asking = false;
	*refreshed = *refreshed ||
		     redis_cluster_refresh(c, &at,
					   redis_share(r->conn->server->env,
						       r->deadline_ms, 2),
					   &ignored) == 0;
	return redis_cluster_moved(c, slot, &at, err);
}

/* Prepares the step for the next round. */
static int
prepare_one(struct run *r, struct task *t, bool *refreshed, bool *pause,
	    struct err *err)
{
	switch (t->answer) {
	case REDIS_DONE:
		break;
	case REDIS_NOSCRIPT:
		if (t->eval || t->step->command != NULL)
			return run_refuse(t, err);
		t->eval = true;
		break;
	case REDIS_MOVED:
	case REDIS_ASK:
		if (r->conn->cluster == NULL)
			return run_refuse(t, err);
		return follow(r, t, refreshed, err);
	case REDIS_LATER:
		t->asking = false;
		*pause = true;
		break;
	case REDIS_REFUSED:
		return run_refuse(t, err);
	}
	return 0;
}

static int
run_prepare(struct run *r, bool *pause, struct err *err)
{
	bool refreshed = false;

	for (size_t i = 0; i < r->n; i++)
		if (prepare_one(r, &r->tasks[i], &refreshed, pause, err) != 0)
			return -1;
	return 0;
}

static const struct task *
first_open(const struct run *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->tasks[i].answer != REDIS_DONE)
			return &r->tasks[i];
	return NULL;
}

static int
run_rounds(struct run *r, struct err *err)
{
	for (int round = 1; first_open(r) != NULL; round++) {
		bool pause = false;

		if (choose_wires(r, err) != 0)
			return -1;
		if (run_send_all(r, err) != 0 || run_read_all(r, err) != 0) {
			r->conn->broken = true;
			/* ERR_BUSY is a reply that is too long. */
			if (err->code != ERR_BUSY)
				err->code = ERR_UNAVAILABLE;
			return -1;
		}
		if (round == ROUNDS_MAX && first_open(r) != NULL) {
			if (run_refuse(first_open(r), err) != 0 &&
			    err->code != ERR_BUSY)
				err->code = ERR_UNAVAILABLE;
			return -1;
		}
		if (run_prepare(r, &pause, err) != 0)
			return -1;
		if (pause)
			(void)poll(NULL, 0, round * PAUSE_MS);
	}
	return 0;
}

/* A master that has lost its replicas may have been replaced by one of them,
 * and may still have sessions that were revoked since. Closes the connection,
 * so that the next run asks the sentinels. */
static void
leave_cut_off_master(const struct run *r)
{
	struct redis_conn *conn = r->conn;

	if (conn->server->target.sentinels.n == 0)
		return;
	for (size_t i = 0; i < r->n; i++) {
		if (r->tasks[i].reply == NULL ||
		    !redis_reply_lacks_replicas(r->tasks[i].reply))
			continue;
		redis_wire_close(conn->wire);
		conn->wire = NULL;
	}
}

int
redis_run(struct redis_conn *conn, const struct redis_step *steps, size_t n,
	  redisReply **replies, struct err *err)
{
	const struct redis_server *s = conn->server;
	struct run r = { .conn = conn,
			 .n = n,
			 .deadline_ms = env_mono_ms(s->env) + s->timeout_ms };
	int result;

	if (conn->broken)
		return err_set(err, ERR_UNAVAILABLE, "the connection is lost");
	forget_replies(conn);
	r.tasks = arena_array(conn->arena, n, sizeof(*r.tasks));
	conn->replies = arena_array(conn->arena, n, sizeof(redisReply *));
	if (r.tasks == NULL || conn->replies == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < n; i++)
		r.tasks[i].step = &steps[i];
	result = run_rounds(&r, err);
	if (result != 0)
		leave_cut_off_master(&r);
	for (size_t i = 0; i < n; i++) {
		conn->replies[i] = r.tasks[i].reply;
		if (result == 0)
			replies[i] = r.tasks[i].reply;
	}
	conn->nreplies = n;
	return result;
}

redisReply *
redis_happened(const struct redis_conn *conn, size_t i)
{
	if (conn->broken || i >= conn->nreplies || conn->replies[i] == NULL ||
	    conn->replies[i]->type == REDIS_REPLY_ERROR)
		return NULL;
	return conn->replies[i];
}
