/* SPDX-License-Identifier: MIT */
/* A Redis store on a server of its own, for the cases of test_redis.c. */
#ifndef CONTRACT_REDIS_STORE_RIG_H
#define CONTRACT_REDIS_STORE_RIG_H

#include "strategy/store.h"

#include "tests/contract/expect.h"
#include "tests/support/fake_env.h"
#include "tests/support/redis_server.h"

struct rig {
	const char *name; /* for expect.h */
	struct fake_env fake;
	int64_t now; /* of its clock at the beginning */
	struct test_redis server;
	struct backend *store;
	struct store_link *l;
	struct arena *a;
	struct err err;
};

struct rig *rig_open(void);
void rig_close(struct rig *r);

/* Another way to the same server: with this prefix, by this user. */
struct store_link *rig_link(struct rig *r, const char *prefix,
			    const char *username, const char *password);
void rig_link_end(struct store_link *l);

/* The store may be asked again at once after a failure. */
void rig_forgive(struct rig *r);

/* A command from outside with binary arguments, `format` as for hiredis; its
 * answer: a number, the length of a text or array, -1 for nothing. */
long long rig_redis(struct rig *r, const char *format, ...);

/* 3600 ms when idle, 36000 in all. */
struct session rig_session(struct rig *r, const char *user, int64_t created);
struct session rig_create(struct rig *r, const char *user, int64_t created);
bool rig_is_alive(struct rig *r, const struct session *s, int64_t now);
int64_t rig_live(struct rig *r, const char *user, int64_t now);
/* Sweeps until there is nothing left to sweep. */
int64_t rig_sweep(struct rig *r, int64_t now);
struct rotation rig_rotation(struct rig *r, const struct session *s);
int rig_rotate(struct rig *r, struct session *s, const struct rotation *use,
	       int64_t now, enum rotate_answer *answer) MUST_USE;

/* "fcgiauth:s:{ID}" */
struct rig_key {
	char text[64];
};
struct rig_key rig_key(const struct session *s);

TCase *redis_damage_cases(void);
TCase *redis_cut_cases(void);

#endif
