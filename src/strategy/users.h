/* SPDX-License-Identifier: MIT */
/* The user source as its callers see it: as strategy/store.h. */
#ifndef STRATEGY_USERS_H
#define STRATEGY_USERS_H

#include "strategy/user_source.h"

struct users;
struct users_link;

int users_open(const struct user_source_ops *ops, const void *conf,
	       const struct env *env, struct users **out, struct err *err)
    MUST_USE;
struct users *users_ref(struct users *u);
void users_unref(struct users *u); /* NULL is allowed */
const struct user_source_ops *users_ops(const struct users *u);
/* What it can: of the backend's, what its configuration leaves. */
unsigned users_caps(const struct users *u);

struct users_link *users_link_new(const struct env *env) MUST_USE;
void users_link_free(struct users_link *l); /* NULL is allowed */
void users_link_bind(struct users_link *l, struct users *u);
bool users_can(const struct users_link *l, enum users_caps cap);

int users_check_schema(struct users_link *l, struct err *err) MUST_USE;

int users_ping(struct users_link *l, struct err *err) MUST_USE;
int users_schema(struct users_link *l, struct schema_state *out,
		 struct err *err) MUST_USE;
int users_migrate(struct users_link *l, struct err *err) MUST_USE;
/* A name that identity_name_is_valid() refuses is not found at once. */
int users_find(struct users_link *l, const struct call *c, struct str name,
	       struct user_answer *out, struct err *err) MUST_USE;
/*
 * A hash as the users of this source have them, for one that has none: so that
 * time does not tell who there is.  The last usable one that this link found,
 * as long as nothing else is found; empty before that.
 */
struct str users_typical_hash(const struct users_link *l);
/* Without USERS_REHASH *changed is false. */
int users_set_hash(struct users_link *l, const struct call *c,
		   const struct hash_change *h, bool *changed,
		   struct err *err) MUST_USE;
/* ERR_CONFIG for a source that cannot be listed, or not be written. */
int users_list(struct users_link *l, const struct call *c, struct str after,
	       size_t limit, struct user_list *out, struct err *err) MUST_USE;
int users_add(struct users_link *l, const struct call *c,
	      const struct user *user, enum user_change *answer,
	      struct err *err) MUST_USE;
int users_set(struct users_link *l, const struct call *c,
	      const struct user *old, const struct user *user,
	      enum user_change *answer, struct err *err) MUST_USE;
int users_remove(struct users_link *l, const struct call *c, struct str name,
		 enum user_change *answer, struct err *err) MUST_USE;

#endif
