/* SPDX-License-Identifier: MIT */
/* Tests the contract of strategy/user_source.h with every user source that can
 * be changed. Each users_kind_X.c makes a program of these cases. */
#ifndef CONTRACT_USERS_FIXTURE_H
#define CONTRACT_USERS_FIXTURE_H

#include "strategy/users.h"
#include "tests/contract/expect.h"
#include "tests/support/fake_env.h"

/* The user source of the program. */
struct users_kind {
	const struct user_source_ops *ops;
	/* Fills in the settings, which are zero. `path` is a file in the folder
	 * of the case, and is borrowed for the call of open(). */
	void (*configure)(const struct user_source_ops *ops, void *conf,
			  const char *const *path);
	/* Removes what the previous case left. NULL: nothing can be left. */
	void (*fresh)(void);
	/* With true the server refuses every operation, but answers, until the
	 * function is called with false. */
	void (*refuse)(const char *path, bool refuses);
};
extern const struct users_kind users_kind;

/* Runs once before all cases. Returns 0, or 1 when the server is not installed.
 */
int kind_start(void);
void kind_stop(void);

/* An opened user source, empty, with one connection. */
struct fixture {
	const char *name;
	const struct user_source_ops *ops;
	struct fake_env fake;
	int64_t now;
	char folder[64], path[96];
	struct users_forms forms; /* the options case and email */
	struct backend *users;
	struct users_conn *conn;
	struct arena *a;
	struct err err;
};

struct fixture *fixture_open(void);
void fixture_close(struct fixture *r);

/* The two halves of a restart. */
void fixture_stop(struct fixture *r);
void fixture_start(struct fixture *r);

struct users_conn *fixture_conn(struct fixture *r);

/* Returns a user with a value in every field, who is not added yet. */
struct user fixture_user(const char *name);

TCase *users_refused_cases(void);
TCase *users_typed_cases(void);

#endif
