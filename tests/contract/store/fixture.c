/* SPDX-License-Identifier: MIT */
/* Opens the stores for the contract suite. */
#include "tests/contract/store/fixture.h"
#include "tests/support/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "strategy/session_id.h"

int
fixture_count(void)
{
	return (int)store_nkinds;
}

const char *
fixture_name(int kind)
{
	const struct store_kind *k = &store_kinds[kind];

	return k->name != NULL ? k->name : k->ops->base.driver.name;
}

static bool
fixture_is_embedded(const struct fixture *r)
{
	return (r->ops->base.driver.caps & BACKEND_EMBEDDED) != 0;
}

static void
open_store(struct fixture *r)
{
	r->store = fixture_store(r);
	r->conn = fixture_conn_to(r, r->store);
	/* Only an embedded store migrates itself. */
	if (!fixture_is_embedded(r))
		OK(r, store_migrate(r->conn, &r->err));
	OK(r, store_check_schema(r->conn, &r->err));
}

struct fixture *
fixture_open(int kind)
{
	const struct store_kind *k = &store_kinds[kind];
	struct fixture *r = calloc(1, sizeof(*r));

	ck_assert_ptr_nonnull(r);
	r->name = k->ops->base.driver.name;
	r->ops = k->ops;
	fake_env_init(&r->fake);
	r->env = &r->fake.env;
	r->now = env_wall_ms(r->env);
	(void)snprintf(r->folder, sizeof(r->folder), "/tmp/fcgiauth-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(r->folder));
	(void)snprintf(r->path, sizeof(r->path), "%s/test.db", r->folder);
	ck_assert_msg(r->ops->base.driver.conf_size > 0, "%s: not compiled in",
		      r->name);
	r->kind = kind;
	r->a = arena_new(16 << 20);
	ck_assert_ptr_nonnull(r->a);
	if (k->fresh != NULL)
		k->fresh();
	open_store(r);
	return r;
}

bool
fixture_is_shared(const struct fixture *r)
{
	return (r->ops->base.driver.caps & BACKEND_SHARED) != 0;
}

void
fixture_shut(struct fixture *r)
{
	store_conn_free(r->conn);
	backend_unref(r->store);
	r->conn = NULL;
	r->store = NULL;
}

void
fixture_reopen(struct fixture *r)
{
	fixture_shut(r);
	open_store(r);
}

void
fixture_close(struct fixture *r)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char path[128];

	fixture_shut(r);
	arena_free(r->a);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", r->path,
			       suffixes[i]);
		(void)unlink(path); /* most stores have none */
	}
	ck_assert_msg(rmdir(r->folder) == 0, "%s: leaves files in %s", r->name,
		      r->folder);
	free(r);
}

int
fixture_try_store(struct fixture *r, struct backend **out)
{
	void *conf = calloc(1, r->ops->base.driver.conf_size);
	char *path = strdup(r->path);
	int result;

	ck_assert(conf != NULL && path != NULL);
	store_kinds[r->kind].configure(r->ops, conf, path);
	result = store_open(r->ops, conf, r->env, out, &r->err);
	/* The settings are borrowed for the call only. A store that keeps a
	 * pointer to them fails now. */
	memset(path, 'x', strlen(path));
	free(path);
	free(conf);
	return result;
}

struct backend *
fixture_store(struct fixture *r)
{
	struct backend *s;

	OK(r, fixture_try_store(r, &s));
	return s;
}

struct store_conn *
fixture_conn_to(struct fixture *r, struct backend *s)
{
	struct store_conn *conn = store_conn_new(r->env);

	ck_assert_ptr_nonnull(conn);
	store_conn_bind(conn, s);
	return conn;
}

struct store_conn *
fixture_conn(struct fixture *r)
{
	return fixture_conn_to(r, r->store);
}

struct session
fixture_session(struct fixture *r, const char *user, int64_t created)
{
	struct session s = {
		.who = { .name = str_from(user),
			 .roles = STR("staff,admin"),
			 .email = STR("someone@example.com"),
			 .full_name = STR("Some One") },
		.created_ms = created,
		.last_seen_ms = created,
		.idle_expires_ms = created + 3600,
		.expires_ms = created + 36000,
		.auth_ms = created > 1234 ? created - 1234 : created,
		.address = STR("192.0.2.1"),
		.user_agent = STR("Agent/1.0"),
	};

	OK(r, session_id_make(r->env, created, s.who.name, &s.id, &r->err));
	HOLDS(r, env_random(r->env, &s.token, sizeof(s.token)) == 0);
	HOLDS(r, env_random(r->env, &s.mark, sizeof(s.mark)) == 0);
	return s;
}

struct session
fixture_create(struct fixture *r, const char *user, int64_t created)
{
	struct session s = fixture_session(r, user, created);

	OK(r, store_create(r->conn, AT(r, created), &s, 0, NULL, &r->err));
	return s;
}

struct rotation
fixture_rotation(struct fixture *r, const struct token_hash *presented,
		 uint32_t generation)
{
	struct rotation use = {
		.presented = *presented,
		.generation = generation,
		.idle_ms = 3600,
		.grace_ms = 10,
	};

	HOLDS(r, env_random(r->env, &use.next, sizeof(use.next)) == 0);
	HOLDS(r, env_random(r->env, use.wrapped, sizeof(use.wrapped)) == 0);
	return use;
}

struct session_answer
fixture_find(struct fixture *r, const struct session *s, int64_t now)
{
	struct session_answer got = { .found = true };

	OK(r,
	   store_find(r->conn, AT(r, now), &s->id, &s->token, &got, &r->err));
	return got;
}

bool
fixture_is_alive(struct fixture *r, const struct session *s, int64_t now)
{
	struct session_answer got = fixture_find(r, s, now);

	if (got.found)
		HOLDS(r, session_id_same(&got.session.id, &s->id));
	return got.found;
}

int64_t
fixture_live(struct fixture *r, const char *user, int64_t now)
{
	struct str who = { .p = NULL };
	struct session_cursor cursor = { .created_ms = 0 };
	struct session_list list;
	int64_t n = 0;

	if (user != NULL)
		who = str_from(user);
	do {
		OK(r, store_list(r->conn, AT(r, now), LISTED(who, 7), &cursor,
				 &list, &r->err));
		n += (int64_t)list.n;
	} while (cursor.more);
	return n;
}

bool
session_id_same(const struct session_id *a, const struct session_id *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool
session_same(const struct session *a, const struct session *b)
{
	return session_id_same(&a->id, &b->id) &&
	       memcmp(&a->token, &b->token, sizeof(a->token)) == 0 &&
	       identity_equal(&a->who, &b->who) &&
	       a->created_ms == b->created_ms &&
	       a->last_seen_ms == b->last_seen_ms &&
	       a->idle_expires_ms == b->idle_expires_ms &&
	       a->expires_ms == b->expires_ms && a->auth_ms == b->auth_ms &&
	       a->remember == b->remember && str_eq(a->address, b->address) &&
	       str_eq(a->user_agent, b->user_agent) &&
	       a->generation == b->generation &&
	       memcmp(&a->mark, &b->mark, sizeof(a->mark)) == 0;
}
