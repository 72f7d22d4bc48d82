/* SPDX-License-Identifier: MIT */
/* A user source for tests. */
#include "tests/support/users_fake.h"

#include <stdio.h>

static int
fake_open(const void *conf, const struct env *env, void **source,
	  struct err *err)
{
	union {
		const void *in;
		void *out;
	} table = { .in = conf };

	(void)env;
	(void)err;
	*source = table.out;
	return 0;
}

static void
fake_close(void *source)
{
	(void)source;
}

static int
fake_connect(void *source, void **conn, struct err *err)
{
	struct users_fake_table *t = source;

	if (t->down)
		return err_set(err, ERR_UNAVAILABLE, "the user source is down");
	*conn = source;
	return 0;
}

static int
fake_ping(void *conn, struct err *err)
{
	struct users_fake_table *t = conn;

	return t->down ?
		   err_set(err, ERR_UNAVAILABLE, "the user source is down") :
		   0;
}

static int
fake_find(void *conn, const struct call *c, struct str name,
	  struct user_answer *out, struct err *err)
{
	struct users_fake_table *t = conn;
	struct user_answer is = { .found = false };
	unsigned nth = atomic_fetch_add(&t->finds, 1) + 1;

	if (t->on_find != NULL)
		t->on_find(t, nth);
	if (t->down || nth == t->fail_find)
		return err_set(err, ERR_UNAVAILABLE, "the user source is down");
	for (size_t i = 0; i < t->n; i++) {
		if (!str_eq(t->v[i].who.name, name))
			continue;
		is = (struct user_answer){ .found = true, .user = t->v[i] };
		if (identity_copy(c->arena, &t->v[i].who, &is.user.who) != 0 ||
		    arena_copy(c->arena, t->v[i].hash, &is.user.hash) != 0)
			return err_nomem(err);
	}
	*out = is;
	return 0;
}

static int
fake_set_hash(void *conn, const struct call *c, const struct hash_change *h,
	      bool *changed, struct err *err)
{
	struct users_fake_table *t = conn;

	(void)c;
	if (t->on_set_hash != NULL)
		t->on_set_hash(t);
	if (t->down)
		return err_set(err, ERR_UNAVAILABLE, "the user source is down");
	*changed = false;
	for (size_t i = 0; i < t->n; i++) {
		if (!str_eq(t->v[i].who.name, h->name) ||
		    !str_eq(t->v[i].hash, h->old))
			continue;
		(void)snprintf(t->hashes[i], sizeof(t->hashes[i]), "%.*s",
			       STR_ARG(h->hash));
		t->v[i].hash = str_from(t->hashes[i]);
		*changed = true;
	}
	return 0;
}

static const struct option no_options[] = { OPTION_END };

const struct user_source_ops users_fake = {
	.base = {
		.driver = {
			.name = "fake",
			.summary = "for tests",
			.caps = USERS_REHASH,
			.options = no_options,
			.conf_size = sizeof(struct users_fake_table),
		},
		.open = fake_open,
		.close = fake_close,
		.connect = fake_connect,
		.disconnect = fake_close,
		.ping = fake_ping,
	},
	.find = fake_find,
	.set_hash = fake_set_hash,
};
