/* SPDX-License-Identifier: MIT */
/* Connections, what threads tell each other of them, and the check of the
 * schema behind them. */
#include "strategy/conn.h"

#include <assert.h>

#define WAIT_FIRST_MS 50
#define WAIT_MAX_MS   500
#define SLOW_MS	      500

void
shared_init(struct shared *s, struct link_ops ops, void *backend)
{
	s->ops = ops;
	s->backend = backend;
	atomic_init(&s->refs, 1);
	atomic_init(&s->checks, false);
	s->breaker = (struct breaker){ .doubtful = false };
	atomic_init(&s->breaker.epoch, 0);
	(void)pthread_mutex_init(&s->breaker.lock, NULL); /* cannot fail */
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
	(void)pthread_mutex_destroy(&s->breaker.lock);
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
	       l->epoch == atomic_load(&l->shared->breaker.epoch);
}

/* May this link connect now?  Perhaps as the one whom the others wait for. */
static int
enter(struct link *l, struct err *err)
{
	struct breaker *b = &l->shared->breaker;
	bool may;

	(void)pthread_mutex_lock(&b->lock);
	may = !b->doubtful ||
	      (!b->probing && env_mono_ms(l->env) >= b->retry_at_ms);
	l->probing = may && b->doubtful;
	if (l->probing)
		b->probing = true;
	if (may)
		l->epoch = atomic_load(&b->epoch);
	else
		*err = b->why;
	(void)pthread_mutex_unlock(&b->lock);
	if (may)
		return 0;
	err->code = ERR_UNAVAILABLE;
	return err_context(err, "not tried again yet");
}

/* How long nobody tries after this failure; -1: it changes nothing. */
static int64_t
next_wait(const struct link *l, const struct breaker *b, bool connected)
{
	int64_t took_ms = env_mono_ms(l->env) - l->began_ms;

	if (!l->probing && b->doubtful)
		return -1;
	/* One connection may have been cut, and the rest be well. */
	if (!l->probing && connected && took_ms < WAIT_FIRST_MS)
		return 0;
	if (b->wait_ms == 0)
		return WAIT_FIRST_MS;
	return b->wait_ms * 2 < WAIT_MAX_MS ? b->wait_ms * 2 : WAIT_MAX_MS;
}

/* True: it was good until now. */
static bool
note_failure(struct link *l, bool connected, const struct err *err)
{
	struct breaker *b = &l->shared->breaker;
	bool current = l->epoch == atomic_load(&b->epoch);
	bool was_good = !b->doubtful;
	int64_t wait_ms = next_wait(l, b, connected);

	if (connected && !current && !l->probing)
		return false; /* of a connection that was given up */
	if (connected && current)
		atomic_store(&b->epoch, l->epoch + 1);
	if (wait_ms < 0)
		return false;
	b->wait_ms = wait_ms;
	b->retry_at_ms = env_mono_ms(l->env) + wait_ms;
	b->why = *err;
	if (was_good)
		b->since_ms = env_mono_ms(l->env);
	b->doubtful = true;
	if (l->probing)
		b->probing = false;
	l->probing = false;
	return was_good;
}

/* Names the backend, drops the connection, tells the others. */
static int
failed(struct link *l, bool connected, struct err *err)
{
	const struct link_ops *ops = &l->shared->ops;
	struct breaker *b = &l->shared->breaker;
	bool lost;

	disconnect(l);
	if (err->code == ERR_BUSY)
		err->code = ERR_UNAVAILABLE;
	(void)err_context(err, "%s %s", ops->section, ops->driver->name);
	(void)pthread_mutex_lock(&b->lock);
	lost = note_failure(l, connected, err);
	(void)pthread_mutex_unlock(&b->lock);
	if (lost)
		LOG(l->env->log, LOG_WARNING, "backend_lost",
		    F_CSTR("section", ops->section),
		    F_CSTR("driver", ops->driver->name),
		    F_CSTR("reason", err->msg));
	return -1;
}

/* The server has answered. */
static void
succeeded(struct link *l)
{
	struct breaker *b = &l->shared->breaker;
	bool back = l->probing;
	int64_t since_ms;

	if (!back && link_is_good(l))
		return;
	(void)pthread_mutex_lock(&b->lock);
	l->epoch = atomic_load(&b->epoch);
	since_ms = b->since_ms;
	if (back) {
		b->doubtful = false;
		b->probing = false;
		b->wait_ms = 0;
	}
	(void)pthread_mutex_unlock(&b->lock);
	l->probing = false;
	if (back)
		LOG(l->env->log, LOG_INFO, "backend_back",
		    F_CSTR("section", l->shared->ops.section),
		    F_CSTR("driver", l->shared->ops.driver->name),
		    F_INT("after_ms", env_mono_ms(l->env) - since_ms));
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

	if (enter(l, err) != 0)
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
	struct breaker *b = &l->shared->breaker;
	bool slow = env_mono_ms(l->env) - l->began_ms >= WAIT_FIRST_MS;

	drop_lost(l, err->msg);
	(void)pthread_mutex_lock(&b->lock);
	if (slow && l->epoch == atomic_load(&b->epoch))
		atomic_store(&b->epoch, l->epoch + 1);
	(void)pthread_mutex_unlock(&b->lock);
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
