/* SPDX-License-Identifier: MIT */
/* Opens the factor stores for the contract suite. */
#include "tests/contract/factors/fixture.h"
#include "tests/support/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct factors_conn *
fixture_conn(struct fixture *r)
{
	struct factors_conn *conn = factors_conn_new(&r->fake.env);

	ck_assert_ptr_nonnull(conn);
	factors_conn_bind(conn, r->factors);
	return conn;
}

void
fixture_start(struct fixture *r)
{
	char *conf = calloc(1, r->ops->base.driver.conf_size);
	char *path = strdup(r->path);
	const char *borrowed = path;

	ck_assert(conf != NULL && path != NULL);
	if (factors_kind.configure != NULL)
		factors_kind.configure(r->ops, conf, &borrowed);
	OK(r, factors_open(r->ops, conf, &r->fake.env, &r->factors, &r->err));
	/* The settings are borrowed for the call only. A store that keeps a
	 * pointer to them fails now. */
	memset(path, 'x', strlen(path));
	free(path);
	free(conf);
	r->conn = fixture_conn(r);
	/* Like fcgiauthctl store migrate. An embedded store does it by
	 * itself. */
	if ((r->ops->base.driver.caps & BACKEND_EMBEDDED) == 0)
		OK(r, factors_migrate(r->conn, &r->err));
	OK(r, factors_check_schema(r->conn, &r->err));
}

struct fixture *
fixture_open(void)
{
	struct fixture *r = calloc(1, sizeof(*r));

	ck_assert_ptr_nonnull(r);
	r->ops = factors_kind.ops;
	r->name = r->ops->base.driver.name;
	fake_env_init(&r->fake);
	r->now = env_wall_ms(&r->fake.env);
	(void)snprintf(r->folder, sizeof(r->folder), "/tmp/fcgiauth-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(r->folder));
	(void)snprintf(r->path, sizeof(r->path), "%s/test.db", r->folder);
	HOLDS(r, r->ops->base.driver.conf_size > 0);
	if (factors_kind.fresh != NULL)
		factors_kind.fresh();
	r->a = arena_new(64 << 20);
	ck_assert_ptr_nonnull(r->a);
	fixture_start(r);
	return r;
}

void
fixture_stop(struct fixture *r)
{
	factors_conn_free(r->conn);
	backend_unref(r->factors);
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
		(void)unlink(path); /* some stores have none */
	}
	HOLDS(r, rmdir(r->folder) == 0);
	free(r);
}

struct one_time
fixture_secret(struct fixture *r, enum one_time_kind kind, uint8_t byte)
{
	struct one_time s = {
		.kind = kind,
		.user = STR("alice"),
		.data = STR("rd=/a?b=\xe2\x82\xac\nremember=1"),
		.expires_ms = r->now + HOUR_MS,
	};

	memset(s.hash.b, byte, sizeof(s.hash.b));
	return s;
}

void
fixture_put(struct fixture *r, const struct one_time *secret, bool alone)
{
	OK(r, factors_one_time_put(r->conn, NOW(r), secret, alone, &r->err));
}

bool
fixture_is_valid(struct fixture *r, const struct one_time *secret, int64_t now)
{
	struct one_time_answer is = { .found = true };

	OK(r, factors_one_time_peek(r->conn, AT(r, now), &secret->hash,
				    secret->kind, &is, &r->err));
	return is.found;
}

struct mail
fixture_mail(struct fixture *r, const char *kind)
{
	return (struct mail){
		.user = STR("alice"),
		.to = STR("alice@example.com"),
		.kind = str_from(kind),
		.body = STR("Hello \xe2\x82\xac,\n.\nbye\n"),
		.expires_ms = r->now + 24 * HOUR_MS,
	};
}

void
fixture_add_mail(struct fixture *r, const char *kind, int64_t now)
{
	const struct mail m = fixture_mail(r, kind);

	OK(r, factors_mail_add(r->conn, AT(r, now), &m, &r->err));
}
