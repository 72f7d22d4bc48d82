/* SPDX-License-Identifier: MIT */
/*
 * seed FILE session USER ADDRESS USER_AGENT COUNT    prints the ids
 * seed FILE ban KEY SECONDS
 * seed FILE roles USER                               prints them, per session
 *
 * Adds sessions and bans to the store of the configuration FILE, and reads from
 * it, so that fcgiauthctl can be tested without a daemon.
 */
#include "strategy/registry.h"
#include "strategy/session_id.h"
#include "base/enc.h"
#include "tests/support/call.h"
#include "conf/problems.h"
#include "crypto/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR (3600 * 1000)

struct seed {
	struct arena *arena;
	struct env env;
	struct settings settings;
	struct backend *store;
	struct store_conn *conn;
};

static int
open_store(struct seed *s, const char *file, struct err *err)
{
	struct settings_drivers drivers;
	struct problems problems;

	if (registry_drivers(s->arena, &drivers) != 0)
		return err_nomem(err);
	problems_init(&problems, s->arena);
	if (settings_load(file, &drivers, s->arena, &s->settings, &problems) !=
	    0)
		return err_set(err, ERR_CONFIG, "%s", problems.first->text);
	s->conn = store_conn_new(&s->env);
	if (s->conn == NULL)
		return err_nomem(err);
	if (store_open(registry_store(s->settings.store.driver->name),
		       s->settings.store.conf, &s->env, &s->store, err) != 0)
		return -1;
	store_conn_bind(s->conn, s->store);
	return store_check_schema(s->conn, err);
}

static int
add_session(struct seed *s, char **argv, struct err *err)
{
	int64_t now = env_wall_ms(&s->env);
	char hex[HEX_LEN(SESSION_ID_BYTES) + 1] = "";
	struct session session = {
		.who = { .name = str_from(argv[0]), .roles = STR("old") },
		.created_ms = now,
		.last_seen_ms = now,
		.idle_expires_ms = now + HOUR,
		.expires_ms = now + 2 * HOUR,
		.address = str_from(argv[1]),
		.user_agent = str_from(argv[2]),
	};

	if (session_id_make(&s->env, now, session.who.name, &session.id, err) !=
	    0)
		return -1;
	if (env_random(&s->env, &session.token, sizeof(session.token)) != 0)
		return err_norandom(err);
	if (store_create(s->conn, CALL_AT(s->arena, now), &session, 0, NULL,
			 err) != 0)
		return -1;
	hex_encode(session.id.b, sizeof(session.id.b), hex);
	(void)printf("%s\n", hex);
	return 0;
}

static int
add_sessions(struct seed *s, char **argv, struct err *err)
{
	int64_t count;

	if (!str_to_uint(str_from(argv[3]), 100000, &count))
		return err_set(err, ERR_INPUT, "bad count");
	for (int64_t i = 0; i < count; i++) {
		if (add_session(s, argv, err) != 0)
			return -1;
	}
	return 0;
}

static int
add_ban(struct seed *s, char **argv, struct err *err)
{
	struct attempt_policy policy = { .max = 0, .window_ms = HOUR };
	struct attempt attempt;
	int64_t seconds;

	if (!str_to_uint(str_from(argv[1]), HOUR, &seconds))
		return err_set(err, ERR_INPUT, "bad number of seconds");
	policy.ban_ms = seconds * 1000;
	return store_attempt(s->conn, CALL_AT(s->arena, env_wall_ms(&s->env)),
			     str_from(argv[0]), &policy, &attempt, err);
}

static int
print_roles(struct seed *s, char **argv, struct err *err)
{
	struct session_cursor cursor = { .more = true };
	struct session_list list;

	if (store_list(s->conn, CALL_AT(s->arena, env_wall_ms(&s->env)),
		       LISTED(str_from(argv[0]), 100), &cursor, &list,
		       err) != 0)
		return -1;
	for (size_t i = 0; i < list.n; i++)
		(void)printf("%.*s\n", STR_ARG(list.v[i].who.roles));
	return 0;
}

static const struct {
	const char *word;
	int arguments;
	int (*run)(struct seed *s, char **argv, struct err *err);
} actions[] = {
	{ "session", 4, add_sessions },
	{ "ban", 2, add_ban },
	{ "roles", 1, print_roles },
};

static int
run(struct seed *s, int argc, char **argv, struct err *err)
{
	if (s->arena == NULL || crypto_init() != 0)
		return err_nomem(err);
	for (size_t i = 0; argc > 2 && i < ARRAY_LEN(actions); i++) {
		if (strcmp(argv[2], actions[i].word) == 0 &&
		    argc == actions[i].arguments + 3)
			return open_store(s, argv[1], err) == 0 ?
				   actions[i].run(s, argv + 3, err) :
				   -1;
	}
	return err_set(err, ERR_INPUT, "wrong usage");
}

int
main(int argc, char **argv)
{
	struct seed seed = {
		.arena = arena_new((size_t)16 * 1024 * 1024),
		.env = env_real(NULL),
	};
	struct err err;
	int rc = run(&seed, argc, argv, &err);

	if (rc != 0)
		(void)fprintf(stderr, "seed: %s\n", err.msg);
	store_conn_free(seed.conn);
	backend_unref(seed.store);
	arena_free(seed.arena);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
