/* SPDX-License-Identifier: MIT */
/* Executes statements and transactions on a Postgres connection, each with a
 * deadline. */
#include "backends/postgres/conn_internal.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

/* How many times an operation is tried at most, if there are conflicts. */
#define TRIES_MAX 30

static int
wait_socket(const struct postgres_conn *pg, short events, struct err *err)
{
	int64_t left = pg->until_ms - env_mono_ms(pg->server->env);
	struct pollfd p = { .fd = PQsocket(pg->conn), .events = events };
	int n = 0;

	if (left > 0)
		n = poll(&p, 1, left < INT_MAX ? (int)left : INT_MAX);
	if (n > 0 || (n < 0 && errno == EINTR))
		return 0;
	if (n < 0)
		return err_set(err, ERR_UNAVAILABLE, "poll: %s",
			       strerror(errno));
	if (pg->limit_ms % 1000 != 0)
		return err_set(err, ERR_UNAVAILABLE, "no answer within %lld ms",
			       (long long)pg->limit_ms);
	return err_set(err, ERR_UNAVAILABLE, "no answer within %lld s",
		       (long long)(pg->limit_ms / 1000));
}

static int
query_send_all(const struct postgres_conn *pg, struct err *err)
{
	int left;

	for (;;) {
		left = PQflush(pg->conn);
		if (left == 0)
			return 0;
		if (left < 0)
			return postgres_lost(pg, err);
		if (wait_socket(pg, POLLIN | POLLOUT, err) != 0)
			return -1;
		if (PQconsumeInput(pg->conn) == 0)
			return postgres_lost(pg, err);
	}
}

static int
next_result(const struct postgres_conn *pg, PGresult **out, struct err *err)
{
	while (PQisBusy(pg->conn) != 0) {
		if (wait_socket(pg, POLLIN, err) != 0)
			return -1;
		if (PQconsumeInput(pg->conn) == 0)
			return postgres_lost(pg, err);
	}
	*out = PQgetResult(pg->conn);
	return 0;
}

static bool
is_good(const PGresult *r)
{
	ExecStatusType status = PQresultStatus(r);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ||
	       status == PGRES_EMPTY_QUERY;
}

/* Reads all results; *out is the last one, unless one is a failure: then the
 * first failure counts. */
static int
query_collect(struct postgres_conn *pg, PGresult **out, struct err *err)
{
	PGresult *kept = NULL, *r = NULL;
	int result;

	for (;;) {
		result = next_result(pg, &r, err);
		if (result != 0 || r == NULL)
			break;
		if (kept == NULL || is_good(kept)) {
			PQclear(kept);
			kept = r;
		} else {
			PQclear(r);
		}
		/* A COPY, or a status of a later libpq, has no end. */
		if (!is_good(kept) && PQresultStatus(kept) != PGRES_FATAL_ERROR)
			break;
	}
	if (result == 0 && is_good(kept)) {
		*out = kept;
		return 0;
	}
	if (result == 0)
		result = postgres_fail(pg, kept, err);
	PQclear(kept);
	return result;
}

void
postgres_begin(struct postgres_conn *pg)
{
	pg->conflict = false;
	pg->state[0] = '\0';
	pg->until_ms = env_mono_ms(pg->server->env) + pg->limit_ms;
}

int
postgres_finish(struct postgres_conn *pg, int sent, PGresult **out,
		struct err *err)
{
	if (sent == 0)
		return postgres_lost(pg, err);
	if (query_send_all(pg, err) != 0)
		return -1;
	return query_collect(pg, out, err);
}

/* The arguments in binary. */
struct bound {
	Oid types[POSTGRES_ARGS_MAX];
	const char *values[POSTGRES_ARGS_MAX];
	int lengths[POSTGRES_ARGS_MAX], formats[POSTGRES_ARGS_MAX];
	uint64_t numbers[POSTGRES_ARGS_MAX];
};

static void
query_bind(struct bound *b, size_t at, const struct postgres_arg *arg)
{
	assert(arg->bytes.n <= INT_MAX);
	b->formats[at] = 1; /* binary */
	b->lengths[at] = (int)arg->bytes.n;
	b->values[at] = arg->bytes.p;
	switch (arg->type) {
	case POSTGRES_ARG_INT:
		b->types[at] = TYPE_INT8;
		b->numbers[at] = htobe64((uint64_t)arg->number);
		b->lengths[at] = sizeof(b->numbers[at]);
		b->values[at] = (const char *)&b->numbers[at];
		break;
	case POSTGRES_ARG_TEXT:
		b->types[at] = TYPE_TEXT;
		if (arg->bytes.p == NULL)
			b->values[at] = "";
		break;
	case POSTGRES_ARG_BYTES:
		b->types[at] = TYPE_BYTEA;
		break;
	}
}

/* Executes a statement. If args is NULL, the simple protocol is used, which
 * allows several statements. */
static int
query_run(struct postgres_conn *pg, const char *sql,
	  const struct postgres_arg *args, size_t nargs, PGresult **out,
	  struct err *err)
{
	struct bound b;

	assert(nargs <= POSTGRES_ARGS_MAX);
	if (args == NULL) {
		postgres_begin(pg);
		return postgres_finish(pg, PQsendQuery(pg->conn, sql), out,
				       err);
	}
	for (size_t i = 0; i < nargs; i++)
		query_bind(&b, i, &args[i]);
	return postgres_run_bound(pg, sql,
				  &(struct postgres_bound){
				      .n = (int)nargs,
				      .types = b.types,
				      .values = b.values,
				      .lengths = b.lengths,
				      .formats = b.formats,
				      .result = 1,
				  },
				  out, err);
}

static void
set_deadline(struct postgres_conn *pg)
{
	pg->deadline_ms = env_mono_ms(pg->server->env) + pg->limit_ms;
}

/* Random back-off, so that conflicting transactions do not collide again. */
static bool
query_try_again(const struct postgres_conn *pg, unsigned before)
{
	unsigned range = 4U << (before < 5 ? before : 5);
	unsigned char random = 0;

	if (!pg->conflict || before >= TRIES_MAX)
		return false;
	if (env_random(pg->server->env, &random, sizeof(random)) != 0)
		return false;
	(void)poll(NULL, 0, 1 + (int)(random % range)); /* may end early */
	return env_mono_ms(pg->server->env) < pg->deadline_ms;
}

static int
run_until(struct postgres_conn *pg, const char *sql,
	  const struct postgres_arg *args, size_t nargs, PGresult **out,
	  struct err *err)
{
	int result;

	if (pg->in_transaction &&
	    env_mono_ms(pg->server->env) >= pg->deadline_ms)
		return err_set(err, ERR_BUSY, "no time is left");
	if (pg->in_transaction)
		return query_run(pg, sql, args, nargs, out, err);
	set_deadline(pg);
	for (unsigned i = 0;; i++) {
		result = query_run(pg, sql, args, nargs, out, err);
		if (result == 0 || !query_try_again(pg, i))
			return result;
	}
}

/* No arguments; not NULL, which would mean the simple protocol. */
static const struct postgres_arg no_args[1];

int
postgres_query(struct postgres_conn *pg, const char *sql,
	       const struct postgres_arg *args, size_t nargs, PGresult **out,
	       struct err *err)
{
	PGresult *r;

	if (run_until(pg, sql, nargs > 0 ? args : no_args, nargs, &r, err) != 0)
		return -1;
	if (PQresultStatus(r) != PGRES_TUPLES_OK) {
		PQclear(r);
		return err_set(err, ERR_CONFIG,
			       "the statement returns no rows");
	}
	*out = r;
	return 0;
}

int
postgres_change(struct postgres_conn *pg, const char *sql,
		const struct postgres_arg *args, size_t nargs, int64_t *changed,
		struct err *err)
{
	int64_t n = 0;
	PGresult *r;

	if (run_until(pg, sql, nargs > 0 ? args : no_args, nargs, &r, err) != 0)
		return -1;
	/* Empty for a statement that does not count rows. */
	(void)str_to_uint(str_from(PQcmdTuples(r)), INT64_MAX, &n);
	PQclear(r);
	*changed = n;
	return 0;
}

int
postgres_numbers(struct postgres_conn *pg, const char *sql,
		 const struct postgres_arg *args, size_t nargs,
		 struct postgres_numbers *out, struct err *err)
{
	struct postgres_numbers is = { .row = false };
	int n, result = 0;
	PGresult *r;

	if (postgres_query(pg, sql, args, nargs, &r, err) != 0)
		return -1;
	is.row = PQntuples(r) > 0;
	n = is.row ? PQnfields(r) : 0;
	assert(n <= POSTGRES_NUMBERS_MAX);
	for (int i = 0; i < n && result == 0; i++)
		result = postgres_get_int(r, 0, i, &is.v[i], err);
	PQclear(r);
	if (result == 0)
		*out = is;
	return result;
}

int
postgres_text(struct postgres_conn *pg, const char *sql,
	      const char *const *values, size_t n, PGresult **out,
	      struct err *err)
{
	int result;

	assert(!pg->in_transaction);
	set_deadline(pg);
	for (unsigned i = 0;; i++) {
		result = postgres_run_bound(pg, sql,
					    &(struct postgres_bound){
						.n = (int)n, .values = values },
					    out, err);
		if (result == 0 || !query_try_again(pg, i))
			return result;
	}
}

int
postgres_script(struct postgres_conn *pg, const char *sql, struct err *err)
{
	PGresult *r;

	if (run_until(pg, sql, NULL, 0, &r, err) != 0)
		return -1;
	PQclear(r);
	return 0;
}

static int
commit(struct postgres_conn *pg, struct err *err)
{
	bool committed;
	PGresult *r;

	if (query_run(pg, "COMMIT", no_args, 0, &r, err) != 0)
		return -1;
	/* The status is ROLLBACK if a statement has failed before. */
	committed = strcmp(PQcmdStatus(r), "COMMIT") == 0;
	PQclear(r);
	return committed ? 0 : err_set(err, ERR_INTERNAL, "not committed");
}

/* Rolls back. If that fails, the connection must be closed, which ends the
 * transaction as well. */
static void
query_roll_back(struct postgres_conn *pg, struct err *err)
{
	PGTransactionStatusType status = PQtransactionStatus(pg->conn);
	struct err ignored;
	PGresult *r;

	if (status == PQTRANS_IDLE)
		return;
	if (status != PQTRANS_INTRANS && status != PQTRANS_INERROR) {
		err->code = ERR_UNAVAILABLE;
		return;
	}
	if (query_run(pg, "ROLLBACK", no_args, 0, &r, &ignored) == 0)
		PQclear(r);
	else
		err->code = ERR_UNAVAILABLE;
}

static int
transact(struct postgres_conn *pg,
	 int (*fn)(struct postgres_conn *pg, void *ctx, struct err *err),
	 void *ctx, struct err *err)
{
	bool conflict;
	char state[sizeof(pg->state)];
	PGresult *r;

	if (query_run(pg, "BEGIN", no_args, 0, &r, err) != 0)
		return -1;
	PQclear(r);
	if (fn(pg, ctx, err) == 0 && commit(pg, err) == 0)
		return 0;
	conflict = pg->conflict;
	memcpy(state, pg->state, sizeof(state));
	query_roll_back(pg, err);
	pg->conflict = conflict && err->code != ERR_UNAVAILABLE;
	memcpy(pg->state, state, sizeof(state));
	return -1;
}

int
postgres_transaction(struct postgres_conn *pg,
		     int (*fn)(struct postgres_conn *pg, void *ctx,
			       struct err *err),
		     void *ctx, struct err *err)
{
	int result;

	assert(!pg->in_transaction);
	set_deadline(pg);
	pg->in_transaction = true;
	for (unsigned i = 0;; i++) {
		result = transact(pg, fn, ctx, err);
		if (result == 0 || !query_try_again(pg, i))
			break;
	}
	pg->in_transaction = false;
	return result;
}

/* Reads what the server has sent without a statement, and returns whether it
 * has ended the connection; it may also have sent a notice. */
static bool
has_ended(struct postgres_conn *pg)
{
	struct pollfd p = { .fd = PQsocket(pg->conn), .events = POLLIN };

	while (!pg->dying && PQstatus(pg->conn) == CONNECTION_OK &&
	       poll(&p, 1, 0) > 0) {
		if (PQconsumeInput(pg->conn) == 0)
			return true;
		(void)PQisBusy(pg->conn); /* parses what was received */
	}
	return pg->dying || PQstatus(pg->conn) != CONNECTION_OK;
}

bool
postgres_is_lost(void *conn, bool ask)
{
	struct postgres_conn *pg = conn;
	struct err why;
	PGresult *r;

	if (has_ended(pg) || postgres_feed_has_moved(pg))
		return true;
	if (!ask)
		return false;
	if (query_run(pg, "SELECT 1", no_args, 0, &r, &why) != 0)
		return why.code == ERR_UNAVAILABLE;
	PQclear(r);
	return false;
}

struct description {
	const char *sql;
	int params;
};

static int
describe(struct postgres_conn *pg, void *ctx, struct err *err)
{
	struct description *d = ctx;
	PGresult *r;

	postgres_begin(pg);
	if (postgres_finish(pg, PQsendPrepare(pg->conn, "", d->sql, 0, NULL),
			    &r, err) != 0)
		return -1;
	PQclear(r);
	if (postgres_finish(pg, PQsendDescribePrepared(pg->conn, ""), &r,
			    err) != 0)
		return -1;
	d->params = PQnparams(r);
	PQclear(r);
	return 0;
}

/* Needs two round trips, so it uses a transaction: behind a pooler both then
 * reach the same server. */
int
postgres_count_params(struct postgres_conn *pg, const char *sql, int *n,
		      struct err *err)
{
	struct description d = { .sql = sql };

	if (postgres_transaction(pg, describe, &d, err) != 0)
		return -1;
	*n = d.params;
	return 0;
}
