/* SPDX-License-Identifier: MIT */
/* A SQLite file that is store and user source at once. */
#ifndef CONTRACT_SQLITE_RIG_H
#define CONTRACT_SQLITE_RIG_H

#include "strategy/store.h"
#include "strategy/users.h"
#include "tests/contract/expect.h"
#include "tests/support/fake_env.h"

struct rig {
	const char *name; /* of the driver */
	struct fake_env fake;
	int64_t now;
	char folder[64], path[128], other[128];
	struct backend *store;
	struct backend *users;
	struct store_link *l;
	struct users_link *ul;
	struct arena *a;
	struct err err;
};

/* Opened, but not yet connected: there is no file. */
struct rig *rig_open(void);
void rig_close(struct rig *r);
void rig_stop(struct rig *r);
void rig_start(struct rig *r);

void rig_migrate(struct rig *r);
/* Past every back-off. */
void rig_wait(struct rig *r);

/* A live session of alice. */
struct session rig_create(struct rig *r);
int rig_find(struct rig *r, const struct session *s, bool *found);

void rig_write(const char *path, const void *bytes, size_t n);
/* Runs SQL on the file from outside. */
void rig_sql(const char *path, const char *text);

/* Brings a component to the last of these steps, some of which may be done. */
int rig_migrate_to(struct rig *r, const char *component,
		   const char *const *steps, size_t nsteps,
		   struct schema_state *state);

TCase *sqlite_version_cases(void);
TCase *sqlite_fault_cases(void);
TCase *sqlite_damage_cases(void);

#endif
