/* SPDX-License-Identifier: MIT */
/* A connection to Redis, for the cases of test_redis.c. */
#ifndef CONTRACT_REDIS_FIXTURE_H
#define CONTRACT_REDIS_FIXTURE_H

#include "backends/redis/client/conn.h"

#include "base/log.h"
#include "tests/contract/expect.h"
#include "tests/support/redis_server.h"

struct fixture {
	const char *name; /* for expect.h */
	struct env env;
	struct redis_conf conf;
	void *server, *conn; /* NULL: not open, not connected */
	redisReply *reply; /* of the last fixture_run() */
	struct err err;
};

enum fixture_script {
	SCRIPT_ECHO,
	SCRIPT_SET,
	SCRIPT_BROKEN,
	SCRIPT_BOTH,
	SCRIPT_N
};

/* Sets the defaults and the URL, which is borrowed. */
void fixture_init(struct fixture *r, const char *url);
int fixture_open(struct fixture *r);
int fixture_connect(struct fixture *r); /* opens it first if necessary */
void fixture_disconnect(struct fixture *r);
void fixture_end(struct fixture *r);

#define FIXTURE_ARGS(...)                                                      \
	(const struct str[]){ __VA_ARGS__ },                                   \
	    ARRAY_LEN(((const struct str[]){ __VA_ARGS__ }))

/* Run one command or one script on a key, to which they add the prefix. */
int fixture_run(struct fixture *r, const char *command, const char *key,
		const struct str *args, size_t n);
int fixture_script(struct fixture *r, enum fixture_script which,
		   const char *key, const struct str *args, size_t n);
int fixture_get(struct fixture *r, const char *key); /* sets r->reply */
int fixture_set(struct fixture *r, const char *key, const char *value);

TCase *redis_option_cases(void);
TCase *redis_fault_cases(void);
TCase *redis_sentinel_cases(void);
TCase *redis_cluster_cases(void);
TCase *redis_tls_cases(void);
TCase *redis_watch_cases(void);
TCase *redis_watch_ha_cases(void);

#endif
