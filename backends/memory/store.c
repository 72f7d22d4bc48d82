/* SPDX-License-Identifier: MIT */
/*
 * Sessions in the memory of one process, for tests and for installations that
 * may lose them at a restart. One lock protects all of it; only the sweep
 * limits the memory. All operations on sessions except create, find, touch,
 * rotate and revoke read every session.
 */
#include "strategy/clock.h"
#include "backends/memory/store_internal.h"

#include <stdlib.h>
#include <string.h>

struct memory_conf {
	char none; /* no options, but a size of 0 means "not compiled in" */
};

static int
store_memory_open(const void *conf, const struct env *env, void **store,
		  struct err *err)
{
	struct memory *m = calloc(1, sizeof(*m));

	(void)conf; /* there are no options */
	(void)env; /* not needed */
	if (m == NULL)
		return err_nomem(err);
	if (memory_sessions_init(&m->sessions, err) != 0) {
		free(m);
		return -1;
	}
	if (pthread_mutex_init(&m->lock, NULL) != 0) {
		memory_sessions_destroy(&m->sessions);
		free(m);
		return err_nomem(err);
	}
	*store = m;
	return 0;
}

static void
store_memory_close(void *store)
{
	struct memory *m = store;

	memory_sessions_destroy(&m->sessions);
	memory_attempts_destroy(&m->attempts);
	memory_denials_destroy(&m->denials);
	memory_networks_destroy(&m->networks);
	memory_secrets_destroy(&m->secrets);
	(void)pthread_mutex_destroy(&m->lock); /* cannot fail: not locked */
	free(m);
}

static int
store_memory_connect(void *store, void **conn, struct err *err)
{
	(void)err; /* cannot fail */
	*conn = store;
	return 0;
}

static void
store_memory_disconnect(void *conn)
{
	(void)conn; /* it is the store itself */
}

static int
store_memory_ping(void *conn, struct err *err)
{
	(void)conn;
	(void)err; /* cannot fail */
	return 0;
}

struct memory *
memory_lock(void *conn)
{
	struct memory *m = conn;

	(void)pthread_mutex_lock(&m->lock); /* fails only if it is invalid */
	return m;
}

void
memory_unlock(struct memory *m)
{
	(void)pthread_mutex_unlock(&m->lock); /* cannot fail: we hold it */
}

static int
store_memory_secret(void *conn, const struct call *c, const char *name,
		    uint8_t value[32], struct err *err)
{
	struct memory *m = memory_lock(conn);
	int result = memory_secrets_keep(&m->secrets, name, value, err);

	(void)c;
	memory_unlock(m);
	return result;
}

static int
store_memory_create(void *conn, const struct call *c,
		    const struct session *session, int64_t max_per_user,
		    int64_t *evicted, struct err *err)
{
	struct memory *m = memory_lock(conn);
	int64_t n = 0;
	/* This may fail, so it comes before any session is ended. */
	int result = memory_sessions_add(&m->sessions, session, err);

	if (result == 0 && max_per_user > 0)
		n = memory_sessions_make_room(&m->sessions, session->who.name,
					      max_per_user - 1, c->now_ms,
					      &session->id);
	memory_unlock(m);
	if (result == 0)
		*evicted = n;
	return result;
}

static int
store_memory_find(void *conn, const struct call *c, const struct session_id *id,
		  const struct token_hash *token, struct session_answer *out,
		  struct err *err)
{
	struct memory *m = memory_lock(conn);
	const struct memory_entry *e = memory_sessions_id(&m->sessions, id);
	struct session_answer is = {
		.found = e != NULL &&
			 (token == NULL || token_hash_same(&e->token, token)) &&
			 memory_entry_is_alive(e, c->now_ms)
	};
	int result =
	    is.found ? memory_entry_get(e, c->arena, &is.session, err) : 0;

	memory_unlock(m);
	if (result == 0)
		*out = is;
	return result;
}

static int
store_memory_touch(void *conn, const struct call *c, const struct touch *t,
		   struct err *err)
{
	struct memory *m = memory_lock(conn);
	struct memory_entry *e = memory_sessions_id(&m->sessions, &t->id);

	(void)c;
	(void)err; /* cannot fail */
	if (e != NULL && memory_entry_is_alive(e, t->last_seen_ms)) {
		bool ahead = seen_ahead(e->last_seen_ms, t->last_seen_ms);

		if (ahead || e->last_seen_ms < t->last_seen_ms)
			e->last_seen_ms = t->last_seen_ms;
		if (ahead || e->idle_expires_ms < t->idle_expires_ms)
			e->idle_expires_ms = t->idle_expires_ms;
	}
	memory_unlock(m);
	return 0;
}

static int
store_memory_rotate(void *conn, const struct call *c, const struct rotation *r,
		    struct rotated *out, struct err *err)
{
	struct memory *m = memory_lock(conn);
	int result = memory_sessions_rotate(&m->sessions, c, r, out, err);

	memory_unlock(m);
	return result;
}

static int
store_memory_deny(void *conn, const struct call *c, const struct denial *d,
		  struct err *err)
{
	struct memory *m = memory_lock(conn);
	int result = memory_denials_add(&m->denials, d, err);

	(void)c;
	memory_unlock(m);
	return result;
}

static int
store_memory_denied(void *conn, const struct call *c,
		    const struct denial_question *q, bool *denied,
		    struct err *err)
{
	struct memory *m = memory_lock(conn);
	bool any = false;

	(void)err; /* cannot fail */
	for (size_t i = 0; i < q->n && !any; i++)
		any = memory_denials_has(&m->denials, q->keys[i], q->issued_ms,
					 c->now_ms);
	memory_unlock(m);
	*denied = any;
	return 0;
}

static int
store_memory_revoke(void *conn, const struct call *c,
		    const struct session_id *id, bool *ended, struct err *err)
{
	struct memory *m = memory_lock(conn);
	struct memory_entry *e = memory_sessions_id(&m->sessions, id);

	(void)c;
	(void)err; /* cannot fail */
	if (e != NULL)
		memory_sessions_remove(&m->sessions, e);
	memory_unlock(m);
	*ended = e != NULL;
	return 0;
}

/* Ends the sessions of a user, or of all users if it is NULL. */
static int64_t
end_sessions(struct memory *m, const struct str *user,
	     const struct session_id *except)
{
	struct memory_sessions *t = &m->sessions;
	int64_t n = 0;

	for (size_t i = t->n; i-- > 0;) {
		struct memory_entry *e = t->all[i];

		if ((user != NULL && !memory_entry_is_of(e, *user)) ||
		    (except != NULL &&
		     memcmp(&e->id, except, sizeof(*except)) == 0))
			continue;
		memory_sessions_remove(t, e);
		n++;
	}
	return n;
}

static int
store_memory_revoke_user(void *conn, const struct call *c, struct str user,
			 const struct session_id *except, int64_t *ended,
			 struct err *err)
{
	struct memory *m = memory_lock(conn);

	(void)c;
	(void)err; /* cannot fail */
	*ended = end_sessions(m, &user, except);
	memory_unlock(m);
	return 0;
}

static int
store_memory_revoke_all(void *conn, const struct call *c, int64_t *ended,
			struct err *err)
{
	struct memory *m = memory_lock(conn);

	(void)c;
	(void)err; /* cannot fail */
	*ended = end_sessions(m, NULL, NULL);
	memory_unlock(m);
	return 0;
}

static int
store_memory_update_user(void *conn, const struct call *c,
			 const struct identity *who, struct err *err)
{
	struct memory *m = memory_lock(conn);
	int result = memory_sessions_update_user(&m->sessions, who, err);

	(void)c;
	memory_unlock(m);
	return result;
}

static int
store_memory_remark(void *conn, const struct call *c, const struct remark *r,
		    struct err *err)
{
	struct memory *m = memory_lock(conn);

	(void)c;
	(void)err; /* cannot fail */
	memory_sessions_remark(&m->sessions, r);
	memory_unlock(m);
	return 0;
}

static int
store_memory_list(void *conn, const struct call *c,
		  const struct session_query *q, struct session_cursor *cursor,
		  struct session_list *out, struct err *err)
{
	struct memory *m = memory_lock(conn);
	int result = memory_sessions_list(&m->sessions, c, q, cursor, out, err);

	memory_unlock(m);
	return result;
}

static int
store_memory_count_sessions(void *conn, const struct call *c,
			    struct session_counts *out, struct err *err)
{
	struct memory *m = memory_lock(conn);
	int result = memory_sessions_count(&m->sessions, c->now_ms, out, err);

	memory_unlock(m);
	return result;
}

static int
store_memory_sweep(void *conn, const struct call *c, size_t limit,
		   int64_t *removed, struct err *err)
{
	struct memory *m = memory_lock(conn);
	struct memory_sessions *t = &m->sessions;
	size_t n = 0;

	(void)err; /* cannot fail */
	for (size_t i = t->n; i-- > 0 && n < limit;) {
		struct memory_entry *e = t->all[i];

		if (memory_entry_is_alive(e, c->now_ms))
			continue;
		memory_sessions_remove(t, e);
		n++;
	}
	n += memory_attempts_sweep(&m->attempts, c->now_ms, limit - n);
	n += memory_denials_sweep(&m->denials, c->now_ms, limit - n);
	n += memory_networks_sweep(&m->networks, c->now_ms, limit - n);
	memory_unlock(m);
	*removed = (int64_t)n;
	return 0;
}

static const struct option options[] = { OPTION_END };

const struct session_store_ops store_memory = {
	.base = {
		.driver = {
			.name = "memory",
			.summary = "sessions in this process, lost when it"
				   " ends",
			.options = options,
			.conf_size = sizeof(struct memory_conf),
		},
		.open = store_memory_open,
		.close = store_memory_close,
		.connect = store_memory_connect,
		.disconnect = store_memory_disconnect,
		.ping = store_memory_ping,
	},
	.secret = store_memory_secret,
	.create = store_memory_create,
	.find = store_memory_find,
	.touch = store_memory_touch,
	.rotate = store_memory_rotate,
	.deny = store_memory_deny,
	.denied = store_memory_denied,
	.revoke = store_memory_revoke,
	.revoke_user = store_memory_revoke_user,
	.revoke_all = store_memory_revoke_all,
	.update_user = store_memory_update_user,
	.remark = store_memory_remark,
	.list = store_memory_list,
	.count_sessions = store_memory_count_sessions,
	.standing = store_memory_standing,
	.count = store_memory_count,
	.succeed = store_memory_succeed,
	.attempt = store_memory_attempt,
	.give_back = store_memory_give_back,
	.reset_attempts = store_memory_reset_attempts,
	.bans = store_memory_bans,
	.networks = store_memory_networks,
	.unlearn = store_memory_unlearn,
	.sweep = store_memory_sweep,
};
