/* SPDX-License-Identifier: MIT */
/* --check: could the service start? */
#include "server/check.h"

#include <errno.h>
#include <sys/stat.h>

#include "modes/jwt_settings.h"
#include "strategy/registry.h"
#include "os/owner.h"
#include "conf/problems.h"

/* One of the two things to look at. */
struct part {
	const struct driver *backend;
	const void *conf;
	bool embedded;
};

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

static const char *
part_path(const struct part *part)
{
	return part->embedded ? backend_path(part->backend, part->conf) : NULL;
}

/* The file is made at the first start. */
static bool
is_to_be_made(const struct part *part, const char **path)
{
	struct stat st;

	*path = part_path(part);
	return *path != NULL && stat(*path, &st) != 0 && errno == ENOENT;
}

static int
check_store(const struct snapshot *s, const struct env *env,
	    const struct part *part, char advice[BACKEND_ADVICE_MAX],
	    struct err *err)
{
	struct store_link *l;
	struct schema_state schema;
	const char *path;
	int rc;

	if (is_to_be_made(part, &path))
		return owner_check_folder(path, err);
	l = store_link_new(env);
	if (l == NULL)
		return err_nomem(err);
	store_link_bind(l, s->store);
	rc = store_schema(l, &schema, err);
	if (rc == 0)
		rc = check_schema(part, &schema, err);
	if (rc == 0 && schema.have == schema.want) {
		rc = store_ping(l, err);
		if (rc == 0)
			conn_advise(&l->conn, advice);
	}
	store_link_free(l);
	return rc;
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
		return owner_check_folder(path, err);
	l = users_link_new(env);
	if (l == NULL)
		return err_nomem(err);
	users_link_bind(l, s->users);
	rc = users_schema(l, &schema, err);
	if (rc == 0)
		rc = check_schema(part, &schema, err);
	if (rc == 0 && schema.have == schema.want)
		rc = users_ping(l, err);
	users_link_free(l);
	return rc;
}

static struct part
store_part_of(const struct settings *set, const struct driver *b)
{
	return (struct part){ .backend = b,
			      .conf = set->store.conf,
			      .embedded = (b->caps & BACKEND_EMBEDDED) != 0 };
}

static struct part
users_part_of(const struct settings *set, const struct driver *b)
{
	return (struct part){ .backend = b,
			      .conf = set->users.conf,
			      .embedded = (b->caps & BACKEND_EMBEDDED) != 0 };
}

/*
 * A secret may be root's beside files of others; it alone decides only when
 * nothing else did.
 */
int
check_become_owner(const struct settings *set, struct err *err)
{
	const struct part store =
	    store_part_of(set, &registry_effective_store(set)->base.driver);
	const struct part users = users_part_of(
	    set, &registry_user_source(set->users.driver->name)->base.driver);
	const struct jwt_conf *jwt = jwt_conf_in_use(set);
	const char *secret = jwt != NULL ? jwt->secret_file : NULL;
	const char *const files[] = {
		part_path(&store),
		part_path(&users),
		jwt != NULL && secret == NULL ? jwt->keys : NULL,
	};

	if (owner_become(files, ARRAY_LEN(files), err) != 0)
		return -1;
	return owner_become(&secret, 1, err);
}

void
check_backends(const struct snapshot *s, const char *file,
	       const struct env *env, struct problems *problems)
{
	const struct part store_part =
	    store_part_of(&s->settings, &s->store->ops->driver);
	const struct part users_part =
	    users_part_of(&s->settings, &s->users->ops->driver);
	struct place at = { .file = file, .section = STR("store") };
	char advice[BACKEND_ADVICE_MAX] = "";
	struct err err;

	if (check_store(s, env, &store_part, advice, &err) != 0)
		problems_add(problems, &at, "%s", err.msg);
	if (advice[0] != '\0')
		problems_warn(problems, &at, "%s", advice);
	if (check_users(s, env, &users_part, &err) != 0) {
		at.section = STR("users");
		problems_add(problems, &at, "%s", err.msg);
	}
}
