/* SPDX-License-Identifier: MIT */
/* Opens the user sources for the contract suite. */
#include "tests/contract/users/fixture.h"
#include "tests/support/set_option.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct users_conn *
fixture_conn(struct fixture *r)
{
	struct users_conn *conn = users_conn_new(&r->fake.env);

	ck_assert_ptr_nonnull(conn);
	users_conn_bind(conn, r->users);
	return conn;
}

void
fixture_start(struct fixture *r)
{
	char *conf = calloc(1, r->ops->base.driver.conf_size);
	char *path = strdup(r->path);
	const char *borrowed = path;

	ck_assert(conf != NULL && path != NULL);
	users_kind.configure(r->ops, conf, &borrowed);
	SET_OPTION(r->ops->base.driver.options, conf, "case",
		   r->forms.name_case);
	SET_OPTION(r->ops->base.driver.options, conf, "email", r->forms.email);
	OK(r, users_open(r->ops, conf, &r->fake.env, &r->users, &r->err));
	/* The settings are borrowed for the call only. A source that keeps a
	 * pointer to them fails now. */
	memset(path, 'x', strlen(path));
	free(path);
	free(conf);
	r->conn = fixture_conn(r);
	/* Like fcgiauthctl store migrate. An embedded source does it by itself.
	 */
	if ((r->ops->base.driver.caps & BACKEND_EMBEDDED) == 0)
		OK(r, users_migrate(r->conn, &r->err));
	OK(r, users_check_schema(r->conn, &r->err));
}

struct fixture *
fixture_open(void)
{
	struct fixture *r = calloc(1, sizeof(*r));

	ck_assert_ptr_nonnull(r);
	r->ops = users_kind.ops;
	r->name = r->ops->base.driver.name;
	fake_env_init(&r->fake);
	r->now = env_wall(&r->fake.env);
	(void)snprintf(r->folder, sizeof(r->folder), "/tmp/fcgiauth-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(r->folder));
	(void)snprintf(r->path, sizeof(r->path), "%s/test.db", r->folder);
	HOLDS(r, r->ops->base.driver.conf_size > 0);
	if (users_kind.fresh != NULL)
		users_kind.fresh();
	r->a = arena_new(16 << 20);
	ck_assert_ptr_nonnull(r->a);
	fixture_start(r);
	return r;
}

void
fixture_stop(struct fixture *r)
{
	users_conn_free(r->conn);
	backend_unref(r->users);
}

void
fixture_close(struct fixture *r)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char path[128];

	fixture_stop(r);
	arena_free(r->a);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", r->path,
			       suffixes[i]);
		(void)unlink(path); /* some sources have none */
	}
	HOLDS(r, rmdir(r->folder) == 0);
	free(r);
}

struct user
fixture_user(const char *name)
{
	return (struct user){
		.who = { .name = str_from(name),
			 .roles = STR("staff,app:admin"),
			 .email = STR("a@example.com"),
			 .full_name = STR("Ann O'Brien \xe2\x82\xac \"x\"") },
		.hash = STR("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"),
	};
}
