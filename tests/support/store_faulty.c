/* SPDX-License-Identifier: MIT */
/* A wrapper of a store that fails at the n-th call. */
#include "tests/support/store_faulty.h"

#include <stdlib.h>

struct faulty_store {
	struct store_faulty *f;
	void *inner;
};

struct faulty_conn {
	struct store_faulty *f;
	void *inner;
};

static int
faulty_open(const void *conf, const struct env *env, void **store,
	    struct err *err)
{
	const struct store_faulty *f = conf;
	struct faulty_store *s = malloc(sizeof(*s));

	if (s == NULL)
		return err_nomem(err);
	s->f = f->self;
	if (f->inner->base.open(f->inner_conf, env, &s->inner, err) != 0) {
		free(s);
		return -1;
	}
	*store = s;
	return 0;
}

static void
faulty_close(void *store)
{
	struct faulty_store *s = store;

	s->f->inner->base.close(s->inner);
	free(s);
}

static bool
is_due(struct store_faulty *f, const char *op, struct err *err)
{
	unsigned call = atomic_fetch_add(&f->calls, 1) + 1;
	unsigned at = atomic_load(&f->fail_at);

	if (at == 0 || call < at || (call > at && !atomic_load(&f->stay_down)))
		return false;
	(void)atomic_fetch_add(&f->failed, 1); /* only a counter */
	(void)err_set(err, ERR_UNAVAILABLE, "call %u, %s: told to fail", call,
		      op);
	return true;
}

static int
faulty_connect(void *store, void **conn, struct err *err)
{
	struct faulty_store *s = store;
	struct faulty_conn *c;

	if (is_due(s->f, "connect", err))
		return -1;
	c = malloc(sizeof(*c));
	if (c == NULL)
		return err_nomem(err);
	c->f = s->f;
	if (s->f->inner->base.connect(s->inner, &c->inner, err) != 0) {
		free(c);
		return -1;
	}
	*conn = c;
	return 0;
}

static void
faulty_disconnect(void *conn)
{
	struct faulty_conn *c = conn;

	c->f->inner->base.disconnect(c->inner);
	free(c);
}

#define FORWARD(conn, op, ...)                                                 \
	(is_due(((struct faulty_conn *)(conn))->f, #op, err) ?                 \
	     -1 :                                                              \
	     ((struct faulty_conn *)(conn))                                    \
		 ->f->inner->op(((struct faulty_conn *)(conn))->inner,         \
				__VA_ARGS__))

static int
faulty_ping(void *conn, struct err *err)
{
	return FORWARD(conn, base.ping, err);
}

static int
faulty_schema(void *conn, struct schema_state *out, struct err *err)
{
	return FORWARD(conn, base.schema, out, err);
}

static int
faulty_migrate(void *conn, struct err *err)
{
	return FORWARD(conn, base.migrate, err);
}

static int
faulty_secret(void *conn, const struct call *c, const char *name,
	      uint8_t value[32], struct err *err)
{
	return FORWARD(conn, secret, c, name, value, err);
}

static int
faulty_create(void *conn, const struct call *c, const struct session *session,
	      int64_t max_per_user, int64_t *evicted, struct err *err)
{
	return FORWARD(conn, create, c, session, max_per_user, evicted, err);
}

static int
faulty_find(void *conn, const struct call *c, const struct session_id *id,
	    const struct token_hash *token, struct session_answer *out,
	    struct err *err)
{
	return FORWARD(conn, find, c, id, token, out, err);
}

static int
faulty_touch(void *conn, const struct call *c, const struct touch *t,
	     struct err *err)
{
	return FORWARD(conn, touch, c, t, err);
}

static int
faulty_rotate(void *conn, const struct call *c, const struct rotation *r,
	      struct rotated *out, struct err *err)
{
	return FORWARD(conn, rotate, c, r, out, err);
}

static int
faulty_deny(void *conn, const struct call *c, const struct denial *d,
	    struct err *err)
{
	return FORWARD(conn, deny, c, d, err);
}

static int
faulty_denied(void *conn, const struct call *c, const struct denial_question *q,
	      bool *denied, struct err *err)
{
	return FORWARD(conn, denied, c, q, denied, err);
}

static int
faulty_revoke(void *conn, const struct call *c, const struct session_id *id,
	      bool *ended, struct err *err)
{
	return FORWARD(conn, revoke, c, id, ended, err);
}

static int
faulty_revoke_user(void *conn, const struct call *c, struct str user,
		   const struct session_id *except, int64_t *ended,
		   struct err *err)
{
	return FORWARD(conn, revoke_user, c, user, except, ended, err);
}

static int
faulty_revoke_all(void *conn, const struct call *c, int64_t *ended,
		  struct err *err)
{
	return FORWARD(conn, revoke_all, c, ended, err);
}

static int
faulty_update_user(void *conn, const struct call *c, const struct identity *who,
		   struct err *err)
{
	return FORWARD(conn, update_user, c, who, err);
}

static int
faulty_remark(void *conn, const struct call *c, const struct remark *m,
	      struct err *err)
{
	return FORWARD(conn, remark, c, m, err);
}

static int
faulty_list(void *conn, const struct call *c, const struct session_query *q,
	    struct session_cursor *cursor, struct session_list *out,
	    struct err *err)
{
	return FORWARD(conn, list, c, q, cursor, out, err);
}

static int
faulty_count_sessions(void *conn, const struct call *c,
		      struct session_counts *out, struct err *err)
{
	return FORWARD(conn, count_sessions, c, out, err);
}

static int
faulty_standing(void *conn, const struct call *c, const struct login_keys *k,
		struct login_standing *out, struct err *err)
{
	return FORWARD(conn, standing, c, k, out, err);
}

static int
faulty_count(void *conn, const struct call *c, const struct login_keys *k,
	     struct login_count *out, struct err *err)
{
	return FORWARD(conn, count, c, k, out, err);
}

static int
faulty_succeed(void *conn, const struct call *c, const struct login_success *s,
	       struct err *err)
{
	return FORWARD(conn, succeed, c, s, err);
}

static int
faulty_attempt(void *conn, const struct call *c, struct str key,
	       const struct attempt_policy *policy, struct attempt *out,
	       struct err *err)
{
	return FORWARD(conn, attempt, c, key, policy, out, err);
}

static int
faulty_give_back(void *conn, const struct call *c, struct str key,
		 int64_t ends_ms, struct err *err)
{
	return FORWARD(conn, give_back, c, key, ends_ms, err);
}

static int
faulty_reset_attempts(void *conn, const struct call *c, struct str key,
		      bool *was_banned, struct err *err)
{
	return FORWARD(conn, reset_attempts, c, key, was_banned, err);
}

static int
faulty_bans(void *conn, const struct call *c, int64_t ban_ms, size_t limit,
	    struct ban_list *out, struct err *err)
{
	return FORWARD(conn, bans, c, ban_ms, limit, out, err);
}

static int
faulty_networks(void *conn, const struct call *c, struct str user,
		struct known_networks *out, struct err *err)
{
	return FORWARD(conn, networks, c, user, out, err);
}

static int
faulty_unlearn(void *conn, const struct call *c, struct str user,
	       struct err *err)
{
	return FORWARD(conn, unlearn, c, user, err);
}

static int
faulty_sweep(void *conn, const struct call *c, size_t limit, int64_t *removed,
	     struct err *err)
{
	return FORWARD(conn, sweep, c, limit, removed, err);
}

void
store_faulty_init(struct store_faulty *f, const struct session_store_ops *inner,
		  const void *inner_conf)
{
	f->self = f;
	f->ops = (struct session_store_ops){
		.base = {
			/* With the capabilities of the inner store. */
			.driver = inner->base.driver,
			.open = faulty_open,
			.close = faulty_close,
			.connect = faulty_connect,
			.disconnect = faulty_disconnect,
			.ping = faulty_ping,
			.schema = inner->base.schema == NULL ? NULL :
							       faulty_schema,
			.migrate = inner->base.migrate == NULL ? NULL :
								 faulty_migrate,
		},
		.secret = faulty_secret,
		.create = faulty_create,
		.find = faulty_find,
		.touch = faulty_touch,
		.rotate = faulty_rotate,
		.deny = faulty_deny,
		.denied = faulty_denied,
		.revoke = faulty_revoke,
		.revoke_user = faulty_revoke_user,
		.revoke_all = faulty_revoke_all,
		.update_user = faulty_update_user,
		.remark = faulty_remark,
		.list = faulty_list,
		.count_sessions = faulty_count_sessions,
		.standing = faulty_standing,
		.count = faulty_count,
		.succeed = faulty_succeed,
		.attempt = faulty_attempt,
		.give_back = faulty_give_back,
		.reset_attempts = faulty_reset_attempts,
		.bans = faulty_bans,
		.networks = faulty_networks,
		.unlearn = faulty_unlearn,
		.sweep = inner->sweep == NULL ? NULL : faulty_sweep,
	};
	f->inner = inner;
	f->inner_conf = inner_conf;
	store_faulty_fail(f, 0, false);
}

void
store_faulty_fail(struct store_faulty *f, unsigned n, bool stay_down)
{
	atomic_store(&f->calls, 0);
	atomic_store(&f->failed, 0);
	atomic_store(&f->stay_down, stay_down);
	atomic_store(&f->fail_at, n);
}
