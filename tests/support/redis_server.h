/* SPDX-License-Identifier: MIT */
/*
 * Redis servers, sentinels and clusters for a test, in their own folders,
 * without persistence. Each function aborts on failure.
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
	TEST_REDIS_TCP = 1 << 0, /* on a port, in addition to the socket */
	/* Cluster mode, but not yet part of a cluster. */
	TEST_REDIS_CLUSTER = 1 << 1,
	TEST_REDIS_SENTINEL = 1 << 2,
};

/* Returns false when the program is not installed; the test must then be
 * skipped. */
bool test_redis_here(void);

/* Starts a server; `lines` are added to its configuration; NULL: none. */
void test_redis_start(struct test_redis *r, unsigned flags, const char *lines);
/* Starts the server again after test_redis_stop(), with the same options; its
 * data is lost. */
void test_redis_again(struct test_redis *r);
void test_redis_stop(struct test_redis *r, int signal);
void test_redis_end(struct test_redis *r); /* also removes the folder */

/* Sends a command, words separated by blanks; the reply must not be an
 * error. */
void test_redis_do(const struct test_redis *r, const char *command);
/* The same; returns the reply, which may be an error and which the caller must
 * free with freeReplyObject(). */
redisReply *test_redis_ask(const struct test_redis *r, const char *command);
/* Repeats the command until the text of the reply contains this text. */
void test_redis_until(const struct test_redis *r, const char *command,
		      const char *text);

/* Starts a replica of `master` and waits until it is in sync. */
void test_redis_replica(struct test_redis *r, const struct test_redis *master,
			const char *lines);
/* Starts a single sentinel, which monitors `master` under the name "mymaster"
 * and fails over within one or two seconds. */
void test_redis_sentinel(struct test_redis *r, const struct test_redis *master,
			 const char *lines);

#define TEST_CLUSTER_MAX 6

struct test_cluster {
	struct test_redis nodes[TEST_CLUSTER_MAX]; /* masters first */
	size_t masters, n;
};

/* Starts a cluster with the slots in equal parts; the first `replicas` masters
 * have a replica. */
void test_cluster_start(struct test_cluster *c, size_t masters, size_t replicas,
			const char *lines);
void test_cluster_end(struct test_cluster *c);
/* Returns the identifier of the node in the cluster. */
void test_cluster_id(const struct test_redis *r, char id[41]);

#endif
