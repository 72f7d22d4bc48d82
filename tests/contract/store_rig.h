/* SPDX-License-Identifier: MIT */
/*
 * The contract of api/session_store.h, asked of every store: a new one is a
 * line in store_kinds[].  Each case is run once for each of them.
 */
#ifndef TESTS_STORE_RIG_H
#define TESTS_STORE_RIG_H

#include "api/store.h"
#include "tests/contract/expect.h"
#include "tests/support/fake_env.h"

/* One opened store, fresh and empty, with one link. */
struct rig {
	const char *name;
	const struct session_store_ops *ops;
	struct fake_env fake;
	const struct env *env;
	int64_t now; /* of the fake clock when the case began */
	char folder[64], path[96];
	int kind;
	struct store *store;
	struct store_link *l;
	struct arena *a;
	struct err err;
};

int rig_count(void);
struct rig *rig_open(int kind);
void rig_close(struct rig *r);

/* Several handles may hold it, as several processes do. */
bool rig_is_shared(const struct rig *r);

/* Closes the store and opens it again, as a restart does. */
void rig_reopen(struct rig *r);
/* Leaves nothing open: before fork(). */
void rig_shut(struct rig *r);

/* Another connection to r->store; another handle, as another process has. */
struct store_link *rig_link(struct rig *r);
struct store *rig_store(struct rig *r);
int rig_try_store(struct rig *r, struct store **out) MUST_USE; /* in a child */
struct store_link *rig_link_to(struct rig *r, struct store *s);

/* A session of its own id and token: 3600 ms when idle, 36000 in all. */
struct session rig_session(struct rig *r, const char *user, int64_t created);
/* The same, created in the store. */
struct session rig_create(struct rig *r, const char *user, int64_t created);
bool rig_is_alive(struct rig *r, const struct session *s, int64_t now);
/* Live sessions of a user (NULL: of all). */
int64_t rig_live(struct rig *r, const char *user, int64_t now);

bool session_same(const struct session *a, const struct session *b);
bool session_id_same(const struct session_id *a, const struct session_id *b);

/* The cases, by subject. */
TCase *store_session_cases(void);
TCase *store_list_cases(void);
TCase *store_regulation_cases(void);
TCase *store_thread_cases(void);
TCase *store_process_cases(void);

#endif
