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
#define TRIES_MAX 12

static int
wait_socket(const struct postgres_link *l, short events, struct err *err)
{
	int64_t left = l->until_ms - env_mono_ms(l->server->env);
	struct pollfd p = { .fd = PQsocket(l->conn), .events = events };
	int n = 0;

	if (left > 0)
		n = poll(&p, 1, left < INT_MAX ? (int)left : INT_MAX);
	if (n > 0 || (n < 0 && errno == EINTR))
		return 0;
	if (n < 0)
		return err_set(err, ERR_UNAVAILABLE, "poll: %s",
			       strerror(errno));
	return err_set(err, ERR_UNAVAILABLE, "no answer within %lld s",
		       (long long)(l->limit_ms / 1000));
}

static int
send_all(const struct postgres_link *l, struct err *err)
{
	int left;

	for (;;) {
		left = PQflush(l->conn);
		if (left == 0)
			return 0;
		if (left < 0)
			return postgres_lost(l, err);
		if (wait_socket(l, POLLIN | POLLOUT, err) != 0)
			return -1;
		if (PQconsumeInput(l->conn) == 0)
			return postgres_lost(l, err);
	}
}

static int
next_result(const struct postgres_link *l, PGresult **out, struct err *err)
{
	while (PQisBusy(l->conn) != 0) {
		if (wait_socket(l, POLLIN, err) != 0)
			return -1;
		if (PQconsumeInput(l->conn) == 0)
			return postgres_lost(l, err);
	}
	*out = PQgetResult(l->conn);
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
collect(struct postgres_link *l, PGresult **out, struct err *err)
{
	PGresult *kept = NULL, *r = NULL;
	int result;

	for (;;) {
		result = next_result(l, &r, err);
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
		result = postgres_fail(l, kept, err);
	PQclear(kept);
	return result;
}

/* Must be called before every statement.  The wait is as long as the server
 * takes to cancel the statement, however late it begins: a statement that waits
 * for a lock does not mean that the server is gone. */
static void
begin(struct postgres_link *l)
{
	l->conflict = false;
	l->state[0] = '\0';
	l->until_ms = env_mono_ms(l->server->env) + l->limit_ms;
}

/* Waits for the result of a statement; `sent` is the result of the libpq
 * function that has sent it. */
static int
finish(struct postgres_link *l, int sent, PGresult **out, struct err *err)
{
	if (sent == 0)
		return postgres_lost(l, err);
	if (send_all(l, err) != 0)
		return -1;
	return collect(l, out, err);
}

/* The arguments in the form that libpq needs. */
struct bound {
	Oid types[POSTGRES_ARGS_MAX];
	const char *values[POSTGRES_ARGS_MAX];
	int lengths[POSTGRES_ARGS_MAX], formats[POSTGRES_ARGS_MAX];
	uint64_t numbers[POSTGRES_ARGS_MAX];
};

static void
bind(struct bound *b, size_t at, const struct postgres_arg *arg)
{
	assert(arg->bytes.n <= INT_MAX);
	b->formats[at] = 1; /* binary */
	b->lengths[at] = (int)arg->bytes.n;
	b->values[at] = arg->bytes.p;
	switch (arg->type) {
	case POSTGRES_ARG_INT:
		b->types[at] = 20; /* int8 */
		b->numbers[at] = htobe64((uint64_t)arg->number);
		b->lengths[at] = sizeof(b->numbers[at]);
		b->values[at] = (const char *)&b->numbers[at];
		break;
	case POSTGRES_ARG_TEXT:
		b->types[at] = 25; /* text */
		if (arg->bytes.p == NULL)
			b->values[at] = "";
		break;
	case POSTGRES_ARG_BYTES:
		b->types[at] = 17; /* bytea */
		break;
	}
}

/* Executes a statement.  If args is NULL, the simple protocol is used, which
 * allows several statements. */
static int
run(struct postgres_link *l, const char *sql, const struct postgres_arg *args,
    size_t nargs, PGresult **out, struct err *err)
{
	struct bound b;
	int sent;

	assert(nargs <= POSTGRES_ARGS_MAX);
	begin(l);
	for (size_t i = 0; i < nargs; i++)
		bind(&b, i, &args[i]);
	if (args == NULL)
		sent = PQsendQuery(l->conn, sql);
	else
		sent = PQsendQueryParams(l->conn, sql, (int)nargs, b.types,
					 b.values, b.lengths, b.formats, 1);
	return finish(l, sent, out, err);
}

static void
set_deadline(struct postgres_link *l)
{
	l->deadline_ms = env_mono_ms(l->server->env) + l->limit_ms;
}

/* Random back-off, so that conflicting transactions do not collide again. */
static bool
try_again(const struct postgres_link *l, unsigned before)
{
	unsigned range = 4U << (before < 5 ? before : 5);
	unsigned char random = 0;

	if (!l->conflict || before >= TRIES_MAX)
		return false;
	if (env_random(l->server->env, &random, sizeof(random)) != 0)
		return false;
	(void)poll(NULL, 0, 1 + (int)(random % range)); /* may end early */
	return env_mono_ms(l->server->env) < l->deadline_ms;
}

static int
run_until(struct postgres_link *l, const char *sql,
	  const struct postgres_arg *args, size_t nargs, PGresult **out,
	  struct err *err)
{
	int result;

	if (l->in_transaction && env_mono_ms(l->server->env) >= l->deadline_ms)
		return err_set(err, ERR_BUSY, "no time is left");
	if (l->in_transaction)
		return run(l, sql, args, nargs, out, err);
	set_deadline(l);
	for (unsigned i = 0;; i++) {
		result = run(l, sql, args, nargs, out, err);
		if (result == 0 || !try_again(l, i))
			return result;
	}
}

/* No arguments; not NULL, which would mean the simple protocol. */
static const struct postgres_arg no_args[1];

int
postgres_query(struct postgres_link *l, const char *sql,
	       const struct postgres_arg *args, size_t nargs, PGresult **out,
	       struct err *err)
{
	PGresult *r;

	if (run_until(l, sql, nargs > 0 ? args : no_args, nargs, &r, err) != 0)
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
postgres_change(struct postgres_link *l, const char *sql,
		const struct postgres_arg *args, size_t nargs, int64_t *changed,
		struct err *err)
{
	int64_t n = 0;
	PGresult *r;

	if (run_until(l, sql, nargs > 0 ? args : no_args, nargs, &r, err) != 0)
		return -1;
	/* Empty for a statement that does not count rows. */
	(void)str_to_uint(str_from(PQcmdTuples(r)), INT64_MAX, &n);
	PQclear(r);
	*changed = n;
	return 0;
}

int
postgres_text(struct postgres_link *l, const char *sql,
	      const char *const *values, size_t n, PGresult **out,
	      struct err *err)
{
	int result;

	assert(!l->in_transaction);
	set_deadline(l);
	for (unsigned i = 0;; i++) {
		begin(l);
		result = finish(l,
				PQsendQueryParams(l->conn, sql, (int)n, NULL,
						  values, NULL, NULL, 0),
				out, err);
		if (result == 0 || !try_again(l, i))
			return result;
	}
}

int
postgres_script(struct postgres_link *l, const char *sql, struct err *err)
{
	PGresult *r;

	if (run_until(l, sql, NULL, 0, &r, err) != 0)
		return -1;
	PQclear(r);
	return 0;
}

static int
commit(struct postgres_link *l, struct err *err)
{
	bool committed;
	PGresult *r;

	if (run(l, "COMMIT", no_args, 0, &r, err) != 0)
		return -1;
	/* The status is ROLLBACK if a statement has failed before. */
	committed = strcmp(PQcmdStatus(r), "COMMIT") == 0;
	PQclear(r);
	return committed ? 0 : err_set(err, ERR_INTERNAL, "not committed");
}

/* Rolls back.  If that fails, the connection must be closed, which ends the
 * transaction as well. */
static void
roll_back(struct postgres_link *l, struct err *err)
{
	PGTransactionStatusType status = PQtransactionStatus(l->conn);
	struct err ignored;
	PGresult *r;

	if (status == PQTRANS_IDLE)
		return;
	if (status != PQTRANS_INTRANS && status != PQTRANS_INERROR) {
		err->code = ERR_UNAVAILABLE;
		return;
	}
	if (run(l, "ROLLBACK", no_args, 0, &r, &ignored) == 0)
		PQclear(r);
	else
		err->code = ERR_UNAVAILABLE;
}

static int
transact(struct postgres_link *l,
	 int (*fn)(struct postgres_link *l, void *ctx, struct err *err),
	 void *ctx, struct err *err)
{
	bool conflict;
	char state[sizeof(l->state)];
	PGresult *r;

	if (run(l, "BEGIN", no_args, 0, &r, err) != 0)
		return -1;
	PQclear(r);
	if (fn(l, ctx, err) == 0 && commit(l, err) == 0)
		return 0;
	conflict = l->conflict;
	memcpy(state, l->state, sizeof(state));
	roll_back(l, err);
	l->conflict = conflict && err->code != ERR_UNAVAILABLE;
	memcpy(l->state, state, sizeof(state));
	return -1;
}

int
postgres_transaction(struct postgres_link *l,
		     int (*fn)(struct postgres_link *l, void *ctx,
			       struct err *err),
		     void *ctx, struct err *err)
{
	int result;

	assert(!l->in_transaction);
	set_deadline(l);
	l->in_transaction = true;
	for (unsigned i = 0;; i++) {
		result = transact(l, fn, ctx, err);
		if (result == 0 || !try_again(l, i))
			break;
	}
	l->in_transaction = false;
	return result;
}

/* Reads what the server has sent without a statement, and returns whether it
 * has ended the connection; it may also have sent a notice. */
static bool
has_ended(struct postgres_link *l)
{
	struct pollfd p = { .fd = PQsocket(l->conn), .events = POLLIN };

	while (!l->dying && PQstatus(l->conn) == CONNECTION_OK &&
	       poll(&p, 1, 0) > 0) {
		if (PQconsumeInput(l->conn) == 0)
			return true;
		(void)PQisBusy(l->conn); /* reads what has come */
	}
	return l->dying || PQstatus(l->conn) != CONNECTION_OK;
}

bool
postgres_is_lost(void *conn, bool ask)
{
	struct postgres_link *l = conn;
	struct err why;
	PGresult *r;

	if (has_ended(l))
		return true;
	if (!ask)
		return false;
	if (run(l, "SELECT 1", no_args, 0, &r, &why) != 0)
		return why.code == ERR_UNAVAILABLE;
	PQclear(r);
	return false;
}

struct description {
	const char *sql;
	int params;
};

static int
describe(struct postgres_link *l, void *ctx, struct err *err)
{
	struct description *d = ctx;
	PGresult *r;

	begin(l);
	if (finish(l, PQsendPrepare(l->conn, "", d->sql, 0, NULL), &r, err) !=
	    0)
		return -1;
	PQclear(r);
	if (finish(l, PQsendDescribePrepared(l->conn, ""), &r, err) != 0)
		return -1;
	d->params = PQnparams(r);
	PQclear(r);
	return 0;
}

/* Needs two round trips, so it uses a transaction: behind a pooler both then
 * reach the same server. */
int
postgres_count_params(struct postgres_link *l, const char *sql, int *n,
		      struct err *err)
{
	struct description d = { .sql = sql };

	if (postgres_transaction(l, describe, &d, err) != 0)
		return -1;
	*n = d.params;
	return 0;
}
