/* SPDX-License-Identifier: MIT */
/*
 * The contract of strategy/session_store.h, asked of every store.  Each
 * kinds_X.c makes a program of these cases, and runs every case for each of its
 * stores.
 */
#ifndef CONTRACT_STORE_FIXTURE_H
#define CONTRACT_STORE_FIXTURE_H

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

/* One opened store, fresh and empty, with one connection. */
struct fixture {
	const char *name;
	const struct session_store_ops *ops;
	struct fake_env fake;
	const struct env *env;
	int64_t now; /* of the fake clock when the case began */
	char folder[64], path[96];
	int kind;
	struct backend *store;
	struct store_conn *conn;
	struct arena *a;
	struct err err;
};

int fixture_count(void);
struct fixture *fixture_open(int kind);
void fixture_close(struct fixture *r);

/* Several handles may hold it, as several processes do. */
bool fixture_is_shared(const struct fixture *r);

/* Closes the store and opens it again, as a restart does. */
void fixture_reopen(struct fixture *r);
/* Leaves nothing open: before fork(). */
void fixture_shut(struct fixture *r);

/* Another connection to r->store; another handle, as another process has. */
struct store_conn *fixture_conn(struct fixture *r);
struct backend *fixture_store(struct fixture *r);
int fixture_try_store(struct fixture *r,
		      struct backend **out) MUST_USE; /* in a child */
struct store_conn *fixture_conn_to(struct fixture *r, struct backend *s);

/* A session of its own id and token: 3600 ms when idle, 36000 in all. */
struct session fixture_session(struct fixture *r, const char *user,
			       int64_t created);
/* The same, created in the store. */
struct session fixture_create(struct fixture *r, const char *user,
			      int64_t created);
struct session_answer fixture_find(struct fixture *r, const struct session *s,
				   int64_t now);
bool fixture_is_alive(struct fixture *r, const struct session *s, int64_t now);
/* Live sessions of a user (NULL: of all). */
int64_t fixture_live(struct fixture *r, const char *user, int64_t now);

/* What a thread does, on a connection and with an arena of its own. */
struct work {
	struct fixture *r;
	struct store_conn *conn;
	struct arena *a;
	void (*fn)(struct work *w);
	void *shared; /* with the other threads */
	int number;
	int fails;
	int64_t answers; /* whatever the case counts */
	struct err err;
};

#define FIXTURE_THREADS_MAX 16

/* Runs fn in n threads, none of which may count a failure; with `handles` each
 * has a store of its own, as processes have.  The sum of their answers. */
int64_t fixture_threads(struct fixture *r, void (*fn)(struct work *w),
			void *shared, int n, bool handles);

/* Runs fn in n processes, each of which opens a store of its own and throws
 * its own dice; the sum of their answers (each below 100). */
int fixture_processes(struct fixture *r, int (*fn)(struct fixture *r), int n);

/* A use of a refresh token: 3600 ms when idle, 10 ms of grace, 3 times; what
 * follows is new. */
struct rotation fixture_rotation(struct fixture *r,
				 const struct token_hash *presented,
				 uint32_t generation);

bool session_same(const struct session *a, const struct session *b);
bool session_id_same(const struct session_id *a, const struct session_id *b);

/* The cases, by subject. */
TCase *store_session_cases(void);
TCase *store_list_cases(void);
TCase *store_regulation_cases(void);
TCase *store_login_cases(void);
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
