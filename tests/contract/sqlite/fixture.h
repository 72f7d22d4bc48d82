/* SPDX-License-Identifier: MIT */
/* A SQLite file that is both store and user source. */
#ifndef CONTRACT_SQLITE_FIXTURE_H
#define CONTRACT_SQLITE_FIXTURE_H

#include "strategy/store.h"
#include "strategy/users.h"
#include "tests/contract/expect.h"
#include "tests/support/fake_env.h"

struct fixture {
	const char *name; /* of the driver */
	struct fake_env fake;
	int64_t now;
	char folder[64], path[128], other[128];
	struct backend *store;
	struct backend *users;
	struct store_conn *conn;
	struct users_conn *users_conn;
	struct arena *a;
	struct err err;
};

#include "tests/contract/alice.h"

/* The store is opened but not connected: there is no file yet. */
struct fixture *fixture_open(void);
void fixture_close(struct fixture *r);
void fixture_stop(struct fixture *r);
void fixture_start(struct fixture *r);

void fixture_migrate(struct fixture *r);
/* Advances the clock past every back-off. */
void fixture_wait(struct fixture *r);

void fixture_write(const char *path, const void *bytes, size_t n);
/* Runs SQL on the file like another program. */
void fixture_sql(const char *path, const char *text);

/* Migrates a component to the last of these steps, some of which may be done
 * already. */
int fixture_migrate_to(struct fixture *r, const char *component,
		       const char *const *steps, size_t nsteps,
		       struct schema_state *state);

TCase *sqlite_version_cases(void);
TCase *sqlite_fault_cases(void);
TCase *sqlite_damage_cases(void);
TCase *sqlite_feed_cases(void);
TCase *sqlite_feed_wait_cases(void);
TCase *sqlite_replaced_cases(void);

#endif
