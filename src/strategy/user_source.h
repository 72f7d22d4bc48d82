/* SPDX-License-Identifier: MIT */
/*
 * The user source strategy, for implementers; callers include strategy/users.h.
 * Lives, threads, memory, failure, outputs, time: as in strategy/session_store.h;
 * but the times of users are seconds.
 */
#ifndef STRATEGY_USER_SOURCE_H
#define STRATEGY_USER_SOURCE_H

#include "strategy/backend.h"
#include "strategy/call.h"
#include "strategy/identity.h"

struct user {
	struct identity who;
	struct str hash; /* of the password, in any form crypto/password knows */
	bool disabled;
	/* Disabled by the source itself, which may not let in what it has:
	 * why, in words for a log.  Else empty. */
	struct str refused;
	int64_t created, changed; /* 0 when the source does not know */
	size_t line; /* of the file that has him; 0: there is none */
};

/* The name of a hash's kind, for messages; *why it lets nobody in, NULL when it
 * does (crypto/password_kind.h). */
const char *user_hash_kind(struct str hash, const char **why);

struct user_list {
	struct user *v;
	size_t n;
};

/* Beside those of enum backend_caps. */
enum users_caps {
	USERS_REHASH = 1 << 8, /* set_hash(): a better hash at login */
	USERS_WRITES = 1 << 9, /* add, set, remove: fcgiauthctl user */
	USERS_LISTS = 1 << 10, /* list() */
};

/* Zero when there is no such user. */
struct user_answer {
	bool found; /* also when they are disabled */
	struct user user;
};

struct hash_change {
	struct str name;
	struct str old, hash; /* from, to */
};

/* Zero is "no such user"; all but USER_CHANGED have changed nothing. */
enum user_change {
	USER_MISSING = 0,
	USER_CHANGED,
	USER_EXISTS,
	USER_STALE, /* somebody else has changed it meanwhile */
};

struct user_source_ops {
	struct backend_ops base;

	/* How its users are changed where we cannot: the end of a message. */
	const char *elsewhere;

	/* Exactly this name, with case. */
	int (*find)(void *conn, const struct call *c, struct str name,
		    struct user_answer *out, struct err *err);

	/*
	 * Replaces the hash when it still is `old` (compare and swap);
	 * *changed says whether.  Only with USERS_REHASH.
	 */
	int (*set_hash)(void *conn, const struct call *c,
			const struct hash_change *h, bool *changed,
			struct err *err);

	/* By name, in the order of bytes, at most `limit`, those after `after`
	 * (empty: from the start).  Only with USERS_LISTS. */
	int (*list)(void *conn, const struct call *c, struct str after,
		    size_t limit, struct user_list *out, struct err *err);

	/* The rest only with USERS_WRITES. */

	/* USER_EXISTS or USER_CHANGED. */
	int (*add)(void *conn, const struct call *c, const struct user *user,
		   enum user_change *answer, struct err *err);

	/*
	 * Writes all of `user` but its name and created, when what is stored
	 * still is `old` (compare and swap), times apart: USER_MISSING,
	 * USER_STALE or USER_CHANGED.  Both have the same name.
	 */
	int (*set)(void *conn, const struct call *c, const struct user *old,
		   const struct user *user, enum user_change *answer,
		   struct err *err);

	int (*remove)(void *conn, const struct call *c, struct str name,
		      enum user_change *answer, struct err *err);
};

#endif
