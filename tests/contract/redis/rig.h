/* SPDX-License-Identifier: MIT */
/* A link to Redis, for the cases of test_redis_link.c. */
#ifndef CONTRACT_REDIS_RIG_H
#define CONTRACT_REDIS_RIG_H

#include "backends/redis/client/conn.h"

#include "base/log.h"
#include "tests/contract/expect.h"
#include "tests/support/redis_server.h"

struct rig {
	const char *name; /* for expect.h */
	struct env env;
	struct redis_conf conf;
	void *server, *conn; /* NULL: not open, not connected */
	redisReply *reply; /* of the last rig_run() */
	struct err err;
};

enum rig_script { SCRIPT_ECHO, SCRIPT_SET, SCRIPT_BROKEN, SCRIPT_N };

/* The defaults, and this url; it is borrowed. */
void rig_init(struct rig *r, const char *url);
int rig_open(struct rig *r);
int rig_connect(struct rig *r); /* opens first when needed */
void rig_disconnect(struct rig *r);
void rig_end(struct rig *r);

#define RIG_ARGS(...)                                                          \
	(const struct str[]){ __VA_ARGS__ },                                   \
	    ARRAY_LEN(((const struct str[]){ __VA_ARGS__ }))

/* One command, one script, with the prefix in front of the key. */
int rig_run(struct rig *r, const char *command, const char *key,
	    const struct str *args, size_t n);
int rig_script(struct rig *r, enum rig_script which, const char *key,
	       const struct str *args, size_t n);
int rig_get(struct rig *r, const char *key); /* r->reply has it */
int rig_set(struct rig *r, const char *key, const char *value);

TCase *redis_option_cases(void);
TCase *redis_fault_cases(void);
TCase *redis_sentinel_cases(void);
TCase *redis_cluster_cases(void);
TCase *redis_tls_cases(void);

#endif
