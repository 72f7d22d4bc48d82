/* SPDX-License-Identifier: MIT */
/* Tests the contract of strategy/factor_store.h with every factor store. Each
 * kind_X.c makes a program of these cases. */
#ifndef CONTRACT_FACTORS_FIXTURE_H
#define CONTRACT_FACTORS_FIXTURE_H

#include "strategy/factors.h"
#include "tests/contract/expect.h"
#include "tests/support/fake_env.h"

#define HOUR_MS INT64_C(3600000)

/* The factor store of the program. */
struct factors_kind {
	const struct factor_store_ops *ops;
	/* Fills in the settings, which are zero. `path` is a file in the folder
	 * of the case, and is borrowed for the call of open(). NULL: there are
	 * none. */
	void (*configure)(const struct factor_store_ops *ops, void *conf,
			  const char *const *path);
	/* Removes what the previous case left. NULL: nothing can be left. */
	void (*fresh)(void);
	/* With true the server refuses every operation, but answers, until the
	 * function is called with false. NULL: it cannot. */
	void (*refuse)(const char *path, bool refuses);
	/* Gives the mails of the kind "damaged" a value that cannot be read.
	 * NULL: the store accepts no such value. */
	void (*damage)(const char *path);
};
extern const struct factors_kind factors_kind;

/* Runs once before all cases. Returns 0, or 1 when the server is not installed.
 */
int kind_start(void);
void kind_stop(void);

/* An opened factor store, empty, with one connection. */
struct fixture {
	const char *name;
	const struct factor_store_ops *ops;
	struct fake_env fake;
	int64_t now; /* milliseconds */
	char folder[64], path[96];
	struct backend *factors;
	struct factors_conn *conn;
	struct arena *a;
	struct err err;
};

struct fixture *fixture_open(void);
void fixture_close(struct fixture *r);

/* The two halves of a restart. */
void fixture_stop(struct fixture *r);
void fixture_start(struct fixture *r);

struct factors_conn *fixture_conn(struct fixture *r);

/* Returns a secret of this kind for alice with a hash of these bytes, which
 * expires in an hour. It is not added yet. */
struct one_time fixture_secret(struct fixture *r, enum one_time_kind kind,
			       uint8_t byte);
void fixture_put(struct fixture *r, const struct one_time *secret, bool alone);
/* Returns whether the secret is valid at this time. */
bool fixture_is_valid(struct fixture *r, const struct one_time *secret,
		      int64_t now);

/* Returns a mail about alice, which expires in a day. It is not added yet. */
struct mail fixture_mail(struct fixture *r, const char *kind);
void fixture_add_mail(struct fixture *r, const char *kind, int64_t now);

TCase *factors_account_cases(void);
TCase *factors_one_time_cases(void);
TCase *factors_outbox_cases(void);
TCase *factors_race_cases(void);
TCase *factors_refused_cases(void);

#endif
