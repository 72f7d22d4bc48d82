/* SPDX-License-Identifier: MIT */
/* The process: its parts, and how it starts. */
#include "server/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/hash_slots.h"
#include "auth/last_seen.h"
#include "auth/login_floor.h"
#include "auth/status.h"
#include "base/buf.h"
#include "conf/problems.h"
#include "crypto/digest.h"
#include "server/check.h"
#include "server/fcgi.h"
#include "server/janitor.h"
#include "server/loop.h"

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
process_print_all(const struct problem *first)
{
	for (const struct problem *p = first; p != NULL; p = p->next)
		(void)fprintf(stderr, "%s\n", p->text);
}

void
app_log_warnings(struct app *app, const struct problems *problems)
{
	for (const struct problem *p = problems->first_warning; p != NULL;
	     p = p->next) {
		LOG(&app->log, LOG_WARNING, "configuration",
		    F_CSTR("problem", p->text));
	}
}

static void
use_log_settings(struct app *app, const struct settings *set)
{
	app->log.level = set->server.log_level;
	app->log.format = (enum log_format)set->server.log_format;
}

static struct snapshot *
load_or_print(struct app *app)
{
	struct arena *a = arena_new(PROBLEMS_LIMIT);
	struct problems problems;
	struct snapshot *s;

	if (a == NULL) {
		(void)fprintf(stderr, "fcgiauthd: out of memory\n");
		return NULL;
	}
	problems_init(&problems, a);
	s = snapshot_load(app->config_file, NULL, &app->shared, &problems);
	if (s != NULL)
		use_log_settings(app, &s->settings);
	else
		process_print_all(problems.first);
	if (s == NULL || app->shared.check_only)
		process_print_all(problems.first_warning);
	else
		app_log_warnings(app, &problems);
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

int
app_init(struct app *app, const char *config_file, bool check_only)
{
	struct snapshot *s;

	*app = (struct app){ .config_file = config_file };
	app->log.fd = STDERR_FILENO;
	app->log.level = LOG_INFO;
	app->env = env_real(&app->log);
	app->log.wall_ms = app->env.clock.wall_ms;
	/* Set by systemd when standard error is its journal (see
	 * systemd.exec). */
	app->log.journal = getenv("JOURNAL_STREAM") != NULL;
	app->shared.env = &app->env;
	app->shared.check_only = check_only;
	snapshot_slot_init(&app->slot);
	app->notifier.fd = -1;
	if (crypto_init() != 0) {
		(void)fprintf(stderr,
			      "fcgiauthd: libsodium cannot be initialised\n");
		return -1;
	}
	s = load_or_print(app);
	if (s == NULL)
		return -1;
	snapshot_publish(&app->slot, s);
	app->shared.hash_slots = make_hash_slots(&app->env, &s->settings);
	app->shared.login_floor = login_floor_new();
	app->shared.last_seen = last_seen_new();
	app->shared.probe = probe_new();
	app->shared.log_limits = &app->log_limits;
	if (app->shared.hash_slots == NULL || app->shared.last_seen == NULL ||
	    app->shared.login_floor == NULL || app->shared.probe == NULL) {
		(void)fprintf(stderr, "fcgiauthd: out of memory\n");
		app_free(app);
		return -1;
	}
	return 0;
}

static void
free_conns(struct app *app)
{
	for (unsigned i = 0; app->conns != NULL && i < app->workers; i++) {
		store_conn_free(app->conns[i].store);
		users_conn_free(app->conns[i].users);
	}
	free(app->conns);
	app->conns = NULL;
}

void
app_free(struct app *app)
{
	free_conns(app);
	listen_close(&app->listeners);
	snapshot_publish(&app->slot, NULL);
	hash_slots_free(app->shared.hash_slots);
	login_floor_free(app->shared.login_floor);
	last_seen_free(app->shared.last_seen);
	probe_free(app->shared.probe);
	notify_close(&app->notifier);
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

/* Checks both schemas, even if the first check fails: a backend whose check was
 * begun is checked again at its next connection. Of two failures, reports the
 * one that does not go away by waiting. */
static int
check_schemas(const struct service_conns *conns, const struct snapshot *before,
	      const struct snapshot *s, struct err *err)
{
	struct err second;
	int store = store_check_schema(conns->store, err);
	int users = users_check_schema(conns->users, &second);

	if (store != 0)
		missing_file_is_config(
		    s->store, before != NULL && before->store == s->store, err);
	if (users != 0)
		missing_file_is_config(s->users,
				       before != NULL &&
					   before->users == s->users,
				       &second);
	if (users != 0 && (store == 0 || err->code == ERR_UNAVAILABLE))
		*err = second;
	return store == 0 && users == 0 ? 0 : -1;
}

static void
log_advice(const struct app *app, struct store_conn *store)
{
	char advice[BACKEND_ADVICE_MAX];

	conn_advise(&store->base, advice);
	if (advice[0] != '\0')
		LOG(&app->log, LOG_WARNING, "configuration",
		    F_CSTR("section", "store"), F_CSTR("problem", advice));
}

/* Checks the schemas by connections of the main thread. */
static int
open_schemas(const struct app *app, const struct snapshot *before,
	     const struct snapshot *s, struct err *err)
{
	struct service_conns conns = {
		.store = store_conn_new(&app->env),
		.users = users_conn_new(&app->env),
	};
	int rc = -1;

	if (conns.store == NULL || conns.users == NULL) {
		(void)err_nomem(err); /* sets *err */
	} else {
		store_conn_bind(conns.store, s->store);
		users_conn_bind(conns.users, s->users);
		rc = check_schemas(&conns, before, s, err);
		if (rc == 0)
			log_advice(app, conns.store);
	}
	store_conn_free(conns.store);
	users_conn_free(conns.users);
	return rc;
}

/*
 * A wrong schema, or a file that cannot be used, must be corrected by the
 * administrator before the service runs. A server that cannot be reached may
 * come back while the service answers 503.
 */
int
app_prepare_stores(struct app *app, const struct snapshot *before,
		   const struct snapshot *s, struct err *err)
{
	if (open_schemas(app, before, s, err) == 0)
		return 0;
	if (err->code != ERR_UNAVAILABLE)
		return -1;
	LOG(&app->log, LOG_WARNING, "store_unavailable",
	    F_CSTR("reason", err->msg));
	return 0;
}

int
app_check(struct app *app)
{
	struct arena *a = arena_new(PROBLEMS_LIMIT);
	struct problems problems;
	int rc;

	if (a == NULL)
		return -1;
	problems_init(&problems, a);
	check_backends(app->slot.current, app->config_file, &app->env,
		       &problems);
	process_print_all(problems.first);
	process_print_all(problems.first_warning);
	rc = problems.count == 0 ? 0 : -1;
	arena_free(a);
	return rc;
}

/* Handles one request; called by a worker thread. */
static bool
process_handle(void *ctx, unsigned worker, struct arena *a,
	       const struct message *in, struct buf *out)
{
	struct app *app = ctx;
	const struct service_conns *conns = &app->conns[worker];
	struct snapshot *s = snapshot_acquire(&app->slot);
	bool queued;

	store_conn_bind(conns->store, s->store);
	users_conn_bind(conns->users, s->users);
	queued = service_answer(s->service, conns, a, in, out);
	snapshot_release(&app->slot, s);
	return queued;
}

static int
make_conns(struct app *app, unsigned workers, struct err *err)
{
	app->conns = calloc(workers, sizeof(*app->conns));
	if (app->conns == NULL)
		return err_nomem(err);
	app->workers = workers;
	for (unsigned i = 0; i < workers; i++) {
		app->conns[i].store = store_conn_new(&app->env);
		app->conns[i].users = users_conn_new(&app->env);
		if (app->conns[i].store == NULL || app->conns[i].users == NULL)
			return err_nomem(err);
	}
	return 0;
}

static int
start_loop(struct app *app, const struct settings *set, struct err *err)
{
	struct loop_config config = {
		.threads = (unsigned)set->server.threads,
		.frame = frame_limits,
		.request_ms = REQUEST_MS,
		.write_ms = WRITE_MS,
		.idle_ms = IDLE_MS,
		.handle = process_handle,
		.ctx = app,
		.slots = app->shared.hash_slots,
	};

	config.frame.body = (size_t)set->limits.body;
	if (make_conns(app, config.threads, err) != 0)
		return -1;
	if (janitor_start(&app->slot, &app->shared, &app->janitor, err) != 0)
		return -1;
	return loop_start(&config, &app->listeners, &app->env, &app->loop, err);
}

static void
log_listeners(const struct app *app)
{
	for (size_t i = 0; i < app->listeners.n; i++) {
		const struct listener *l = &app->listeners.v[i];

		LOG(&app->log, LOG_INFO, "listening", F_CSTR("socket", l->name),
		    F_CSTR("from", l->inherited ? "passed" : "bound"));
	}
}

int
app_start(struct app *app, struct err *err)
{
	struct snapshot *s = snapshot_acquire(&app->slot);
	int rc = app_prepare_stores(app, NULL, s, err);

	if (rc == 0 && fcgi_init() != 0)
		rc =
		    err_set(err, ERR_INTERNAL, "libfcgi cannot be initialised");
	if (rc == 0)
		rc = listen_open(&s->settings.server.listen,
				 (unsigned)s->settings.server.socket_mode,
				 &app->listeners, err);
	if (rc == 0)
		rc = start_loop(app, &s->settings, err);
	if (rc == 0) {
		log_listeners(app);
		LOG(&app->log, LOG_INFO, "started",
		    F_CSTR("version", PACKAGE_VERSION),
		    F_CSTR("mode", s->settings.mode.driver->name),
		    F_CSTR("store", s->settings.store.driver->name),
		    F_CSTR("users", s->settings.users.driver->name),
		    F_INT("threads", s->settings.server.threads));
	}
	snapshot_release(&app->slot, s);
	return rc;
}
