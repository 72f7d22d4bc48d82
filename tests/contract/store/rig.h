/* SPDX-License-Identifier: MIT */
/*
 * The contract of strategy/session_store.h, asked of every store.  Each kinds_X.c
 * makes a program of these cases with the stores of its own, each of which
 * every case is run for.
 */
#ifndef CONTRACT_STORE_RIG_H
#define CONTRACT_STORE_RIG_H

#include "strategy/store.h"
#include "tests/contract/expect.h"
#include "tests/support/fake_env.h"

struct store_kind {
	const struct session_store_ops *ops;
	/* Fills the settings, which are zero; `path` is a file in the folder
	 * of the case.  What it puts there outlives the call of open(). */
	void (*configure)(const struct session_store_ops *ops, void *conf,
			  const char *path);
	/* Before each case: nothing is left of the one before.  NULL: nothing
	 * can be. */
	void (*fresh)(void);
	/* The store answers and refuses all that is asked of it, until this is
	 * called with false.  `path` as above.  NULL: it never does. */
	void (*refuse)(const char *path, bool refuses);
};

/* Of the program. */
extern const struct store_kind store_kinds[];
extern const size_t store_nkinds;

/* Once, before all cases: 0, or 1 when a server is not installed.  Aborts when
 * it cannot be started. */
int kinds_start(void);
void kinds_stop(void);

/* One opened store, fresh and empty, with one link. */
struct rig {
	const char *name;
	const struct session_store_ops *ops;
	struct fake_env fake;
	const struct env *env;
	int64_t now; /* of the fake clock when the case began */
	char folder[64], path[96];
	int kind;
	struct backend *store;
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
struct backend *rig_store(struct rig *r);
int rig_try_store(struct rig *r,
		  struct backend **out) MUST_USE; /* in a child */
struct store_link *rig_link_to(struct rig *r, struct backend *s);

/* A session of its own id and token: 3600 ms when idle, 36000 in all. */
struct session rig_session(struct rig *r, const char *user, int64_t created);
/* The same, created in the store. */
struct session rig_create(struct rig *r, const char *user, int64_t created);
bool rig_find(struct rig *r, const struct session *s, int64_t now,
	      struct session *got);
bool rig_is_alive(struct rig *r, const struct session *s, int64_t now);
/* Live sessions of a user (NULL: of all). */
int64_t rig_live(struct rig *r, const char *user, int64_t now);

/* What a thread does, on a link of its own. */
struct work {
	struct rig *r;
	struct store_link *l;
	void (*fn)(struct work *w);
	void *shared; /* with the other threads */
	int number;
	int fails;
	int64_t answers; /* whatever the case counts */
	struct err err;
};

#define RIG_THREADS_MAX 16

/* Runs fn in n threads, none of which may count a failure; with `handles` each
 * has a store of its own, as processes have.  The sum of their answers. */
int64_t rig_threads(struct rig *r, void (*fn)(struct work *w), void *shared,
		    int n, bool handles);

/* Runs fn in n processes, each of which opens a store of its own and throws
 * its own dice; the sum of their answers (each below 100). */
int rig_processes(struct rig *r, int (*fn)(struct rig *r), int n);

/* A use of a refresh token: 3600 ms when idle, 10 ms of grace, 3 times; what
 * follows is new. */
struct rotation rig_rotation(struct rig *r, const struct token_hash *presented,
			     uint32_t generation);

bool session_same(const struct session *a, const struct session *b);
bool session_id_same(const struct session_id *a, const struct session_id *b);

/* The cases, by subject. */
TCase *store_session_cases(void);
TCase *store_list_cases(void);
TCase *store_regulation_cases(void);
TCase *store_thread_cases(void);
TCase *store_process_cases(void);
TCase *store_rotation_cases(void);
TCase *store_grace_cases(void);
TCase *store_race_cases(void);
TCase *store_denial_cases(void);
TCase *store_mark_cases(void);
TCase *store_output_cases(void);
TCase *store_refused_cases(void);

#endif
