/* SPDX-License-Identifier: MIT */
/* A Postgres server, and a store or a bare link on it. */
#ifndef CONTRACT_POSTGRES_RIG_H
#define CONTRACT_POSTGRES_RIG_H

#include "strategy/store.h"
#include "strategy/users.h"
#include "backends/postgres/conn.h"
#include "tests/contract/expect.h"
#include "tests/support/fake_env.h"
#include "tests/support/postgres_server.h"

extern const struct session_store_ops store_postgres;

/* One for all cases that leave it as it is; main() starts it. */
extern struct postgres_server_place shared_place;

struct rig {
	const char *name; /* of the driver */
	struct postgres_server_place *place, own;
	struct fake_env fake;
	int64_t now;
	char conninfo[400];
	int64_t timeout; /* of store and bare link, seconds */
	struct backend *store;
	struct store_link *l;
	struct arena *a;
	struct err err;
};

enum rig_flags {
	RIG_OWN_SERVER = 1 << 0, /* may be stopped */
	RIG_NO_SCHEMA = 1 << 1, /* is not migrated */
};

/* A store in a database without schema; `more` is added to its conninfo. */
struct rig *rig_open(unsigned flags, const char *more);
void rig_close(struct rig *r);
/* The store is opened anew. */
void rig_start(struct rig *r);
void rig_stop(struct rig *r);

/* Past every back-off. */
void rig_wait(struct rig *r);

/* Opens a second store with another connection string; not migrated. */
void rig_second(struct rig *r, const char *conninfo, struct backend **s,
		struct store_link **l);

/* A live session of alice. */
struct session rig_create(struct rig *r);
int rig_find(struct rig *r, const struct session *s, bool *found);

/* Users in the service's own table (query ""), or in somebody else's. */
struct backend *rig_users(struct rig *r, const char *query);
int rig_try_users(struct rig *r, struct str conninfo, struct str query,
		  struct backend **out) MUST_USE;

/* A link below the store, of a component with these steps. */
struct bare {
	struct postgres_spec spec;
	void *server;
	struct postgres_link *l;
};

void bare_open(struct rig *r, const char *const *steps, size_t nsteps,
	       struct bare *b);
void bare_close(struct bare *b);

/* Another session of the superuser, as another program has. */
PGconn *rig_foreign(const struct rig *r);
void foreign_do(PGconn *c, const char *sql);

TCase *postgres_link_cases(void);
TCase *postgres_schema_cases(void);
TCase *postgres_conflict_cases(void);
TCase *postgres_fault_cases(void);
TCase *postgres_damage_cases(void);
TCase *postgres_idle_cases(void);
TCase *postgres_wait_cases(void);

#endif
