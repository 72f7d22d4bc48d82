/* SPDX-License-Identifier: MIT */
/* Connections, what threads tell each other of them, and the check of the
 * schema behind them. */
#include "strategy/conn.h"

#include <assert.h>

#define SLOW_MS 500

void
shared_init(struct shared *s, struct link_ops ops, void *backend)
{
	s->ops = ops;
	s->backend = backend;
	atomic_init(&s->refs, 1);
	atomic_init(&s->checks, false);
	breaker_init(&s->breaker);
}

void
shared_ref(struct shared *s)
{
	unsigned before = atomic_fetch_add(&s->refs, 1);

	assert(before > 0);
}

bool
shared_unref(struct shared *s)
{
	unsigned before = atomic_fetch_sub(&s->refs, 1);

	assert(before > 0);
	if (before > 1)
		return false;
	breaker_destroy(&s->breaker);
	s->ops.close(s->backend);
	return true;
}

void
link_init(struct link *l, const struct env *env)
{
	*l = (struct link){ .env = env };
}

static void
disconnect(struct link *l)
{
	if (l->conn != NULL)
		l->shared->ops.disconnect(l->conn);
	l->conn = NULL;
}

void
link_bind(struct link *l, struct shared *s)
{
	disconnect(l);
	l->shared = s;
}

bool
link_is_good(const struct link *l)
{
	return l->conn != NULL &&
	       breaker_trusts(&l->shared->breaker, &l->seat);
}

/* Names the backend, drops the connection, tells the others. */
static int
failed(struct link *l, bool connected, struct err *err)
{
	const struct link_ops *ops = &l->shared->ops;
	int64_t now_ms;

	disconnect(l);
	if (err->code == ERR_BUSY)
		err->code = ERR_UNAVAILABLE;
	(void)err_context(err, "%s %s", ops->section, ops->driver->name);
	now_ms = env_mono_ms(l->env);
	if (breaker_fail(&l->shared->breaker, &l->seat,
			 &(struct breaker_failure){
			     .connected = connected,
			     .took_ms = now_ms - l->began_ms,
			     .now_ms = now_ms,
			     .why = err,
			 }))
		LOG(l->env->log, LOG_WARNING, "backend_lost",
		    F_CSTR("section", ops->section),
		    F_CSTR("driver", ops->driver->name),
		    F_CSTR("reason", err->msg));
	return -1;
}

static void
succeeded(struct link *l)
{
	int64_t doubt_ms;

	if (breaker_succeed(&l->shared->breaker, &l->seat, env_mono_ms(l->env),
			    &doubt_ms))
		LOG(l->env->log, LOG_INFO, "backend_back",
		    F_CSTR("section", l->shared->ops.section),
		    F_CSTR("driver", l->shared->ops.driver->name),
		    F_INT("after_ms", doubt_ms));
}

static int
schema_differs(const struct link *l, const struct schema_state *state,
	       struct err *err)
{
	if (state->have > state->want)
		return err_set(err, ERR_CONFIG,
			       "schema version %lld is newer than this program,"
			       " which knows %lld: install the newer fcgiauth"
			       " (fcgiauthctl store migrate cannot go back)",
			       (long long)state->have, (long long)state->want);
	if (!l->shared->ops.embedded)
		return err_set(err, ERR_CONFIG,
			       "schema version is %lld, needed is %lld:"
			       " run fcgiauthctl store migrate",
			       (long long)state->have, (long long)state->want);
	return 0;
}

static int
check_schema(struct link *l, struct err *err)
{
	const struct link_ops *ops = &l->shared->ops;
	struct schema_state state;

	if (ops->schema == NULL)
		return 0;
	if (ops->schema(l->conn, &state, err) != 0)
		return -1;
	if (state.have != state.want) {
		if (schema_differs(l, &state, err) != 0 ||
		    ops->migrate(l->conn, err) != 0)
			return -1;
		LOG(l->env->log, LOG_INFO, "schema_migrated",
		    F_CSTR("section", ops->section),
		    F_CSTR("driver", ops->driver->name),
		    F_INT("from", state.have), F_INT("to", state.want));
	}
	return 0;
}

static int
connect_now(struct link *l, struct err *err)
{
	struct shared *s = l->shared;

	if (breaker_enter(&s->breaker, &l->seat, env_mono_ms(l->env), err) != 0)
		return -1;
	disconnect(l);
	if (s->ops.connect(s->backend, &l->conn, err) != 0) {
		l->conn = NULL;
		return failed(l, false, err);
	}
	l->connects++;
	if (atomic_load(&s->checks) && check_schema(l, err) != 0)
		return failed(l, false, err);
	return 0;
}

/* Nobody is told: it says nothing of the server. */
static void
drop_lost(struct link *l, const char *why)
{
	LOG(l->env->log, LOG_DEBUG, "backend_reconnects",
	    F_CSTR("section", l->shared->ops.section),
	    F_CSTR("driver", l->shared->ops.driver->name),
	    F_CSTR("operation", l->operation), F_CSTR("reason", why));
	disconnect(l);
}

int
link_begin(struct link *l, const char *operation, bool repeatable,
	   struct err *err)
{
	const struct link_ops *ops;

	l->repeat = l->old = false;
	l->repeatable = repeatable;
	if (l->shared == NULL)
		return err_set(err, ERR_INTERNAL, "not bound to a backend");
	ops = &l->shared->ops;
	l->operation = operation;
	l->began_ms = env_mono_ms(l->env);
	if (!link_is_good(l))
		return connect_now(l, err);
	if (ops->is_lost == NULL)
		return 0;
	if (!ops->is_lost(l->conn, !repeatable)) {
		l->old = true;
		return 0;
	}
	drop_lost(l, "it was closed while it was idle");
	return connect_now(l, err);
}

bool
link_repeats(struct link *l)
{
	bool repeat = l->repeat;

	l->repeat = false;
	return repeat;
}

static bool
may_repeat(const struct link *l, enum err_code code)
{
	return l->old && (code == ERR_UNDONE ||
			  (code == ERR_UNAVAILABLE && l->repeatable));
}

/* Another connection may do.  Where this one kept us waiting the others of its
 * time are as old, and need not all be waited for. */
static int
try_another(struct link *l, struct err *err)
{
	bool slow = env_mono_ms(l->env) - l->began_ms >= BREAKER_SLOW_MS;

	drop_lost(l, err->msg);
	if (slow)
		breaker_distrust(&l->shared->breaker, &l->seat);
	l->repeat = true;
	err->code = ERR_UNAVAILABLE;
	return -1;
}

static void
log_slow(const struct link *l)
{
	int64_t took_ms = env_mono_ms(l->env) - l->began_ms;

	if (took_ms >= SLOW_MS)
		LOG(l->env->log, LOG_WARNING, "backend_slow",
		    F_CSTR("section", l->shared->ops.section),
		    F_CSTR("driver", l->shared->ops.driver->name),
		    F_CSTR("operation", l->operation), F_INT("ms", took_ms));
}

int
link_end(struct link *l, int result, struct err *err)
{
	log_slow(l);
	if (result != 0 && may_repeat(l, err->code))
		return try_another(l, err);
	if (result != 0 && err->code == ERR_UNDONE)
		err->code = ERR_UNAVAILABLE;
	if (result != 0 && err->code == ERR_UNAVAILABLE)
		return failed(l, true, err);
	succeeded(l);
	if (result == 0)
		return 0;
	if (err->code == ERR_BUSY)
		err->code = ERR_UNAVAILABLE;
	return err_context(err, "%s %s", l->shared->ops.section,
			   l->shared->ops.driver->name);
}

int
link_check_schema(struct link *l, struct err *err)
{
	int begun = link_begin(l, "schema", false, err);

	if (l->shared != NULL)
		atomic_store(&l->shared->checks, true);
	return begun == 0 ? link_end(l, check_schema(l, err), err) : -1;
}
