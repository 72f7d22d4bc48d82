/* SPDX-License-Identifier: MIT */
/*
 * A PostgreSQL server of the test: an empty cluster in a folder of its own, on
 * a unix socket there and a port of 127.0.0.1, without fsync.  Everybody may
 * connect as anybody; only the role `scram`, which the test creates, needs its
 * password at the port.
 */
#ifndef TESTS_POSTGRES_SERVER_H
#define TESTS_POSTGRES_SERVER_H

#include "tests/support/process.h"

struct test_postgres {
	char folder[64], data[80], log[80];
	int port;
	char conninfo[160]; /* by the socket, as the superuser */
	struct process process;
};

/* initdb and first start; false: PostgreSQL is not installed. */
bool postgres_server_new(struct test_postgres *p) MUST_USE;
/* Also when it is stopped. */
void postgres_server_free(struct test_postgres *p);

void postgres_server_start(struct test_postgres *p);
/* At once, as after a crash: SIGQUIT; SIGINT ends transactions first. */
void postgres_server_stop(struct test_postgres *p, int signal);

/* Statements of the superuser; aborts the case when one fails. */
void postgres_server_sql(const struct test_postgres *p, const char *sql);
/* The first field of the first row, as text. */
void postgres_server_ask(const struct test_postgres *p, const char *sql,
			 char *out, size_t n);

#endif
