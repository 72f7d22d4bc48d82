/* SPDX-License-Identifier: MIT */
/* --check: could the service start? */
#include "server/check.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "conf/problems.h"

/* One of the two things to look at. */
struct part {
	const struct backend *backend;
	const void *conf;
	bool embedded;
};

/* The file is made at the first start: can it be? */
static int
check_folder(const char *path, struct arena *a, struct err *err)
{
	size_t n = (size_t)(strrchr(path, '/') - path);
	char *folder = arena_cstr(a, (struct str){ .p = path, .n = n + 1 });

	if (folder == NULL)
		return err_nomem(err);
	if (access(folder, W_OK | X_OK) != 0)
		return err_set(err, ERR_CONFIG, "%s: %s", folder,
			       strerror(errno));
	return 0;
}

static int
check_schema(const struct part *part, const struct schema_state *schema,
	     struct err *err)
{
	if (schema->have > schema->want)
		return err_set(err, ERR_CONFIG,
			       "made by a newer fcgiauth (schema %lld, this "
			       "program knows %lld)",
			       (long long)schema->have,
			       (long long)schema->want);
	if (schema->have < schema->want && !part->embedded)
		return err_set(err, ERR_CONFIG,
			       "schema %lld is older than %lld; run "
			       "fcgiauthctl store migrate",
			       (long long)schema->have,
			       (long long)schema->want);
	return 0;
}

static bool
is_to_be_made(const struct part *part, const char **path)
{
	*path = part->embedded ? backend_path(part->backend, part->conf) : NULL;
	return *path != NULL && access(*path, F_OK) != 0 && errno == ENOENT;
}

static int
check_store(const struct snapshot *s, const struct env *env,
	    const struct part *part, struct err *err)
{
	struct store_link *l;
	struct schema_state schema;
	const char *path;
	int rc;

	if (is_to_be_made(part, &path))
		return check_folder(path, s->arena, err);
	l = store_link_new(env);
	if (l == NULL)
		return err_nomem(err);
	store_link_bind(l, s->store);
	rc = store_schema(l, &schema, err);
	if (rc == 0 && schema.want == 0)
		rc = store_ping(l, err);
	store_link_free(l);
	return rc == 0 ? check_schema(part, &schema, err) : -1;
}

static int
check_users(const struct snapshot *s, const struct env *env,
	    const struct part *part, struct err *err)
{
	struct users_link *l;
	struct schema_state schema;
	const char *path;
	int rc;

	if (is_to_be_made(part, &path))
		return check_folder(path, s->arena, err);
	l = users_link_new(env);
	if (l == NULL)
		return err_nomem(err);
	users_link_bind(l, s->users);
	rc = users_schema(l, &schema, err);
	if (rc == 0 && schema.want == 0)
		rc = users_ping(l, err);
	users_link_free(l);
	return rc == 0 ? check_schema(part, &schema, err) : -1;
}

void
check_backends(const struct snapshot *s, const char *file,
	       const struct env *env, struct problems *problems)
{
	const struct backend *store = &store_ops(s->store)->base;
	const struct backend *users = &users_ops(s->users)->base;
	const struct part store_part = {
		.backend = store,
		.conf = s->settings.store.conf,
		.embedded = (store->caps & STORE_EMBEDDED) != 0,
	};
	const struct part users_part = {
		.backend = users,
		.conf = s->settings.users.conf,
		.embedded = (users->caps & USERS_EMBEDDED) != 0,
	};
	struct place at = { .file = file };
	struct err err;

	if (check_store(s, env, &store_part, &err) != 0) {
		at.section = STR("store");
		problems_add(problems, &at, "%s", err.msg);
	}
	if (check_users(s, env, &users_part, &err) != 0) {
		at.section = STR("users");
		problems_add(problems, &at, "%s", err.msg);
	}
}
