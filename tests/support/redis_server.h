/* SPDX-License-Identifier: MIT */
/*
 * Redis servers, sentinels and clusters of a test's own, in folders of their
 * own, without disk.  Each call aborts when it cannot.
 */
#ifndef TESTS_REDIS_SERVER_H
#define TESTS_REDIS_SERVER_H

#include "base/base.h"
#include "tests/support/process.h"

#include <hiredis/hiredis.h>

struct test_redis {
	struct process process;
	char folder[64], socket[80];
	char conf[80], log[80], program[256];
	int port, bus; /* 0: none */
	const char *password; /* for test_redis_do(); NULL: none */
	char url[128]; /* redis://127.0.0.1:PORT or unix://SOCKET */
};

enum test_redis_flags {
	TEST_REDIS_TCP = 1 << 0, /* on a port, besides the socket */
	TEST_REDIS_CLUSTER = 1 << 1, /* not joined to any yet */
	TEST_REDIS_SENTINEL = 1 << 2,
};

/* False: there is no such program here, skip. */
bool test_redis_here(void);

/* `lines` are added to its configuration; NULL: none. */
void test_redis_start(struct test_redis *r, unsigned flags, const char *lines);
/* As it was started first, after test_redis_stop(); data is gone. */
void test_redis_again(struct test_redis *r);
void test_redis_stop(struct test_redis *r, int signal);
void test_redis_end(struct test_redis *r); /* and the folder */

/* A command from outside, words between blanks; its answer is no error. */
void test_redis_do(const struct test_redis *r, const char *command);
/* The same; the answer is the caller's, by freeReplyObject(); it may be an
 * error. */
redisReply *test_redis_ask(const struct test_redis *r, const char *command);
/* Asks until the text of the answer holds this. */
void test_redis_until(const struct test_redis *r, const char *command,
		      const char *text);

/* A replica of `master`, in sync. */
void test_redis_replica(struct test_redis *r, const struct test_redis *master,
			const char *lines);
/* Watches `master` under the name "mymaster", alone; fails over in a second
 * or two. */
void test_redis_sentinel(struct test_redis *r, const struct test_redis *master,
			 const char *lines);

#define TEST_CLUSTER_MAX 6

struct test_cluster {
	struct test_redis nodes[TEST_CLUSTER_MAX]; /* the masters first */
	size_t masters, n;
};

/* Slots in equal parts; `replicas` of the first masters. */
void test_cluster_start(struct test_cluster *c, size_t masters, size_t replicas,
			const char *lines);
void test_cluster_end(struct test_cluster *c);
/* Its identifier in the cluster. */
void test_cluster_id(const struct test_redis *r, char id[41]);

#endif
