/* SPDX-License-Identifier: MIT */
/*
 * Prints COUNT different access tokens, one a line, as the service of this
 * configuration issues them when USER signs in. Sessions are created in its
 * store. No password is verified.
 *
 *     issue_credentials FILE USER COUNT
 */
#include <stdio.h>
#include <stdlib.h>

#include "strategy/registry.h"
#include "base/arena.h"
#include "base/env.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/problems.h"

#define MEMORY (1024 * 1024)

struct issuer {
	struct env env;
	struct settings set;
	const struct auth_mode_ops *ops;
	void *mode;
	struct backend *store, *users;
	struct store_conn *store_conn;
	struct users_conn *users_conn;
};

static int
load_settings(struct issuer *is, const char *file, struct arena *a,
	      struct err *err)
{
	struct settings_drivers drivers;
	struct problems problems;

	if (registry_drivers(a, &drivers) != 0)
		return err_nomem(err);
	problems_init(&problems, a);
	if (settings_load(file, &drivers, a, &is->set, &problems) != 0)
		return err_set(err, ERR_CONFIG, "%s", problems.first->text);
	return 0;
}

static int
issuer_open(struct issuer *is, struct arena *a, struct err *err)
{
	struct backend_choice store = registry_store_choice(&is->set);
	struct backend_choice users = registry_users_choice(&is->set);
	struct mode_conf conf = { .own = is->set.mode.conf };

	is->ops = registry_mode(is->set.mode.driver->name);
	for (size_t i = 0; i < MODE_ALSO_MAX; i++) {
		if (is->ops->also[i] != NULL)
			conf.also[i] =
			    settings_mode_conf(&is->set, is->ops->also[i]);
	}
	if (is->ops->open(&conf, &is->env, a, &is->mode, err) != 0 ||
	    backend_open(&store, &is->env, &is->store, err) != 0 ||
	    backend_open(&users, &is->env, &is->users, err) != 0)
		return -1;
	is->store_conn = store_conn_new(&is->env);
	is->users_conn = users_conn_new(&is->env);
	if (is->store_conn == NULL || is->users_conn == NULL)
		return err_nomem(err);
	store_conn_bind(is->store_conn, is->store);
	users_conn_bind(is->users_conn, is->users);
	return 0;
}

static void
issuer_close(struct issuer *is)
{
	store_conn_free(is->store_conn);
	users_conn_free(is->users_conn);
	backend_unref(is->store);
	backend_unref(is->users);
	if (is->mode != NULL)
		is->ops->close(is->mode);
}

/* Signs in once. */
static int
issue_one(const struct issuer *is, struct call *c, const char *name,
	  struct err *err)
{
	struct login login = {
		.address = STR("192.0.2.17"),
		.user_agent = STR("Mozilla/5.0 (X11; Linux x86_64; rv:128.0)"
				  " Gecko/20100101 Firefox/128.0"),
	};
	struct user_answer user;
	struct credentials made;

	if (users_find(is->users_conn, c, str_from(name), &user, err) != 0)
		return -1;
	if (!user.found)
		return err_set(err, ERR_INPUT, "no such user: %s", name);
	login.who = user.user.who;
	login.hash = user.user.hash;
	if (is->ops->issue(is->mode, c, &login, &made, err) != 0)
		return -1;
	(void)printf("%.*s\n", STR_ARG(made.access));
	return 0;
}

static int
issue_all(const struct issuer *is, const char *name, unsigned long count,
	  struct err *err)
{
	struct arena *a = arena_new(MEMORY);
	int rc = a == NULL ? err_nomem(err) : 0;

	for (unsigned long n = 0; rc == 0 && n < count; n++) {
		struct call c = { .arena = a,
				  .env = &is->env,
				  .now_ms = env_wall_ms(&is->env),
				  .store = is->store_conn,
				  .users = is->users_conn };

		rc = issue_one(is, &c, name, err);
		arena_reset(a);
	}
	arena_free(a);
	return rc;
}

int
main(int argc, char **argv)
{
	struct issuer is = { .env = env_real(NULL) };
	struct arena *a = arena_new(MEMORY);
	struct err err;
	int rc = -1;

	if (argc != 4 || a == NULL) {
		(void)fprintf(stderr,
			      "usage: issue_credentials FILE USER COUNT\n");
		return 2;
	}
	if (load_settings(&is, argv[1], a, &err) == 0 &&
	    issuer_open(&is, a, &err) == 0)
		rc = issue_all(&is, argv[2], strtoul(argv[3], NULL, 10), &err);
	if (rc != 0)
		(void)fprintf(stderr, "issue_credentials: %s\n", err.msg);
	issuer_close(&is);
	arena_free(a);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
