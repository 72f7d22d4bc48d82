/* SPDX-License-Identifier: MIT */
/* A PostgreSQL server, and a store or a bare connection on it. */
#ifndef CONTRACT_POSTGRES_FIXTURE_H
#define CONTRACT_POSTGRES_FIXTURE_H

#include "strategy/store.h"
#include "strategy/users.h"
#include "backends/postgres/conn.h"
#include "tests/contract/expect.h"
#include "tests/support/fake_env.h"
#include "tests/support/postgres_server.h"

extern const struct session_store_ops store_postgres;

/* The server of all cases that leave it as it is. main() starts it. */
extern struct test_postgres shared_server;

struct fixture {
	const char *name; /* of the driver */
	struct test_postgres *server, own;
	struct fake_env fake;
	int64_t now;
	char conninfo[400];
	int64_t timeout; /* of store and bare connection, seconds */
	struct backend *store;
	struct store_conn *conn;
	struct arena *a;
	struct err err;
};

#include "tests/contract/alice.h"

enum fixture_flags {
	FIXTURE_OWN_SERVER = 1 << 0, /* the case may stop it */
	FIXTURE_NO_SCHEMA = 1 << 1, /* the case migrates it */
};

/* Opens a store in a database without schema. `more` is added to its conninfo.
 */
struct fixture *fixture_open(unsigned flags, const char *more);
void fixture_close(struct fixture *r);
/* Opens the store, after fixture_stop(). */
void fixture_start(struct fixture *r);
void fixture_stop(struct fixture *r);

/* Advances the clock past every back-off. */
void fixture_wait(struct fixture *r);

/* Opens a second store with another connection string, without migration. */
void fixture_second(struct fixture *r, const char *conninfo, struct backend **s,
		    struct store_conn **l);

/* Opens users in our own table (query ""), or in a foreign one. */
struct backend *fixture_users(struct fixture *r, const char *query);
int fixture_try_users(struct fixture *r, const char *conninfo, struct str query,
		      struct backend **out) MUST_USE;

/* A connection without a store, for a component with these steps. */
struct bare {
	struct postgres_spec spec;
	void *server;
	struct postgres_conn *pg;
};

void bare_open(struct fixture *r, const char *const *steps, size_t nsteps,
	       struct bare *b);
void bare_close(struct bare *b);

/* Opens another connection of the superuser, like another program. */
PGconn *fixture_foreign(const struct fixture *r);
void foreign_do(PGconn *c, const char *sql);

TCase *postgres_conn_cases(void);
TCase *postgres_schema_cases(void);
TCase *postgres_conflict_cases(void);
TCase *postgres_fault_cases(void);
TCase *postgres_damage_cases(void);
TCase *postgres_idle_cases(void);
TCase *postgres_wait_cases(void);
TCase *postgres_login_lock_cases(void);
TCase *postgres_feed_cases(void);
TCase *postgres_elsewhere_cases(void);
TCase *postgres_name_cases(void);

#endif
