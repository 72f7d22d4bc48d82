/* SPDX-License-Identifier: MIT */
/* A Redis store on a server of its own, for the cases of test_redis.c. */
#ifndef CONTRACT_REDIS_STORE_FIXTURE_H
#define CONTRACT_REDIS_STORE_FIXTURE_H

#include "strategy/store.h"

#include "tests/contract/expect.h"
#include "tests/support/fake_env.h"
#include "tests/support/redis_server.h"

struct fixture {
	const char *name; /* for expect.h */
	struct fake_env fake;
	int64_t now; /* of its clock at the beginning */
	struct test_redis server;
	struct backend *store;
	struct store_conn *conn;
	struct arena *a;
	struct err err;
};

extern const struct session_store_ops store_redis;

struct fixture *fixture_open(void);
void fixture_close(struct fixture *r);
/* Use a server that the case starts and ends itself. */
void fixture_at(struct fixture *r, const char *url, bool cluster);
void fixture_leave(struct fixture *r);

/* Opens another connection to the same server, with this prefix and user. */
struct store_conn *fixture_conn(struct fixture *r, const char *prefix,
				const char *username, const char *password);
void fixture_conn_end(struct store_conn *conn);

/* Ends the back-off after a failure. */
void fixture_forgive(struct fixture *r);

/* Sends a command with binary arguments; `format` is that of hiredis. Returns
 * the number, the length of the text or array, or -1 for nil. */
long long fixture_redis(struct fixture *r, const char *format, ...);

/* The session ends 3600 ms after its last use, and 36000 ms after `created`. */
struct session fixture_session(struct fixture *r, const char *user,
			       int64_t created);
struct session fixture_create(struct fixture *r, const char *user,
			      int64_t created);
bool fixture_is_alive(struct fixture *r, const struct session *s, int64_t now);
int64_t fixture_live(struct fixture *r, const char *user, int64_t now);
/* Sweeps until nothing is left to sweep. */
int64_t fixture_sweep(struct fixture *r, int64_t now);
struct rotation fixture_rotation(struct fixture *r, const struct session *s);
int fixture_rotate(struct fixture *r, struct session *s,
		   const struct rotation *use, int64_t now,
		   enum rotate_answer *answer) MUST_USE;

/* The text is "fcgiauth:{XX}s:ID". */
struct fixture_key {
	char text[64];
};
struct fixture_key fixture_key(const struct session *s);
/* Returns the first page of all sessions of the shard. */
struct fixture_key fixture_page(const char *user);
/* Returns "fcgiauth:{XX}KIND" in the shard of a user, for example "u:alice";
 * "ends" is the index of ends that the user belongs to. */
struct fixture_key fixture_index(const char *user, const char *kind);

TCase *redis_damage_cases(void);
TCase *redis_index_cases(void);
TCase *redis_cut_cases(void);
TCase *redis_shard_cases(void);
TCase *redis_half_cases(void);
TCase *redis_failover_cases(void);
TCase *redis_feed_cases(void);
TCase *redis_seen_cases(void);
TCase *redis_earlier_cases(void);

#endif
