/* SPDX-License-Identifier: MIT */
/* The user source as its callers see it: as strategy/store.c. */
#include "strategy/users.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "strategy/conn.h"
#include "base/secret.h"
#include "crypto/password.h"
#include "crypto/password_kind.h"

#define HASH_MAX 512 /* bytes of a password hash */
#define PAGE_MAX 1000 /* more than this a listing never gives at once */

struct users {
	struct shared shared;
	const struct user_source_ops *ops;
	unsigned caps;
};

struct users_link {
	struct link link;
	struct users *users;
	char typical[HASH_MAX];
	size_t ntypical;
};

const char *
user_hash_kind(struct str hash, const char **why)
{
	struct str bare;

	*why = password_is_refused(hash);
	return password_kind(hash, &bare)->name;
}

int
users_open(const struct user_source_ops *ops, const void *conf,
	   const struct env *env, struct users **out, struct err *err)
{
	struct users *u = calloc(1, sizeof(*u));
	void *backend;

	if (u == NULL)
		return err_nomem(err);
	if (ops->base.open(conf, env, &backend, err) != 0) {
		free(u);
		return err_context(err, "users %s", ops->base.driver.name);
	}
	u->ops = ops;
	u->caps = ops->base.caps != NULL ? ops->base.caps(backend) :
					   ops->base.driver.caps;
	shared_init(&u->shared,
		    (struct link_ops){
			.driver = &ops->base.driver,
			.section = "users",
			.embedded =
			    (ops->base.driver.caps & BACKEND_EMBEDDED) != 0,
			.close = ops->base.close,
			.connect = ops->base.connect,
			.disconnect = ops->base.disconnect,
			.is_lost = ops->base.is_lost,
			.schema = ops->base.schema,
			.migrate = ops->base.migrate,
		    },
		    backend);
	*out = u;
	return 0;
}

struct users *
users_ref(struct users *u)
{
	shared_ref(&u->shared);
	return u;
}

void
users_unref(struct users *u)
{
	if (u != NULL && shared_unref(&u->shared))
		free(u);
}

const struct user_source_ops *
users_ops(const struct users *u)
{
	return u->ops;
}

unsigned
users_caps(const struct users *u)
{
	return u->caps;
}

struct users_link *
users_link_new(const struct env *env)
{
	struct users_link *l = calloc(1, sizeof(*l));

	if (l != NULL)
		link_init(&l->link, env);
	return l;
}

void
users_link_bind(struct users_link *l, struct users *u)
{
	struct users *old = l->users;

	if (old == u)
		return;
	link_bind(&l->link, u == NULL ? NULL : &u->shared);
	l->users = u == NULL ? NULL : users_ref(u);
	users_unref(old);
	secret_wipe(l->typical, sizeof(l->typical));
	l->ntypical = 0;
}

void
users_link_free(struct users_link *l)
{
	if (l == NULL)
		return;
	users_link_bind(l, NULL);
	free(l);
}

/* Every operation is one of these: what must not be done twice, and what
 * changes nothing, or the same when it is done again. */
#define CALL(l, ...)   LINK_CALL(&(l)->link, false, (l)->users->ops, __VA_ARGS__)
#define REPEAT(l, ...) LINK_CALL(&(l)->link, true, (l)->users->ops, __VA_ARGS__)

bool
users_can(const struct users_link *l, enum users_caps cap)
{
	/* Bound to nothing: link_begin() says so. */
	return l->users == NULL || (l->users->caps & cap) != 0;
}

int
users_check_schema(struct users_link *l, struct err *err)
{
	return link_check_schema(&l->link, err);
}

int
users_ping(struct users_link *l, struct err *err)
{
	return LINK_CALL(&l->link, true, &l->users->ops->base, ping, err);
}

int
users_schema(struct users_link *l, struct schema_state *out, struct err *err)
{
	if (l->users != NULL && l->users->ops->base.schema == NULL) {
		*out = (struct schema_state){ .have = 0 };
		return 0;
	}
	return LINK_CALL(&l->link, true, &l->users->ops->base, schema, out,
			 err);
}

int
users_migrate(struct users_link *l, struct err *err)
{
	if (l->users != NULL && l->users->ops->base.migrate == NULL)
		return 0;
	return LINK_CALL(&l->link, false, &l->users->ops->base, migrate, err);
}

struct str
users_typical_hash(const struct users_link *l)
{
	return (struct str){ .p = l->typical, .n = l->ntypical };
}

static void
note_typical(struct users_link *l, struct str hash)
{
	if (hash.n > sizeof(l->typical) || !password_is_usable(hash))
		return;
	memcpy(l->typical, hash.p, hash.n);
	l->ntypical = hash.n;
}

int
users_find(struct users_link *l, const struct call *c, struct str name,
	   struct user_answer *out, struct err *err)
{
	if (!identity_name_is_valid(name)) {
		*out = (struct user_answer){ .found = false };
		return 0;
	}
	if (REPEAT(l, find, c, name, out, err) != 0)
		return -1;
	if (out->found)
		note_typical(l, out->user.hash);
	return 0;
}

static int
check_hash(struct str hash, struct err *err)
{
	if (hash.n > HASH_MAX || !str_is_utf8(hash) || str_has_control(hash))
		return err_set(err, ERR_INPUT,
			       "password hash: not a text of at most %d bytes",
			       HASH_MAX);
	return 0;
}

int
users_set_hash(struct users_link *l, const struct call *c,
	       const struct hash_change *h, bool *changed, struct err *err)
{
	if (!users_can(l, USERS_REHASH)) {
		*changed = false;
		return 0;
	}
	if (check_hash(h->hash, err) != 0)
		return -1;
	return CALL(l, set_hash, c, h, changed, err);
}

static int
check_writes(const struct users_link *l, struct err *err)
{
	const char *elsewhere;

	if (users_can(l, USERS_WRITES))
		return 0;
	elsewhere = l->users->ops->elsewhere;
	return err_set(err, ERR_CONFIG,
		       "users %s: cannot be changed from here: %s",
		       l->users->ops->base.driver.name,
		       elsewhere != NULL ? elsewhere :
					   "change them where they are kept");
}

static int
check_user(const struct users_link *l, const struct user *user, struct err *err)
{
	if (check_writes(l, err) != 0)
		return -1;
	if (identity_check(&user->who, err) != 0)
		return -1;
	return check_hash(user->hash, err);
}

int
users_list(struct users_link *l, const struct call *c, struct str after,
	   size_t limit, struct user_list *out, struct err *err)
{
	if (!users_can(l, USERS_LISTS))
		return err_set(err, ERR_CONFIG,
			       "users %s: cannot be listed from here",
			       l->users->ops->base.driver.name);
	return REPEAT(l, list, c, after, limit < PAGE_MAX ? limit : PAGE_MAX,
		      out, err);
}

int
users_add(struct users_link *l, const struct call *c, const struct user *user,
	  enum user_change *answer, struct err *err)
{
	if (check_user(l, user, err) != 0)
		return -1;
	return CALL(l, add, c, user, answer, err);
}

int
users_set(struct users_link *l, const struct call *c, const struct user *old,
	  const struct user *user, enum user_change *answer, struct err *err)
{
	assert(str_eq(old->who.name, user->who.name));
	if (check_user(l, user, err) != 0)
		return -1;
	return CALL(l, set, c, old, user, answer, err);
}

int
users_remove(struct users_link *l, const struct call *c, struct str name,
	     enum user_change *answer, struct err *err)
{
	if (check_writes(l, err) != 0)
		return -1;
	return CALL(l, remove, c, name, answer, err);
}
