/* SPDX-License-Identifier: MIT */
/* Connections with back-off, and the check of the schema behind them. */
#include "api/link.h"

#include <assert.h>

#define WAIT_FIRST_MS 50
#define WAIT_MAX_MS   1000
#define SLOW_MS	      500

void
shared_init(struct shared *s, struct link_ops ops, void *backend)
{
	s->ops = ops;
	s->backend = backend;
	atomic_init(&s->refs, 1);
	atomic_init(&s->checks, false);
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
	l->wait_ms = 0;
}

/* Names the backend, drops the connection and begins the next back-off. */
static int
failed(struct link *l, struct err *err)
{
	const struct link_ops *ops = &l->shared->ops;

	disconnect(l);
	(void)err_context(err, "%s %s", ops->section, ops->base->name);
	l->why = *err;
	l->wait_ms = l->wait_ms == 0 ? WAIT_FIRST_MS : l->wait_ms * 2;
	if (l->wait_ms > WAIT_MAX_MS)
		l->wait_ms = WAIT_MAX_MS;
	l->retry_at_ms = env_mono_ms(l->env) + l->wait_ms;
	return -1;
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
		    F_CSTR("driver", ops->base->name),
		    F_INT("from", state.have), F_INT("to", state.want));
	}
	return 0;
}

static int
connect_now(struct link *l, struct err *err)
{
	struct shared *s = l->shared;

	if (l->wait_ms > 0 && env_mono_ms(l->env) < l->retry_at_ms) {
		*err = l->why;
		err->code = ERR_UNAVAILABLE;
		return err_context(err, "not tried again yet");
	}
	if (s->ops.connect(s->backend, &l->conn, err) != 0) {
		l->conn = NULL;
		return failed(l, err);
	}
	if (atomic_load(&s->checks) && check_schema(l, err) != 0)
		return failed(l, err);
	return 0;
}

int
link_begin(struct link *l, const char *operation, struct err *err)
{
	if (l->shared == NULL)
		return err_set(err, ERR_INTERNAL, "not bound to a backend");
	l->operation = operation;
	l->began_ms = env_mono_ms(l->env);
	return l->conn != NULL ? 0 : connect_now(l, err);
}

static void
log_slow(const struct link *l)
{
	int64_t took_ms = env_mono_ms(l->env) - l->began_ms;

	if (took_ms >= SLOW_MS)
		LOG(l->env->log, LOG_WARNING, "backend_slow",
		    F_CSTR("section", l->shared->ops.section),
		    F_CSTR("driver", l->shared->ops.base->name),
		    F_CSTR("operation", l->operation), F_INT("ms", took_ms));
}

int
link_end(struct link *l, int result, struct err *err)
{
	log_slow(l);
	if (result == 0) {
		l->wait_ms = 0;
		return 0;
	}
	if (err->code == ERR_UNAVAILABLE)
		return failed(l, err);
	return err_context(err, "%s %s", l->shared->ops.section,
			   l->shared->ops.base->name);
}

int
link_check_schema(struct link *l, struct err *err)
{
	int begun = link_begin(l, "schema", err);

	if (l->shared != NULL)
		atomic_store(&l->shared->checks, true);
	return begun == 0 ? link_end(l, check_schema(l, err), err) : -1;
}

static bool
roles_are_valid(struct str roles)
{
	struct str role;

	if (roles.n > IDENTITY_ROLES_MAX)
		return false;
	if (roles.n == 0)
		return true;
	while (str_cut(&roles, ',', &role))
		if (!identity_role_is_valid(role))
			return false;
	return true;
}

int
link_check_identity(const struct identity *who, struct err *err)
{
	if (!identity_name_is_valid(who->name))
		return err_set(err, ERR_INPUT,
			       "user name: need 1 to 64 of [A-Za-z0-9._@+-]");
	if (!roles_are_valid(who->roles))
		return err_set(err, ERR_INPUT,
			       "roles: need names of [A-Za-z0-9._@+:-],"
			       " at most %d bytes together",
			       IDENTITY_ROLES_MAX);
	if (!identity_text_is_valid(who->email))
		return err_set(err, ERR_INPUT,
			       "e-mail: need UTF-8 without control characters,"
			       " at most %d bytes",
			       IDENTITY_TEXT_MAX);
	if (!identity_text_is_valid(who->full_name))
		return err_set(err, ERR_INPUT,
			       "full name: need UTF-8 without control"
			       " characters, at most %d bytes",
			       IDENTITY_TEXT_MAX);
	return 0;
}
