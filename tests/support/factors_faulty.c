/* SPDX-License-Identifier: MIT */
/* A wrapper of a factor store that fails at the n-th call. */
#include "tests/support/factors_faulty.h"

#include <stdlib.h>

/* The opened store, and a connection to it. */
struct factors_faulty_handle {
	struct factors_faulty *f;
	void *inner;
};

static int
factors_faulty_open(const void *conf, const struct env *env, void **store,
		    struct err *err)
{
	const struct factors_faulty *f = conf;
	struct factors_faulty_handle *s = malloc(sizeof(*s));

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
factors_faulty_close(void *store)
{
	struct factors_faulty_handle *s = store;

	s->f->inner->base.close(s->inner);
	free(s);
}

static bool
call_is_due(struct factors_faulty *f, const char *op, struct err *err)
{
	unsigned call = atomic_fetch_add(&f->calls, 1) + 1;
	unsigned at = atomic_load(&f->fail_at);

	if (at == 0 || call < at || (call > at && !atomic_load(&f->stay_down)))
		return false;
	(void)err_set(err, ERR_UNAVAILABLE, "call %u, %s: told to fail", call,
		      op);
	return true;
}

static int
factors_faulty_connect(void *store, void **conn, struct err *err)
{
	struct factors_faulty_handle *s = store, *c;

	if (call_is_due(s->f, "connect", err))
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
factors_faulty_disconnect(void *conn)
{
	struct factors_faulty_handle *c = conn;

	c->f->inner->base.disconnect(c->inner);
	free(c);
}

#define FORWARD(conn, op, ...)                                                 \
	(call_is_due(((struct factors_faulty_handle *)(conn))->f, #op, err) ?  \
	     -1 :                                                              \
	     ((struct factors_faulty_handle *)(conn))                          \
		 ->f->inner->op(                                               \
		     ((struct factors_faulty_handle *)(conn))->inner,          \
		     __VA_ARGS__))

static int
factors_faulty_ping(void *conn, struct err *err)
{
	return FORWARD(conn, base.ping, err);
}

static int
factors_faulty_schema(void *conn, struct schema_state *out, struct err *err)
{
	return FORWARD(conn, base.schema, out, err);
}

static int
factors_faulty_migrate(void *conn, struct err *err)
{
	return FORWARD(conn, base.migrate, err);
}

static int
factors_faulty_account(void *conn, const struct call *c, struct str user,
		       struct account *out, struct err *err)
{
	return FORWARD(conn, account, c, user, out, err);
}

static int
factors_faulty_account_set(void *conn, const struct call *c,
			   const struct account_change *change, struct err *err)
{
	return FORWARD(conn, account_set, c, change, err);
}

static int
factors_faulty_one_time_put(void *conn, const struct call *c,
			    const struct one_time *secret, bool alone,
			    struct err *err)
{
	return FORWARD(conn, one_time_put, c, secret, alone, err);
}

static int
factors_faulty_one_time_peek(void *conn, const struct call *c,
			     const struct one_time_hash *hash,
			     enum one_time_kind kind,
			     struct one_time_answer *out, struct err *err)
{
	return FORWARD(conn, one_time_peek, c, hash, kind, out, err);
}

static int
factors_faulty_one_time_take(void *conn, const struct call *c,
			     const struct one_time_hash *hash,
			     enum one_time_kind kind,
			     struct one_time_answer *out, struct err *err)
{
	return FORWARD(conn, one_time_take, c, hash, kind, out, err);
}

static int
factors_faulty_one_time_void(void *conn, const struct call *c, struct str user,
			     unsigned kinds, int64_t *voided, struct err *err)
{
	return FORWARD(conn, one_time_void, c, user, kinds, voided, err);
}

static int
factors_faulty_mail_add(void *conn, const struct call *c,
			const struct mail *mail, struct err *err)
{
	return FORWARD(conn, mail_add, c, mail, err);
}

static int
factors_faulty_mail_claim(void *conn, const struct call *c, size_t limit,
			  int64_t lease_ms, struct mail_list *out,
			  struct err *err)
{
	return FORWARD(conn, mail_claim, c, limit, lease_ms, out, err);
}

static int
factors_faulty_mail_done(void *conn, const struct call *c,
			 const uint8_t id[MAIL_ID_BYTES], struct err *err)
{
	return FORWARD(conn, mail_done, c, id, err);
}

static int
factors_faulty_mail_retry(void *conn, const struct call *c,
			  const struct mail_retry *retry, struct err *err)
{
	return FORWARD(conn, mail_retry, c, retry, err);
}

static int
factors_faulty_remove_user(void *conn, const struct call *c, struct str user,
			   int64_t *removed, struct err *err)
{
	return FORWARD(conn, remove_user, c, user, removed, err);
}

static int
factors_faulty_sweep(void *conn, const struct call *c, size_t limit,
		     int64_t *removed, struct err *err)
{
	return FORWARD(conn, sweep, c, limit, removed, err);
}

void
factors_faulty_init(struct factors_faulty *f,
		    const struct factor_store_ops *inner,
		    const void *inner_conf)
{
	const struct backend_ops *base = &inner->base;

	f->self = f;
	f->ops = (struct factor_store_ops){
		.base = {
			/* With the capabilities of the inner store. */
			.driver = base->driver,
			.open = factors_faulty_open,
			.close = factors_faulty_close,
			.connect = factors_faulty_connect,
			.disconnect = factors_faulty_disconnect,
			.ping = factors_faulty_ping,
			.schema = base->schema == NULL ?
				      NULL :
				      factors_faulty_schema,
			.migrate = base->migrate == NULL ?
				       NULL :
				       factors_faulty_migrate,
		},
		.account = factors_faulty_account,
		.account_set = factors_faulty_account_set,
		.one_time_put = factors_faulty_one_time_put,
		.one_time_peek = factors_faulty_one_time_peek,
		.one_time_take = factors_faulty_one_time_take,
		.one_time_void = factors_faulty_one_time_void,
		.mail_add = factors_faulty_mail_add,
		.mail_claim = factors_faulty_mail_claim,
		.mail_done = factors_faulty_mail_done,
		.mail_retry = factors_faulty_mail_retry,
		.remove_user = factors_faulty_remove_user,
		.sweep = factors_faulty_sweep,
	};
	f->inner = inner;
	f->inner_conf = inner_conf;
	factors_faulty_fail(f, 0, false);
}

void
factors_faulty_fail(struct factors_faulty *f, unsigned n, bool stay_down)
{
	atomic_store(&f->calls, 0);
	atomic_store(&f->stay_down, stay_down);
	atomic_store(&f->fail_at, n);
}
