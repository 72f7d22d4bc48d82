/* SPDX-License-Identifier: MIT */
/* The user source as its callers see it, in the manner of strategy/store.c. */
#include "strategy/users.h"

#include <assert.h>
#include <string.h>

#include "crypto/password.h"
#include "crypto/password_kind.h"

#define PAGE_MAX 1000 /* a page of a list never has more entries */

const char *
user_hash_kind(struct str hash, const char **why)
{
	struct str bare;

	*why = password_is_refused(hash);
	return password_kind(hash, &bare)->name;
}

static const struct user_source_ops *
users_ops(const struct users_conn *conn)
{
	/* users_open() was given the first member of this struct. */
	return (const struct user_source_ops *)conn->base.backend->ops;
}

/* These are explained in strategy/conn.h. */
#define CALL(s, ...)   CONN_CALL(&(s)->base, false, users_ops(s), __VA_ARGS__)
#define REPEAT(s, ...) CONN_CALL(&(s)->base, true, users_ops(s), __VA_ARGS__)

bool
users_can(const struct users_conn *conn, enum users_caps cap)
{
	/* A connection that is not bound passes, and conn_begin() refuses
	 * it. */
	return conn->base.backend == NULL ||
	       (conn->base.backend->caps & cap) != 0;
}

struct str
users_typical_hash(const struct users_conn *conn)
{
	return (struct str){ .p = conn->typical, .n = conn->ntypical };
}

static void
note_typical(struct users_conn *conn, struct str hash)
{
	if (hash.n > sizeof(conn->typical) || !password_is_usable(hash))
		return;
	memcpy(conn->typical, hash.p, hash.n);
	conn->ntypical = hash.n;
}

int
users_keep_changing(struct err *err)
{
	return err_set(err, ERR_UNAVAILABLE, "the user keeps changing");
}

int
users_find(struct users_conn *conn, const struct call *c, struct str name,
	   struct user_answer *out, struct err *err)
{
	if (!identity_name_is_valid(name)) {
		*out = (struct user_answer){ .found = false };
		return 0;
	}
	if (REPEAT(conn, find, c, name, out, err) != 0)
		return -1;
	if (out->found)
		note_typical(conn, out->user.hash);
	return 0;
}

const char *const users_case_words[] = { "exact", "fold", NULL };

unsigned
users_forms_caps(const struct users_forms *forms)
{
	return (forms->name_case != 0 ? (unsigned)USERS_FOLDS : 0) |
	       (forms->email ? (unsigned)USERS_EMAILS : 0);
}

static bool
is_address(const struct users_conn *conn, struct str text)
{
	return users_can(conn, USERS_EMAILS) && str_find(text, '@') < text.n &&
	       identity_text_is_valid(text);
}

bool
users_may_type(const struct users_conn *conn, struct str text)
{
	return identity_name_is_valid(text) || is_address(conn, text);
}

bool
users_fits(const struct users_conn *conn, const struct identity *who,
	   struct str text)
{
	return str_eq(who->name, text) ||
	       (users_can(conn, USERS_FOLDS) &&
		str_eq_nocase(who->name, text)) ||
	       (is_address(conn, text) && str_eq_nocase(who->email, text));
}

/* Chooses the one whom the text means. */
static void
users_choose(const struct users_conn *conn, struct str text,
	     const struct user_list *list, struct user_answer *out)
{
	const struct user *only = NULL;
	bool several = false;

	for (size_t i = 0; i < list->n; i++) {
		const struct user *u = &list->v[i];

		if (!users_fits(conn, &u->who, text))
			continue;
		if (only != NULL && !str_eq(only->who.name, u->who.name))
			several = true;
		only = u;
		if (str_eq(u->who.name, text)) {
			several = false;
			break;
		}
	}
	*out = (struct user_answer){ .found = only != NULL && !several,
				     .ambiguous = several };
	if (out->found)
		out->user = *only;
}

int
users_find_typed(struct users_conn *conn, const struct call *c, struct str text,
		 struct user_answer *out, struct err *err)
{
	struct user_list list;

	if (!users_can(conn, USERS_FOLDS) && !users_can(conn, USERS_EMAILS))
		return users_find(conn, c, text, out, err);
	if (!users_may_type(conn, text)) {
		*out = (struct user_answer){ .found = false };
		return 0;
	}
	if (REPEAT(conn, find_typed, c, text, &list, err) != 0)
		return -1;
	users_choose(conn, text, &list, out);
	if (out->found)
		note_typical(conn, out->user.hash);
	return 0;
}

static int
users_check_hash(struct str hash, struct err *err)
{
	if (hash.n > USERS_HASH_MAX || !str_is_utf8(hash) ||
	    str_has_control(hash))
		return err_set(err, ERR_INPUT,
			       "password hash: must be a text of at most %d"
			       " bytes",
			       USERS_HASH_MAX);
	return 0;
}

int
users_set_hash(struct users_conn *conn, const struct call *c,
	       const struct hash_change *h, bool *changed, struct err *err)
{
	if (!users_can(conn, USERS_REHASH)) {
		*changed = false;
		return 0;
	}
	if (users_check_hash(h->hash, err) != 0)
		return -1;
	return CALL(conn, set_hash, c, h, changed, err);
}

static int
check_writes(const struct users_conn *conn, struct err *err)
{
	const char *elsewhere;

	if (users_can(conn, USERS_WRITES))
		return 0;
	elsewhere = users_ops(conn)->elsewhere;
	return err_set(err, ERR_CONFIG,
		       "users %s: cannot be changed from here: %s",
		       users_ops(conn)->base.driver.name,
		       elsewhere != NULL ? elsewhere :
					   "change them where they are kept");
}

static int
users_check_user(const struct users_conn *conn, const struct user *user,
		 struct err *err)
{
	if (check_writes(conn, err) != 0)
		return -1;
	if (identity_check(&user->who, err) != 0)
		return -1;
	return users_check_hash(user->hash, err);
}

int
users_list(struct users_conn *conn, const struct call *c, struct str after,
	   size_t limit, struct user_list *out, struct err *err)
{
	if (!users_can(conn, USERS_LISTS))
		return err_set(err, ERR_CONFIG,
			       "users %s: cannot be listed from here",
			       users_ops(conn)->base.driver.name);
	return REPEAT(conn, list, c, after, limit < PAGE_MAX ? limit : PAGE_MAX,
		      out, err);
}

int
users_add(struct users_conn *conn, const struct call *c,
	  const struct user *user, enum user_change *answer, struct err *err)
{
	if (users_check_user(conn, user, err) != 0)
		return -1;
	return CALL(conn, add, c, user, answer, err);
}

int
users_set(struct users_conn *conn, const struct call *c, const struct user *old,
	  const struct user *user, enum user_change *answer, struct err *err)
{
	assert(str_eq(old->who.name, user->who.name));
	if (users_check_user(conn, user, err) != 0)
		return -1;
	return CALL(conn, set, c, old, user, answer, err);
}

int
users_remove(struct users_conn *conn, const struct call *c, struct str name,
	     enum user_change *answer, struct err *err)
{
	if (check_writes(conn, err) != 0)
		return -1;
	return CALL(conn, remove, c, name, answer, err);
}
