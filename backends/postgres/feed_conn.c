/* SPDX-License-Identifier: MIT */
/* Connects within a time limit that covers all hosts. libpq has none if it does
 * not block. */
#include "backends/postgres/conn_internal.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST_MAX 256

/* The place of one host in the comma-separated lists of a connection string. */
struct host_place {
	char host[HOST_MAX], hostaddr[HOST_MAX], port[HOST_MAX];
};

static const char *
host_value(const PQconninfoOption *given, const char *keyword)
{
	for (const PQconninfoOption *o = given; o->keyword != NULL; o++)
		if (strcmp(o->keyword, keyword) == 0)
			return o->val;
	return NULL;
}

static unsigned
count_parts(const char *list)
{
	unsigned n = 1;

	for (; list != NULL && *list != '\0'; list++)
		n += *list == ',';
	return n;
}

static unsigned
count_hosts(const PQconninfoOption *given)
{
	const unsigned hosts = count_parts(host_value(given, "host"));
	const unsigned addresses = count_parts(host_value(given, "hostaddr"));

	return hosts > addresses ? hosts : addresses;
}

/* Copies part i of a list; if the list has one part, it is for all. Returns
 * NULL if there is none: the default applies. */
static const char *
host_part(const PQconninfoOption *given, const char *keyword, unsigned i,
	  char out[HOST_MAX])
{
	const char *list = host_value(given, keyword);
	struct str rest, part = { .n = 0 };

	if (list == NULL)
		return NULL;
	rest = str_from(list);
	if (count_parts(list) == 1)
		i = 0;
	for (unsigned k = 0; k <= i; k++)
		if (!str_cut(&rest, ',', &part))
			return NULL;
	(void)snprintf(out, HOST_MAX, "%.*s", STR_ARG(part)); /* may be cut */
	return out;
}

static PGconn *
start(const struct postgres_server *s, const PQconninfoOption *given,
      unsigned host, struct host_place *p)
{
	static const char *const keywords[] = { "host", "hostaddr", "port" };
	char *const room[] = { p->host, p->hostaddr, p->port };
	struct postgres_keywords k = { .n = 0 };

	postgres_keywords_add_common(&k, s);
	postgres_keywords_add(&k, "target_session_attrs", "read-write");
	postgres_keywords_add_parsed(&k, given);
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
		const char *part = host_part(given, keywords[i], host, room[i]);

		if (part != NULL)
			postgres_keywords_add(&k, keywords[i], part);
	}
	postgres_keywords_add(&k, "client_encoding", "UTF8");
	return PQconnectStartParams(k.names, k.values, 0);
}

/* Returns false after a failure, and when no time is left. */
static bool
wait_for(const PGconn *conn, PostgresPollingStatusType need, int64_t ms)
{
	struct pollfd p = { .fd = PQsocket(conn),
			    .events = need == PGRES_POLLING_READING ? POLLIN :
								      POLLOUT };
	int n = 0;

	if (ms > 0)
		n = poll(&p, 1, ms < INT_MAX ? (int)ms : INT_MAX);
	return n > 0 || (n < 0 && errno == EINTR);
}

/* Connects to one host. */
static int
connect_host(struct postgres_server *s, PGconn *conn, int64_t ms,
	     struct postgres_conn **out, struct err *err)
{
	const int64_t until_ms = env_mono_ms(s->env) + ms;
	PostgresPollingStatusType need = PGRES_POLLING_WRITING;
	struct postgres_conn *pg = postgres_conn_new(s, conn, ms);
	bool in_time = true;
	int rc;

	if (pg == NULL)
		return err_nomem(err);
	while (PQstatus(conn) != CONNECTION_BAD && need != PGRES_POLLING_OK &&
	       need != PGRES_POLLING_FAILED && in_time) {
		in_time = wait_for(conn, need, until_ms - env_mono_ms(s->env));
		if (in_time)
			need = PQconnectPoll(conn);
	}
	if (in_time)
		rc = postgres_conn_check(pg, err);
	else
		rc = err_set(err, ERR_UNAVAILABLE,
			     "no connection to %s within %lld ms",
			     PQhost(conn) != NULL ? PQhost(conn) : "the server",
			     (long long)ms);
	if (rc == 0)
		*out = pg;
	else
		postgres_disconnect(pg);
	return rc;
}

int
postgres_connect_within(struct postgres_server *s,
			const PQconninfoOption *given, int64_t ms,
			struct postgres_conn **out, struct err *err)
{
	const int64_t until_ms = env_mono_ms(s->env) + ms;
	const unsigned hosts = count_hosts(given);
	const unsigned first = atomic_load(&s->host);
	struct host_place p;

	for (unsigned i = 0; i < hosts; i++) {
		const int64_t left_ms = until_ms - env_mono_ms(s->env);
		const unsigned host = (first + i) % hosts;

		if (connect_host(s, start(s, given, host, &p),
				 left_ms / (hosts - i), out, err) == 0) {
			atomic_store(&s->host, host);
			return 0;
		}
	}
	return -1;
}
