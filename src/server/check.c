/* SPDX-License-Identifier: MIT */
/* --check: checks whether the service could start with a configuration. */
#include "server/check.h"

#include "modes/jwt_settings.h"
#include "strategy/health.h"
#include "strategy/registry.h"
#include "os/owner.h"
#include "conf/problems.h"

/*
 * The files that the service reads decide first. The secret file decides only
 * if none of the others did: it may belong to root beside files that belong to
 * another user.
 */
int
check_become_owner(const struct settings *set, struct err *err)
{
	const struct backend_choice store = registry_store_choice(set),
				    users = registry_users_choice(set),
				    factors = registry_factors_choice(set);
	const struct jwt_conf *jwt = jwt_conf_in_use(set);
	const char *secret = jwt != NULL ? jwt->secret_file : NULL;
	const char *const files[] = {
		backend_path(&store),
		backend_path(&users),
		backend_path(&factors),
		jwt != NULL && secret == NULL ? jwt->keys : NULL,
	};

	if (owner_become(files, ARRAY_LEN(files), err) != 0)
		return -1;
	return owner_become(&secret, 1, err);
}

static void
check_backend(const struct backend_choice *choice, struct backend *b,
	      const struct place *at, const struct env *env,
	      struct problems *problems)
{
	struct conn *c = conn_new(sizeof(*c), choice->section, env);
	struct health_report report;

	if (c == NULL) {
		problems_add(problems, at, "out of memory");
		return;
	}
	conn_bind(c, b);
	health_probe(c, backend_path(choice), &report);
	if (!health_is_good(report.health))
		problems_add(problems, at, "%s", report.err.msg);
	if (report.advice[0] != '\0')
		problems_warn(problems, at, "%s", report.advice);
	conn_free(c);
}

void
check_backends(const struct snapshot *s, const char *file,
	       const struct env *env, struct problems *problems)
{
	const struct backend_choice store = registry_store_choice(&s->settings),
				    users = registry_users_choice(&s->settings),
				    factors =
					registry_factors_choice(&s->settings);
	struct place at = { .file = file, .section = STR("store") };

	check_backend(&store, s->store, &at, env, problems);
	at.section = STR("users");
	check_backend(&users, s->users, &at, env, problems);
	at.section = STR("factors");
	if (s->factors != NULL)
		check_backend(&factors, s->factors, &at, env, problems);
}
