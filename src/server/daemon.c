/* SPDX-License-Identifier: MIT */
/* The daemon: its parts, and how it starts. */
#include "server/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/cache.h"
#include "auth/hash_slots.h"
#include "auth/last_seen.h"
#include "auth/login_floor.h"
#include "auth/metrics.h"
#include "auth/status.h"
#include "base/buf.h"
#include "conf/problems.h"
#include "crypto/digest.h"
#include "os/background.h"
#include "server/check.h"
#include "server/fcgi.h"
#include "server/feed.h"
#include "server/janitor.h"
#include "server/loop.h"
#include "server/postman.h"

#define REQUEST_MS     10000
#define WRITE_MS       10000
#define IDLE_MS	       300000 /* nginx closes its own after 60 s */
#define HASH_WAIT_MS   3000
#define HASH_QUEUE     256
#define PROBLEMS_LIMIT (4 * 1024 * 1024)

/* nginx accepts 32 KiB of client headers, and adds little to them. */
static const struct frame_limits frame_limits = {
	.params = 64 * 1024,
	.pairs = 512,
	.excess = 16 * 1024 * 1024,
};

static void
daemon_print_all(const struct problem *first)
{
	for (const struct problem *p = first; p != NULL; p = p->next)
		(void)fprintf(stderr, "%s\n", p->text);
}

void
daemon_log_warnings(struct daemon *d, const struct problems *problems)
{
	for (const struct problem *p = problems->first_warning; p != NULL;
	     p = p->next) {
		LOG(&d->log, LOG_WARNING, "configuration",
		    F_CSTR("problem", p->text));
	}
}

static void
use_log_settings(struct daemon *d, const struct settings *set)
{
	d->log.level = set->server.log_level;
	d->log.format = (enum log_format)set->server.log_format;
}

static struct snapshot *
load_or_print(struct daemon *d)
{
	struct arena *a = arena_new(PROBLEMS_LIMIT);
	struct problems problems;
	struct snapshot *s;

	if (a == NULL) {
		(void)fprintf(stderr, "fcgiauthd: out of memory\n");
		return NULL;
	}
	problems_init(&problems, a);
	s = snapshot_load(d->config_file, NULL, &d->shared, &problems);
	if (s != NULL)
		use_log_settings(d, &s->settings);
	else
		daemon_print_all(problems.first);
	if (s == NULL || d->shared.check_only)
		daemon_print_all(problems.first_warning);
	else
		daemon_log_warnings(d, &problems);
	arena_free(a);
	return s;
}

/* Sign-ins may hold at most half of the workers, so that checks go on; a
 * sign-in that waits for a slot holds none. */
static struct hash_slots *
make_hash_slots(const struct env *env, const struct settings *set)
{
	uint64_t seed;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned threads = (unsigned)set->server.threads;
	unsigned half = threads > 1 ? threads / 2 : 1;
	unsigned slots = (unsigned)set->limits.hash_slots;

	if (slots == 0)
		slots = cores > 2 ? (unsigned)cores - 1 : 1;
	if (slots > half)
		slots = half;
	if (env_random(env, &seed, sizeof(seed)) != 0)
		return NULL;
	return hash_slots_new(slots, HASH_QUEUE, HASH_WAIT_MS, seed);
}

/* The cache is made when the settings are known, after the backends. */
static void
daemon_changed(void *ctx, const struct change *change)
{
	const struct daemon *d = ctx;

	if (d->shared.cache != NULL)
		cache_change(d->shared.cache, change);
}

static void
find_down(struct daemon *d, struct server_counts *out)
{
	struct snapshot *s = snapshot_acquire(&d->slot);

	out->store_down = !backend_is_good(s->store);
	out->users_down = !backend_is_good(s->users);
	out->factors_down = s->factors != NULL && !backend_is_good(s->factors);
	snapshot_release(&d->slot, s);
}

/* Zero until the server has started. */
static void
daemon_count(void *server, struct server_counts *out)
{
	struct daemon *d = server;
	struct loop *loop = atomic_load(&d->counted);
	struct loop_counts n;

	if (loop == NULL)
		return;
	loop_count(loop, &n);
	*out = (struct server_counts){ .connections = n.connections,
				       .accepted = n.accepted,
				       .requests = n.requests,
				       .malformed = n.malformed,
				       .timeouts = n.timeouts,
				       .workers = n.workers,
				       .busy_ms = n.busy_ms };
	find_down(d, out);
}

/* Makes what all requests share, as large as the settings say. */
static int
make_shared(struct daemon *d, const struct settings *set)
{
	struct service_shared *shared = &d->shared;
	const size_t cached = (size_t)set->cache.size;

	shared->hash_slots = make_hash_slots(&d->env, set);
	shared->hash_in_background = background_is_permitted();
	shared->login_floor = login_floor_new();
	shared->last_seen = last_seen_new();
	shared->probe = probe_new();
	shared->log_limits = &d->log_limits;
	if (cached > 0)
		shared->cache = cache_new(cached);
	return shared->hash_slots != NULL && shared->login_floor != NULL &&
		       shared->last_seen != NULL && shared->probe != NULL &&
		       (cached == 0 || shared->cache != NULL) ?
		   0 :
		   -1;
}

int
daemon_init(struct daemon *d, const char *config_file, bool check_only)
{
	struct snapshot *s;

	*d = (struct daemon){ .config_file = config_file };
	d->log.fd = STDERR_FILENO;
	d->log.level = LOG_INFO;
	d->env = env_real(&d->log);
	d->log.wall_ms = d->env.clock.wall_ms;
	/* Set by systemd when standard error is its journal (see
	 * systemd.exec). */
	d->log.journal = getenv("JOURNAL_STREAM") != NULL;
	d->shared.env = &d->env;
	d->shared.check_only = check_only;
	d->changes =
	    (struct change_sink){ .changed = daemon_changed, .ctx = d };
	d->shared.changes = &d->changes;
	d->shared.count_server = daemon_count;
	d->shared.server = d;
	snapshot_slot_init(&d->slot);
	d->notifier.fd = -1;
	if (crypto_init() != 0) {
		(void)fprintf(stderr,
			      "fcgiauthd: libsodium cannot be initialised\n");
		return -1;
	}
	if (!check_only) {
		d->shared.metrics = metrics_new(env_wall_ms(&d->env));
		if (d->shared.metrics == NULL) {
			(void)fprintf(stderr, "fcgiauthd: out of memory\n");
			return -1;
		}
	}
	s = load_or_print(d);
	if (s == NULL) {
		metrics_free(d->shared.metrics);
		return -1;
	}
	snapshot_publish(&d->slot, s);
	if (make_shared(d, &s->settings) != 0) {
		(void)fprintf(stderr, "fcgiauthd: out of memory\n");
		daemon_free(d);
		return -1;
	}
	return 0;
}

static void
free_conns(struct daemon *d)
{
	for (unsigned i = 0; d->conns != NULL && i < d->workers; i++) {
		store_conn_free(d->conns[i].store);
		users_conn_free(d->conns[i].users);
		factors_conn_free(d->conns[i].factors);
	}
	free(d->conns);
	d->conns = NULL;
}

void
daemon_free(struct daemon *d)
{
	free_conns(d);
	listen_close(&d->listeners);
	snapshot_publish(&d->slot, NULL);
	hash_slots_free(d->shared.hash_slots);
	login_floor_free(d->shared.login_floor);
	last_seen_free(d->shared.last_seen);
	probe_free(d->shared.probe);
	cache_free(d->shared.cache);
	metrics_free(d->shared.metrics);
	notify_close(&d->notifier);
}

/* A file that is missing does not come back by itself, as a server may: it is
 * an error of the configuration. */
static void
missing_file_is_config(const struct backend *b, bool kept, struct err *err)
{
	if ((b->ops->driver.caps & BACKEND_EMBEDDED) != 0 && !kept &&
	    err->code == ERR_UNAVAILABLE)
		err->code = ERR_CONFIG;
}

/* Checks the schema of one backend, which `before` was in the snapshot before.
 * Of two failures, *err becomes the one that does not go away by waiting. */
static void
check_one_schema(struct conn *c, const struct backend *before, int *result,
		 struct err *err)
{
	struct err why;

	if (c->backend == NULL || conn_check_schema(c, &why) == 0)
		return;
	missing_file_is_config(c->backend, before == c->backend, &why);
	if (*result == 0 || err->code == ERR_UNAVAILABLE)
		*err = why;
	*result = -1;
}

/* Checks all schemas, even if the first check fails: a backend whose check was
 * begun is checked again at its next connection. */
static int
check_schemas(const struct service_conns *conns, const struct snapshot *before,
	      struct err *err)
{
	int result = 0;

	check_one_schema(&conns->store->base,
			 before != NULL ? before->store : NULL, &result, err);
	check_one_schema(&conns->users->base,
			 before != NULL ? before->users : NULL, &result, err);
	check_one_schema(&conns->factors->base,
			 before != NULL ? before->factors : NULL, &result, err);
	return result;
}

static void
log_advice(const struct daemon *d, struct store_conn *store)
{
	char advice[BACKEND_ADVICE_MAX];

	conn_advise(&store->base, advice);
	if (advice[0] != '\0')
		LOG(&d->log, LOG_WARNING, "configuration",
		    F_CSTR("section", "store"), F_CSTR("problem", advice));
}

static int
new_conns(const struct env *env, struct service_conns *out, struct err *err)
{
	out->store = store_conn_new(env);
	out->users = users_conn_new(env);
	out->factors = factors_conn_new(env);
	if (out->store == NULL || out->users == NULL || out->factors == NULL)
		return err_nomem(err);
	return 0;
}

static void
bind_conns(const struct service_conns *conns, const struct snapshot *s)
{
	store_conn_bind(conns->store, s->store);
	users_conn_bind(conns->users, s->users);
	factors_conn_bind(conns->factors, s->factors);
}

/* Checks the schemas by connections of the main thread. */
static int
open_schemas(const struct daemon *d, const struct snapshot *before,
	     const struct snapshot *s, struct err *err)
{
	struct service_conns conns;
	int rc = new_conns(&d->env, &conns, err);

	if (rc == 0) {
		bind_conns(&conns, s);
		rc = check_schemas(&conns, before, err);
	}
	if (rc == 0)
		log_advice(d, conns.store);
	store_conn_free(conns.store);
	users_conn_free(conns.users);
	factors_conn_free(conns.factors);
	return rc;
}

/*
 * A wrong schema, or a file that cannot be used, must be corrected by the
 * administrator before the service runs. A server that cannot be reached may
 * come back while the service answers 503.
 */
int
daemon_prepare_stores(struct daemon *d, const struct snapshot *before,
		      const struct snapshot *s, struct err *err)
{
	if (open_schemas(d, before, s, err) == 0)
		return 0;
	if (err->code != ERR_UNAVAILABLE)
		return -1;
	LOG(&d->log, LOG_WARNING, "store_unavailable",
	    F_CSTR("reason", err->msg));
	return 0;
}

int
daemon_check(struct daemon *d)
{
	struct arena *a = arena_new(PROBLEMS_LIMIT);
	struct problems problems;
	int rc;

	if (a == NULL)
		return -1;
	problems_init(&problems, a);
	check_backends(d->slot.current, d->config_file, &d->env, &problems);
	daemon_print_all(problems.first);
	daemon_print_all(problems.first_warning);
	rc = problems.count == 0 ? 0 : -1;
	arena_free(a);
	return rc;
}

/* Handles one request; called by a worker thread. */
static bool
daemon_handle(void *ctx, unsigned worker, struct arena *a,
	      const struct message *in, struct buf *out)
{
	struct daemon *d = ctx;
	const struct service_conns *conns = &d->conns[worker];
	struct snapshot *s = snapshot_acquire(&d->slot);
	bool queued;

	bind_conns(conns, s);
	queued = service_answer(s->service, conns, a, in, out);
	snapshot_release(&d->slot, s);
	return queued;
}

/* Handles one request without waiting, if that is possible. */
static bool
daemon_try(void *ctx, struct arena *a, const struct message *in,
	   struct buf *out)
{
	struct daemon *d = ctx;
	struct snapshot *s = snapshot_acquire(&d->slot);
	const bool answered = service_try(s->service, a, in, out);

	snapshot_release(&d->slot, s);
	return answered;
}

static int
make_conns(struct daemon *d, unsigned workers, struct err *err)
{
	d->conns = calloc(workers, sizeof(*d->conns));
	if (d->conns == NULL)
		return err_nomem(err);
	d->workers = workers;
	for (unsigned i = 0; i < workers; i++) {
		if (new_conns(&d->env, &d->conns[i], err) != 0)
			return -1;
	}
	return 0;
}

static int
start_loop(struct daemon *d, const struct settings *set, struct err *err)
{
	struct loop_config config = {
		.threads = (unsigned)set->server.threads,
		.frame = frame_limits,
		.request_ms = REQUEST_MS,
		.write_ms = WRITE_MS,
		.idle_ms = IDLE_MS,
		.try = daemon_try,
		.handle = daemon_handle,
		.ctx = d,
		.slots = d->shared.hash_slots,
	};

	config.frame.body = (size_t)set->limits.body;
	if (make_conns(d, config.threads, err) != 0)
		return -1;
	if (janitor_start(&d->slot, &d->shared, &d->janitor, err) != 0 ||
	    postman_start(&d->slot, &d->shared, &d->postman, err) != 0 ||
	    (d->shared.cache != NULL &&
	     feed_start(&d->slot, &d->shared, &d->feed, err) != 0))
		return -1;
	if (loop_start(&config, &d->listeners, &d->env, &d->loop, err) != 0)
		return -1;
	atomic_store(&d->counted, d->loop);
	return 0;
}

static void
log_listeners(const struct daemon *d)
{
	for (size_t i = 0; i < d->listeners.n; i++) {
		const struct listener *l = &d->listeners.v[i];

		LOG(&d->log, LOG_INFO, "listening", F_CSTR("socket", l->name),
		    F_CSTR("from", l->inherited ? "passed" : "bound"));
	}
}

int
daemon_start(struct daemon *d, struct err *err)
{
	struct snapshot *s = snapshot_acquire(&d->slot);
	int rc = daemon_prepare_stores(d, NULL, s, err);

	if (rc == 0 && fcgi_init() != 0)
		rc =
		    err_set(err, ERR_INTERNAL, "libfcgi cannot be initialised");
	if (rc == 0)
		rc = listen_open(&s->settings.server.listen,
				 (unsigned)s->settings.server.socket_mode,
				 &d->listeners, err);
	if (rc == 0)
		rc = start_loop(d, &s->settings, err);
	if (rc == 0) {
		log_listeners(d);
		LOG(&d->log, LOG_INFO, "started",
		    F_CSTR("version", PACKAGE_VERSION),
		    F_CSTR("mode", s->settings.mode.driver->name),
		    F_CSTR("store", s->settings.store.driver->name),
		    F_CSTR("users", s->settings.users.driver->name),
		    F_INT("threads", s->settings.server.threads));
	}
	snapshot_release(&d->slot, s);
	return rc;
}
