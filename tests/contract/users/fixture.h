/* SPDX-License-Identifier: MIT */
/*
 * The contract of strategy/user_source.h, asked of every source that can be
 * written.  Each users_kind_X.c makes a program of these cases.
 */
#ifndef CONTRACT_USERS_FIXTURE_H
#define CONTRACT_USERS_FIXTURE_H

#include "strategy/users.h"
#include "tests/contract/expect.h"
#include "tests/support/fake_env.h"

/* Of the program. */
struct users_kind {
	const struct user_source_ops *ops;
	/* Fills the settings, which are zero; `path` is a file in the folder
	 * of the case, borrowed for the call of open(). */
	void (*configure)(const struct user_source_ops *ops, void *conf,
			  const char *const *path);
	/* Before each case: nothing is left of the one before.  NULL: nothing
	 * can be. */
	void (*fresh)(void);
	/* The source answers and refuses all that is asked of it, until this
	 * is called with false. */
	void (*refuse)(const char *path, bool refuses);
};
extern const struct users_kind users_kind;

/* Once, before all cases: 0, or 1 when a server is not installed. */
int kind_start(void);
void kind_stop(void);

/* One opened source, fresh and empty, with one connection. */
struct fixture {
	const char *name;
	const struct user_source_ops *ops;
	struct fake_env fake;
	int64_t now;
	char folder[64], path[96];
	struct backend *users;
	struct users_conn *conn;
	struct arena *a;
	struct err err;
};

struct fixture *fixture_open(void);
void fixture_close(struct fixture *r);

/* A restart, in two halves. */
void fixture_stop(struct fixture *r);
void fixture_start(struct fixture *r);

struct users_conn *fixture_conn(struct fixture *r);

/* With all that a user may have, not added yet. */
struct user fixture_user(const char *name);

TCase *users_refused_cases(void);

#endif
