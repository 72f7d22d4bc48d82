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
		return err_set(err, ERR_UNAVAILABLE, "users are down");
	*conn = source;
	return 0;
}

static int
fake_ping(void *conn, struct err *err)
{
	struct users_fake_table *t = conn;

	return t->down ? err_set(err, ERR_UNAVAILABLE, "users are down") : 0;
}

static int
fake_find(void *conn, struct arena *a, struct str name,
	  enum user_answer *answer, struct user *out, struct err *err)
{
	struct users_fake_table *t = conn;
	unsigned nth = atomic_fetch_add(&t->finds, 1) + 1;

	if (t->on_find != NULL)
		t->on_find(t, nth);
	if (t->down || nth == t->fail_find)
		return err_set(err, ERR_UNAVAILABLE, "users are down");
	*answer = USER_UNKNOWN;
	*out = (struct user){ .disabled = false };
	for (size_t i = 0; i < t->n; i++) {
		if (!str_eq(t->v[i].who.name, name))
			continue;
		*out = t->v[i];
		if (identity_copy(a, &t->v[i].who, &out->who) != 0 ||
		    arena_copy(a, t->v[i].hash, &out->hash) != 0)
			return err_nomem(err);
		*answer = USER_FOUND;
	}
	return 0;
}

static int
fake_set_hash(void *conn, struct str name, struct str old, struct str hash,
	      int64_t now, bool *changed, struct err *err)
{
	struct users_fake_table *t = conn;

	(void)now;
	if (t->down)
		return err_set(err, ERR_UNAVAILABLE, "users are down");
	*changed = false;
	for (size_t i = 0; t->rehash && i < t->n; i++) {
		if (!str_eq(t->v[i].who.name, name) ||
		    !str_eq(t->v[i].hash, old))
			continue;
		(void)snprintf(t->hashes[i], sizeof(t->hashes[i]), "%.*s",
			       STR_ARG(hash));
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
