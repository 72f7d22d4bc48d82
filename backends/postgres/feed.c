/* SPDX-License-Identifier: MIT */
/*
 * The change feed of the Postgres store. sql/feed.sql has the triggers that
 * send the notifications.
 *
 * A server sends a notification to a listening connection after the commit, and
 * signals the process of that connection before it acknowledges the commit.
 * That process delivers all notifications before it is ready for the next
 * statement. So the answer to any statement that was sent after the
 * acknowledgement comes after the notification.
 */
#include "strategy/feed.h"
#include "backends/postgres/conn_internal.h"
#include "backends/postgres/store_internal.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"

#define CHANNEL	  "fcgiauth"
#define STATE_MAX 320
#define NONCE_MAX (1 + HEX_LEN(16))
#define SECTION	  "[cache] feed_conninfo"

/* The triggers of feed.sql that fire, also if session_replication_role is
 * replica. A change of a table, a trigger or a function is a change of one of
 * the numbers in `state`: xmin is the transaction that wrote the row. */
#define TRIGGERS                                                               \
	" FROM pg_catalog.pg_trigger AS t"                                     \
	" JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid"                    \
	" WHERE t.tgenabled = 'A' AND t.tgrelid = ANY (ARRAY["                 \
	"pg_catalog.to_regclass('fcgiauth.sessions')::oid,"                    \
	" pg_catalog.to_regclass('fcgiauth.denials')::oid])"                   \
	" AND t.tgname IN ('feed_deleted', 'feed_replicated', 'feed_updated'," \
	" 'feed_truncated', 'feed_denied')"
#define TRIGGERS_N "5"

const char postgres_feed_probe[] =
    "SELECT 1 WHERE (SELECT count(*)" TRIGGERS ") = " TRIGGERS_N;

const char postgres_feed_proof[] =
    "SELECT pg_catalog.pg_is_in_recovery(),"
    " ARRAY(SELECT pg_catalog.pg_listening_channels())"
    " @> ARRAY['" CHANNEL "'], count(*) = " TRIGGERS_N ","
    " pg_catalog.pg_backend_pid(),"
    " COALESCE(pg_catalog.string_agg(pg_catalog.concat_ws('/', t.tgrelid,"
    " t.oid, t.xmin, p.oid, p.xmin), ',' ORDER BY t.tgname), '')" TRIGGERS;

struct postgres_feed {
	struct postgres_conn *pg;
	const struct change_sink *sink;
	int wake;
	char state[STATE_MAX]; /* of the triggers; empty before a proof */
	int64_t pid; /* the process of the server, as the proof found it */
	char nonce[NONCE_MAX + 1]; /* sent when the feed was opened */
	bool delivered; /* the nonce has arrived */
	int64_t key; /* of its lock; 0: not taken yet */
};

static void
feed_tell(const struct postgres_feed *f, enum change_kind kind,
	  const struct session_id *session, struct str user)
{
	struct change change = { .kind = kind, .user = user };

	if (session != NULL)
		change.session = *session;
	change_tell(f->sink, &change);
}

/* Returns false if the text is no list of ids. */
static bool
tell_sessions(const struct postgres_feed *f, struct str ids)
{
	const size_t len = HEX_LEN(SESSION_ID_BYTES);
	struct session_id id;

	if (ids.n == 0 || ids.n % len != 0)
		return false;
	for (; ids.n > 0; ids = str_skip(ids, len)) {
		if (!hex_decode((struct str){ .p = ids.p, .n = len }, id.b,
				sizeof(id.b)))
			return false;
		feed_tell(f, CHANGE_SESSION, &id, (struct str){ .n = 0 });
	}
	return true;
}

/* A text that is not understood, of a later version or of an administrator,
 * counts as a change of everything. */
static void
tell_notification(struct postgres_feed *f, struct str text)
{
	const char letter = text.n > 0 ? text.p[0] : '\0';
	struct str rest = text.n > 0 ? str_skip(text, 1) : text;
	struct change change = { .kind = CHANGE_ALL };

	if (letter == 'p') {
		f->delivered |= str_eq(text, str_from(f->nonce));
		return;
	}
	if (letter == 's' && tell_sessions(f, rest))
		return;
	if (letter == 'u')
		change = (struct change){ .kind = CHANGE_USER, .user = rest };
	else if (letter == 'd')
		change = change_of_denial(rest);
	change_tell(f->sink, &change);
}

/* Reports the notifications that libpq has read; returns their number. */
static size_t
feed_report(struct postgres_feed *f)
{
	size_t n = 0;
	PGnotify *got;

	while ((got = PQnotifies(f->pg->conn)) != NULL) {
		tell_notification(f, str_from(got->extra));
		PQfreemem(got);
		n++;
	}
	return n;
}

/* Reads what has arrived, and reports it. */
static int
feed_receive(struct postgres_feed *f, struct err *err)
{
	do {
		if (PQconsumeInput(f->pg->conn) == 0)
			return postgres_lost(f->pg, err);
	} while (feed_report(f) > 0); /* TLS may have read more */
	if (f->pg->dying)
		return err_set(err, ERR_UNAVAILABLE,
			       "the server has ended the connection");
	return 0;
}

/* Waits until the server sends something or `wake` is readable, for at most
 * `ms`. A `wake` of -1 is not waited for. *timeout says that nothing has
 * happened until then. */
static int
feed_poll(struct postgres_feed *f, int wake, int64_t ms, bool *timeout,
	  struct err *err)
{
	struct pollfd p[] = {
		{ .fd = PQsocket(f->pg->conn), .events = POLLIN },
		{ .fd = wake, .events = POLLIN },
	};
	int n;

	if (ms < 0)
		ms = 0;
	n = poll(p, ARRAY_LEN(p), ms < INT_MAX ? (int)ms : INT_MAX);
	if (n < 0 && errno != EINTR)
		return err_set(err, ERR_UNAVAILABLE, "poll: %s",
			       strerror(errno));
	*timeout = n == 0;
	return n > 0 && p[0].revents != 0 ? feed_receive(f, err) : 0;
}

static int
postgres_feed_wait(void *feed, int64_t ms, struct err *err)
{
	struct postgres_feed *f = feed;
	bool timeout;

	if (feed_report(f) > 0)
		return 0;
	return feed_poll(f, f->wake, ms, &timeout, err);
}

/* What a proof finds. */
struct proof {
	int64_t standby, listens, complete, pid;
	struct str state; /* points into the result */
};

static int
read_proof(const PGresult *r, struct proof *out, struct err *err)
{
	if (PQntuples(r) != 1)
		return err_set(err, ERR_UNAVAILABLE,
			       "answer to the proof: must have one row, but"
			       " has %d",
			       PQntuples(r));
	if (postgres_get_int(r, 0, 0, &out->standby, err) != 0 ||
	    postgres_get_int(r, 0, 1, &out->listens, err) != 0 ||
	    postgres_get_int(r, 0, 2, &out->complete, err) != 0 ||
	    postgres_get_int(r, 0, 3, &out->pid, err) != 0 ||
	    postgres_get_text(r, 0, 4, NULL, &out->state, err) != 0)
		return -1;
	if (out->state.n >= STATE_MAX)
		return err_set(err, ERR_UNAVAILABLE,
			       "the state of the triggers is too long");
	return 0;
}

static int
check_proof(const struct postgres_feed *f, const struct proof *p,
	    struct err *err)
{
	const bool first = f->state[0] == '\0';

	if (p->standby != 0)
		return err_set(err, ERR_UNAVAILABLE,
			       "server: must accept writes, but is a standby"
			       " now");
	if (p->complete == 0)
		return err_set(err, first ? ERR_CONFIG : ERR_UNAVAILABLE,
			       "the triggers of the change feed are missing:"
			       " run fcgiauthctl store migrate");
	if (p->listens == 0)
		return err_set(err, ERR_CONFIG,
			       "the connection does not listen: %s must be a"
			       " connection that no pooler shares",
			       SECTION);
	if (!first && p->pid != f->pid)
		return err_set(err, ERR_UNAVAILABLE,
			       "process of the server: must be as before, but"
			       " a pooler has chosen another");
	if (!first && !str_eq(p->state, str_from(f->state)))
		return err_set(err, ERR_UNAVAILABLE,
			       "the tables or triggers of the store were"
			       " changed");
	return 0;
}

static int
feed_ask(struct postgres_feed *f, struct err *err)
{
	struct proof p;
	PGresult *r;
	int rc;

	if (postgres_query(f->pg, postgres_feed_proof, NULL, 0, &r, err) != 0)
		return -1;
	rc = read_proof(r, &p, err);
	if (rc == 0)
		rc = check_proof(f, &p, err);
	if (rc == 0) {
		(void)snprintf(f->state, sizeof(f->state), "%.*s",
			       STR_ARG(p.state));
		f->pid = p.pid;
	}
	PQclear(r);
	(void)feed_report(f);
	return rc;
}

static int
postgres_feed_prove(void *feed, struct err *err)
{
	if (feed_ask(feed, err) == 0)
		return 0;
	err->code = ERR_UNAVAILABLE;
	return -1;
}

static int
feed_make_nonce(struct postgres_feed *f, struct err *err)
{
	uint8_t random[16];

	if (env_random(f->pg->server->env, random, sizeof(random)) != 0)
		return err_norandom(err);
	f->nonce[0] = 'p';
	hex_encode(random, sizeof(random), f->nonce + 1);
	f->nonce[NONCE_MAX] = '\0';
	return 0;
}

/* Sends a notification by a connection of the store. */
static int
notify_by_store(const struct postgres_feed *f, int64_t ms, struct err *err)
{
	struct postgres_server *s = f->pg->server;
	struct postgres_conn *other;
	int64_t n;
	int rc;

	if (postgres_connect_within(s, s->given, ms, &other, err) != 0)
		return -1;
	rc = postgres_change(other, "SELECT pg_catalog.pg_notify($1, $2)",
			     PG_ARGS(PG_TEXT(STR(CHANNEL)),
				     PG_TEXT(str_from(f->nonce))),
			     &n, err);
	postgres_disconnect(other);
	return rc;
}

/*
 * Proves that what the store does arrives on this connection without a
 * question: a pooler may answer LISTEN, and deliver nothing, or only while a
 * statement is executed.
 */
static int
prove_delivery(struct postgres_feed *f, const char *conninfo, int64_t until_ms,
	       struct err *err)
{
	const struct env *env = f->pg->server->env;
	int64_t patience_ms, end_ms;
	bool timeout = false;

	if (feed_make_nonce(f, err) != 0 ||
	    notify_by_store(f, (until_ms - env_mono_ms(env)) / 2, err) != 0)
		return -1;
	/* If it does not arrive, there is time left to ask for it. */
	patience_ms = (until_ms - env_mono_ms(env)) / 2;
	end_ms = env_mono_ms(env) + patience_ms;
	while (!f->delivered && !timeout && env_mono_ms(env) < end_ms)
		if (feed_poll(f, -1, end_ms - env_mono_ms(env), &timeout,
			      err) != 0)
			return -1;
	if (f->delivered)
		return 0;
	f->pg->limit_ms = patience_ms;
	if (postgres_feed_prove(f, err) != 0)
		return -1;
	if (f->pid != PQbackendPID(f->pg->conn))
		return err_set(
		    err, ERR_CONFIG,
		    "notifications do not arrive, because a pooler is"
		    " between: %s must be a direct connection to the"
		    " server",
		    SECTION);
	if (f->delivered)
		return 0; /* it was slow */
	return err_set(err, conninfo != NULL ? ERR_CONFIG : ERR_UNAVAILABLE,
		       "notifications do not arrive: %s must be the database of"
		       " the store",
		       SECTION);
}

/* Makes the connection that listens. */
static int
feed_connect(struct postgres_server *s, const char *conninfo, int64_t ms,
	     struct postgres_conn **out, struct err *err)
{
	PQconninfoOption *own;
	int rc;

	if (conninfo == NULL)
		return postgres_connect_within(s, s->given, ms, out, err);
	if (postgres_conninfo_parse(str_from(conninfo), &own, err) != 0)
		return err_context(err, SECTION);
	rc = postgres_connect_within(s, own, ms, out, err);
	postgres_conninfo_free(own);
	return rc != 0 ? err_context(err, SECTION) : 0;
}

static int
feed_listen(struct postgres_feed *f, struct err *err)
{
	int64_t n;

	if (postgres_change(f->pg, "LISTEN " CHANNEL, NULL, 0, &n, err) == 0)
		return 0;
	if (strncmp(f->pg->state, "0A", 2) == 0 ||
	    strncmp(f->pg->state, "42", 2) == 0)
		err->code = ERR_CONFIG; /* the server has no such statement */
	return -1;
}

static int
feed_begin(struct postgres_feed *f, const struct feed_conf *conf,
	   int64_t until_ms, struct err *err)
{
	const struct env *env = f->pg->server->env;

	f->pg->apart = conf->conninfo != NULL;
	f->pg->limit_ms = until_ms - env_mono_ms(env);
	if (feed_listen(f, err) != 0 || feed_ask(f, err) != 0 ||
	    prove_delivery(f, conf->conninfo, until_ms, err) != 0 ||
	    postgres_feed_lock(f->pg, &f->key, err) != 0)
		return -1;
	f->pg->limit_ms = conf->timeout_ms;
	return 0;
}

static void
postgres_feed_close(void *feed)
{
	struct postgres_feed *f = feed;

	if (f->key != 0)
		postgres_feed_unlock(f->pg, f->key);
	postgres_disconnect(f->pg);
	free(f);
}

static int
postgres_feed_open(void *backend, const struct feed_conf *conf, void **feed,
		   struct err *err)
{
	struct postgres_server *s = backend;
	const int64_t until_ms = env_mono_ms(s->env) + conf->timeout_ms;
	struct postgres_feed *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_nomem(err);
	f->sink = conf->sink;
	f->wake = conf->wake;
	if (feed_connect(s, conf->conninfo, conf->timeout_ms / 2, &f->pg,
			 err) != 0) {
		free(f);
		return -1;
	}
	if (feed_begin(f, conf, until_ms, err) != 0) {
		postgres_feed_close(f);
		return -1;
	}
	*feed = f;
	return 0;
}

const struct feed_ops postgres_feed = {
	.open = postgres_feed_open,
	.close = postgres_feed_close,
	.wait = postgres_feed_wait,
	.prove = postgres_feed_prove,
	.is_elsewhere = postgres_feed_is_elsewhere,
};
