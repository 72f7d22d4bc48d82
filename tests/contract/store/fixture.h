/* SPDX-License-Identifier: MIT */
/* Tests the contract of strategy/session_store.h with every store. Each
 * kinds_X.c makes a program of these cases, and runs every case for each of its
 * stores. */
#ifndef CONTRACT_STORE_FIXTURE_H
#define CONTRACT_STORE_FIXTURE_H

#include "strategy/store.h"
#include "tests/contract/expect.h"
#include "tests/support/fake_env.h"

struct store_kind {
	const char *name; /* NULL: that of the driver */
	const struct session_store_ops *ops;
	/* Fills in the settings, which are zero. `path` is a file in the folder
	 * of the case. Values that it sets outlive the call of open(). */
	void (*configure)(const struct session_store_ops *ops, void *conf,
			  const char *path);
	/* Removes what the previous case left. NULL: nothing can be left. */
	void (*fresh)(void);
	/* With true the server refuses every operation, but answers, until the
	 * function is called with false. `path` as above. NULL: the store never
	 * refuses. */
	void (*refuse)(const char *path, bool refuses);
	/* ops->feed works with this kind of store. */
	bool has_feed;
	/* The feed reports touches and creations, too. */
	bool feed_sees_writes;
};

/* The stores of the program. */
extern const struct store_kind store_kinds[];
extern const size_t store_nkinds;

/* Runs once before all cases. Returns 0, or 1 when a server is not installed.
 * Aborts when it cannot be started. */
int kinds_start(void);
void kinds_stop(void);

/* An opened store, empty, with one connection. */
struct fixture {
	const char *name; /* of the driver */
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
const char *fixture_name(int kind); /* in the output */
struct fixture *fixture_open(int kind);
void fixture_close(struct fixture *r);

/* Returns true when several handles, like those of several processes, share the
 * data. */
bool fixture_is_shared(const struct fixture *r);

/* Closes the store and opens it again, like a restart. */
void fixture_reopen(struct fixture *r);
/* Closes everything before a fork(). */
void fixture_shut(struct fixture *r);

/* Returns another connection to r->store, or another handle, like that of
 * another process. */
struct store_conn *fixture_conn(struct fixture *r);
struct backend *fixture_store(struct fixture *r);
int fixture_try_store(struct fixture *r,
		      struct backend **out) MUST_USE; /* in a child */
struct store_conn *fixture_conn_to(struct fixture *r, struct backend *s);

/* Returns a session with a new id and token. It ends after 3600 ms when idle,
 * and after 36000 ms in any case. */
struct session fixture_session(struct fixture *r, const char *user,
			       int64_t created);
/* Creates such a session in the store. */
struct session fixture_create(struct fixture *r, const char *user,
			      int64_t created);
struct session_answer fixture_find(struct fixture *r, const struct session *s,
				   int64_t now);
bool fixture_is_alive(struct fixture *r, const struct session *s, int64_t now);
/* Returns the number of sessions of a user (NULL: of all) that have not ended.
 */
int64_t fixture_live(struct fixture *r, const char *user, int64_t now);

/* The work of a thread, with its own connection and arena. */
struct work {
	struct fixture *r;
	struct store_conn *conn;
	struct arena *a;
	void (*fn)(struct work *w);
	void *shared; /* with the other threads */
	int number;
	int fails;
	int64_t answers; /* the count of the case */
	struct err err;
};

#define FIXTURE_THREADS_MAX 16

/* Runs fn in n threads, of which none may fail. With `handles` each thread has
 * its own store handle, like a process. Returns the sum of their answers. */
int64_t fixture_threads(struct fixture *r, void (*fn)(struct work *w),
			void *shared, int n, bool handles);

/* Runs fn in n processes. Each opens its own store and has its own random
 * numbers. Returns the sum of their answers, each of which must be below 100.
 */
int fixture_processes(struct fixture *r, int (*fn)(struct fixture *r), int n);

/* Returns a use of a refresh token, with a new successor: 3600 ms until idle,
 * 10 ms of grace period. */
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
TCase *store_model_cases(void);
TCase *store_output_cases(void);
TCase *store_refused_cases(void);
TCase *store_feed_cases(void);
TCase *store_feed_wait_cases(void);
TCase *store_find_cases(void);

#endif
