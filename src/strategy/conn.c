/* SPDX-License-Identifier: MIT */
/* Opened backends, the connections to them, and the check of their schemas. */
#include "strategy/conn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/histogram.h"
#include "base/secret.h"
#include "strategy/health.h"

#define SLOW_MS 500

const char *
backend_path(const struct backend_choice *choice)
{
	const struct backend_ops *ops = choice->ops;
	const char *base = choice->conf;
	const struct option *path;

	if (ops == NULL || (ops->driver.caps & BACKEND_EMBEDDED) == 0)
		return NULL;
	path = option_find(ops->driver.options, STR("path"));
	assert(path != NULL && path->type == OPT_PATH);
	return *(const char *const *)(const void *)(base + path->offset);
}

int
backend_open(const struct backend_choice *choice, const struct env *env,
	     struct backend **out, struct err *err)
{
	const struct backend_ops *ops = choice->ops;
	struct backend *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return err_nomem(err);
	if (ops->open(choice->conf, env, &b->opened, err) != 0) {
		free(b);
		return err_context(err, "%s %s", choice->section,
				   ops->driver.name);
	}
	b->ops = ops;
	b->section = choice->section;
	b->changes = choice->changes;
	b->durations = choice->durations;
	b->caps = ops->caps != NULL ? ops->caps(b->opened) : ops->driver.caps;
	atomic_init(&b->refs, 1);
	atomic_init(&b->checks, false);
	breaker_init(&b->breaker);
	*out = b;
	return 0;
}

struct backend *
backend_ref(struct backend *b)
{
	unsigned before = atomic_fetch_add(&b->refs, 1);

	assert(before > 0);
	return b;
}

bool
backend_is_good(struct backend *b)
{
	return breaker_is_good(&b->breaker);
}

void
backend_unref(struct backend *b)
{
	unsigned before;

	if (b == NULL)
		return;
	before = atomic_fetch_sub(&b->refs, 1);
	assert(before > 0);
	if (before > 1)
		return;
	breaker_destroy(&b->breaker);
	b->ops->close(b->opened);
	free(b);
}

void *
conn_new(size_t size, const char *section, const struct env *env)
{
	struct conn *c = calloc(1, size);

	assert(size >= sizeof(*c));
	if (c == NULL)
		return NULL;
	c->size = size;
	c->section = section;
	c->env = env;
	return c;
}

static void
disconnect(struct conn *c)
{
	if (c->handle != NULL)
		c->backend->ops->disconnect(c->handle);
	c->handle = NULL;
}

void
conn_bind(struct conn *c, struct backend *b)
{
	struct backend *old = c->backend;

	if (old == b)
		return;
	assert(b == NULL || strcmp(b->section, c->section) == 0);
	disconnect(c);
	secret_wipe((char *)c + sizeof(*c), c->size - sizeof(*c));
	c->backend = b == NULL ? NULL : backend_ref(b);
	backend_unref(old);
}

void
conn_free(struct conn *c)
{
	conn_bind(c, NULL);
	free(c);
}

/* Returns whether `c` is connected and no thread has seen a failure since the
 * server last answered on this connection. */
static bool
conn_is_good(const struct conn *c)
{
	return c->handle != NULL &&
	       breaker_trusts(&c->backend->breaker, &c->seat);
}

bool
conn_is_current(const struct conn *c)
{
	const struct backend_ops *ops;

	if (!conn_is_good(c))
		return false;
	ops = c->backend->ops;
	return ops->is_lost == NULL ||
	       !ops->is_lost(c->handle,
			     (ops->driver.caps & BACKEND_EMBEDDED) != 0);
}

/* Drops the connection, names the backend in the error, and tells the breaker,
 * which the other threads share. */
static int
conn_drop(struct conn *c, bool connected, struct err *err)
{
	const struct backend_ops *ops = c->backend->ops;
	int64_t now_ms;

	disconnect(c);
	if (err->code == ERR_BUSY || err->code == ERR_UNDONE)
		err->code = ERR_UNAVAILABLE;
	(void)err_context(err, "%s %s", c->backend->section, ops->driver.name);
	now_ms = env_mono_ms(c->env);
	if (breaker_fail(&c->backend->breaker, &c->seat,
			 &(struct breaker_failure){
			     .connected = connected,
			     .took_ms = now_ms - c->began_ms,
			     .now_ms = now_ms,
			     .why = err,
			 }))
		LOG(c->env->log, LOG_WARNING, "backend_lost",
		    F_CSTR("section", c->backend->section),
		    F_CSTR("driver", ops->driver.name),
		    F_CSTR("reason", err->msg));
	return -1;
}

static void
succeeded(struct conn *c)
{
	int64_t doubt_ms;

	if (breaker_succeed(&c->backend->breaker, &c->seat, env_mono_ms(c->env),
			    &doubt_ms))
		LOG(c->env->log, LOG_INFO, "backend_back",
		    F_CSTR("section", c->backend->section),
		    F_CSTR("driver", c->backend->ops->driver.name),
		    F_INT("after_ms", doubt_ms));
}

static int
check_schema(struct conn *c, struct err *err)
{
	const struct backend_ops *ops = c->backend->ops;
	struct schema_state state;
	enum health health;

	if (ops->schema == NULL)
		return 0;
	if (ops->schema(c->handle, &state, err) != 0)
		return -1;
	health = health_of_schema(ops, &state);
	if (!health_is_good(health))
		return health_refuse(health, &state, err);
	if (health == HEALTH_OLDER) {
		if (ops->migrate(c->handle, err) != 0)
			return -1;
		LOG(c->env->log, LOG_INFO, "schema_migrated",
		    F_CSTR("section", c->backend->section),
		    F_CSTR("driver", ops->driver.name),
		    F_INT("from", state.have), F_INT("to", state.want));
	}
	return 0;
}

static int
connect_now(struct conn *c, struct err *err)
{
	struct backend *b = c->backend;

	if (breaker_enter(&b->breaker, &c->seat, env_mono_ms(c->env), err) != 0)
		return -1;
	disconnect(c);
	if (b->ops->connect(b->opened, &c->handle, err) != 0) {
		c->handle = NULL;
		return conn_drop(c, false, err);
	}
	c->connects++;
	if (atomic_load(&b->checks) && check_schema(c, err) != 0)
		return conn_drop(c, false, err);
	return 0;
}

/* Drops a connection that was lost while it was idle. The breaker is not told,
 * because the loss tells nothing about the server. */
static void
drop_lost(struct conn *c, const char *why)
{
	LOG(c->env->log, LOG_DEBUG, "backend_reconnects",
	    F_CSTR("section", c->backend->section),
	    F_CSTR("driver", c->backend->ops->driver.name),
	    F_CSTR("operation", c->operation), F_CSTR("reason", why));
	disconnect(c);
}

int
conn_begin(struct conn *c, const char *operation, bool repeatable,
	   struct err *err)
{
	const struct backend_ops *ops;

	c->repeat = c->old = false;
	c->repeatable = repeatable;
	if (c->backend == NULL)
		return err_set(err, ERR_INTERNAL, "not bound to a backend");
	ops = c->backend->ops;
	c->operation = operation;
	c->began_ms = env_mono_ms(c->env);
	if (!conn_is_good(c))
		return connect_now(c, err);
	if (ops->is_lost == NULL)
		return 0;
	if (!ops->is_lost(c->handle, !repeatable)) {
		c->old = true;
		return 0;
	}
	drop_lost(c, "the connection has ended while it was idle");
	return connect_now(c, err);
}

bool
conn_repeats(struct conn *c)
{
	bool repeat = c->repeat;

	c->repeat = false;
	return repeat;
}

static bool
may_repeat(const struct conn *c, enum err_code code)
{
	/* There is nothing between an embedded backend and its file. */
	const bool embedded =
	    (c->backend->ops->driver.caps & BACKEND_EMBEDDED) != 0;

	return c->old && (code == ERR_UNDONE || (code == ERR_UNAVAILABLE &&
						 c->repeatable && !embedded));
}

/* Makes the operation repeat on a new connection. If the lost connection made
 * this thread wait, the other connections of its epoch are probably lost as
 * well: they are distrusted, so that no thread waits for them. */
static int
try_another(struct conn *c, struct err *err)
{
	bool slow = env_mono_ms(c->env) - c->began_ms >= BREAKER_SLOW_MS;

	drop_lost(c, err->msg);
	if (slow)
		breaker_distrust(&c->backend->breaker, &c->seat);
	c->repeat = true;
	err->code = ERR_UNAVAILABLE;
	return -1;
}

static void
note_duration(const struct conn *c)
{
	int64_t took_ms = env_mono_ms(c->env) - c->began_ms;

	if (c->backend->durations != NULL)
		histogram_add(c->backend->durations, took_ms);
	if (took_ms >= SLOW_MS)
		LOG(c->env->log, LOG_WARNING, "backend_slow",
		    F_CSTR("section", c->backend->section),
		    F_CSTR("driver", c->backend->ops->driver.name),
		    F_CSTR("operation", c->operation), F_INT("ms", took_ms));
}

int
conn_end(struct conn *c, int result, struct err *err)
{
	note_duration(c);
	if (result != 0 && may_repeat(c, err->code))
		return try_another(c, err);
	if (result != 0 && err->code == ERR_UNDONE)
		err->code = ERR_UNAVAILABLE;
	if (result != 0 && err->code == ERR_UNAVAILABLE)
		return conn_drop(c, true, err);
	succeeded(c);
	if (result == 0)
		return 0;
	if (err->code == ERR_BUSY)
		err->code = ERR_UNAVAILABLE;
	return err_context(err, "%s %s", c->backend->section,
			   c->backend->ops->driver.name);
}

int
conn_check_schema(struct conn *c, struct err *err)
{
	int begun = conn_begin(c, "schema", false, err);

	if (c->backend != NULL)
		atomic_store(&c->backend->checks, true);
	return begun == 0 ? conn_end(c, check_schema(c, err), err) : -1;
}

int
conn_ping(struct conn *c, struct err *err)
{
	return CONN_CALL(c, true, c->backend->ops, ping, err);
}

void
conn_advise(struct conn *c, char advice[BACKEND_ADVICE_MAX])
{
	struct err ignored, *err = &ignored;

	if (c->backend == NULL || c->backend->ops->advise == NULL ||
	    CONN_CALL(c, true, c->backend->ops, advise, advice, err) != 0)
		advice[0] = '\0';
}

int
conn_schema(struct conn *c, struct schema_state *out, struct err *err)
{
	if (c->backend != NULL && c->backend->ops->schema == NULL) {
		*out = (struct schema_state){ .have = 0 };
		return 0;
	}
	return CONN_CALL(c, true, c->backend->ops, schema, out, err);
}

int
conn_migrate(struct conn *c, struct err *err)
{
	if (c->backend != NULL && c->backend->ops->migrate == NULL)
		return 0;
	return CONN_CALL(c, false, c->backend->ops, migrate, err);
}
