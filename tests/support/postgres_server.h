/* SPDX-License-Identifier: MIT */
/*
 * A PostgreSQL server for a test: an empty cluster in its own folder, on a unix
 * socket there and a port of 127.0.0.1, without fsync. Every client may
 * connect as any role; only the role `scram`, which the test creates, needs its
 * password on the port.
 */
#ifndef TESTS_POSTGRES_SERVER_H
#define TESTS_POSTGRES_SERVER_H

#include "conf/option.h"
#include "tests/support/process.h"

struct test_postgres {
	char folder[64], data[80], log[80];
	int port;
	char conninfo[160]; /* for the socket, as the superuser */
	struct process process;
};

/* Sets the server and long time limits in the settings of a driver, which
 * borrow the text. */
void postgres_server_set(const struct option *options, void *conf,
			 const char *conninfo);

/* Runs initdb and starts the server; false: PostgreSQL is not installed. */
bool postgres_server_new(struct test_postgres *p) MUST_USE;
/* Removes the server; it may be stopped already. */
void postgres_server_free(struct test_postgres *p);

void postgres_server_start(struct test_postgres *p);
/* SIGQUIT stops the server at once, as after a crash; SIGINT ends transactions
 * first. */
void postgres_server_stop(struct test_postgres *p, int signal);

/* Executes statements as the superuser; aborts the case when one fails. */
void postgres_server_sql(const struct test_postgres *p, const char *sql);
/* Returns the first field of the first row, as text. */
void postgres_server_ask(const struct test_postgres *p, const char *sql,
			 char *out, size_t n);

#endif
