/* SPDX-License-Identifier: MIT */
/*
 * The interface of user sources, for implementers; callers include
 * strategy/users.h. Lifetime, threads, memory, failure, outputs and time are
 * as in strategy/session_store.h, but the times of users are in seconds.
 */
#ifndef STRATEGY_USER_SOURCE_H
#define STRATEGY_USER_SOURCE_H

#include "strategy/backend.h"
#include "strategy/call.h"
#include "strategy/identity.h"

struct user {
	struct identity who;
	struct str hash; /* password hash of any kind crypto/password knows */
	bool disabled;
	/* The reason, for a log, if the source itself has disabled the user
	 * because their record is not valid. Else empty. */
	struct str refused;
	int64_t created, changed; /* 0 if the source does not know */
	size_t line; /* line of the user in the file; 0: there is no file */
};

/* Returns the name of the kind of a hash, for messages. *why is the reason why
 * no password can match it; NULL if one can (crypto/password_kind.h). */
const char *user_hash_kind(struct str hash, const char **why);

struct user_list {
	struct user *v;
	size_t n;
};

/* Capabilities in addition to those of enum backend_caps. */
enum users_caps {
	USERS_REHASH = 1 << 8, /* set_hash(): a better hash at sign-in */
	USERS_WRITES = 1 << 9, /* add, set, remove: fcgiauthctl user */
	USERS_LISTS = 1 << 10, /* list() */
	USERS_FOLDS = 1 << 11, /* find_typed() ignores the case of names */
	USERS_EMAILS = 1 << 12, /* find_typed() finds e-mail addresses */
};

/* The options of a source that can find users by other texts than their exact
 * names; they decide whether it has USERS_FOLDS and USERS_EMAILS. */
struct users_forms {
	int name_case; /* 0: exact, 1: fold */
	bool email;
};

extern const char *const users_case_words[];

#define USERS_OPTION_CASE(st, text)                                            \
	OPTION_AS("case", ENUM, st, forms.name_case, .def = "exact",           \
		  .words = users_case_words, .help = text)
#define USERS_OPTION_EMAIL(st, text)                                           \
	OPTION_AS("email", BOOL, st, forms.email, .def = "no", .help = text)

/* Returns the capabilities that the options turn on. */
unsigned users_forms_caps(const struct users_forms *forms);

/* All zero if there is no such user. */
struct user_answer {
	bool found; /* also true if they are disabled */
	/* Not found, because a typed text fits several users. */
	bool ambiguous;
	struct user user;
};

struct hash_change {
	struct str name;
	struct str old, hash; /* the hash before and after the change */
};

/* Zero means that there is no such user. With all but USER_CHANGED nothing was
 * changed. */
enum user_change {
	USER_MISSING = 0,
	USER_CHANGED,
	USER_EXISTS,
	USER_STALE, /* the user was changed by others meanwhile */
};

struct user_source_ops {
	struct backend_ops base;

	/* How its users are changed if the service cannot change them; this is
	 * the end of a message. */
	const char *elsewhere;

	/* Finds the user of exactly this name; case matters. */
	int (*find)(void *conn, const struct call *c, struct str name,
		    struct user_answer *out, struct err *err);

	/*
	 * Finds the users who may be meant by a text that a person typed: the
	 * one of exactly this name; with USERS_FOLDS, those whose names differ
	 * in the case of ASCII letters only; with USERS_EMAILS, those whose
	 * e-mail addresses are this text, likewise without regard to case. It
	 * takes the same time whether or not there are any. It need not return
	 * more than two of each sort, and may return other users, which the
	 * caller leaves out. Only with one of these capabilities.
	 */
	int (*find_typed)(void *conn, const struct call *c, struct str text,
			  struct user_list *out, struct err *err);

	/*
	 * Replaces the hash if it is still `old` (compare and swap); *changed
	 * says whether it did. Only with USERS_REHASH.
	 */
	int (*set_hash)(void *conn, const struct call *c,
			const struct hash_change *h, bool *changed,
			struct err *err);

	/* Returns at most `limit` users, sorted by the bytes of their names,
	 * beginning after the name `after` (empty: with the first user). Only
	 * with USERS_LISTS. */
	int (*list)(void *conn, const struct call *c, struct str after,
		    size_t limit, struct user_list *out, struct err *err);

	/* The operations below exist only with USERS_WRITES. */

	/* Adds a user: USER_EXISTS or USER_CHANGED. */
	int (*add)(void *conn, const struct call *c, const struct user *user,
		   enum user_change *answer, struct err *err);

	/*
	 * Writes all fields of `user` except name and created, if the stored
	 * user is still equal to `old`, times not compared (compare and swap):
	 * USER_MISSING, USER_STALE or USER_CHANGED. `old` and `user` must have
	 * the same name.
	 */
	int (*set)(void *conn, const struct call *c, const struct user *old,
		   const struct user *user, enum user_change *answer,
		   struct err *err);

	int (*remove)(void *conn, const struct call *c, struct str name,
		      enum user_change *answer, struct err *err);
};

#endif
