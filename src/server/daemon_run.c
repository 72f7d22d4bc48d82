/* SPDX-License-Identifier: MIT */
/* The daemon while it serves: signals, reload, upgrade, watchdog, drain. */
#include "server/daemon.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "modes/jwt_settings.h"
#include "auth/metrics.h"
#include "base/buf.h"
#include "conf/problems.h"
#include "server/feed.h"
#include "server/janitor.h"
#include "server/loop.h"
#include "server/postman.h"

#define TICK_MS	       100
#define GRACE_MS       1000
#define DRAIN_MS       10000
#define UPGRADE_MS     30000 /* for a successor to start */
#define PROBLEMS_LIMIT (4 * 1024 * 1024)

/* The number of notifications in one watchdog interval. */
#define WATCHDOG_PARTS 4

#define STATUS_SERVING "STATUS=Serving"
#define STATUS_REFUSED                                                         \
	"STATUS=Serving with the previous configuration: the new one is "      \
	"invalid, see the log"
#define STATUS_NO_UPGRADE "STATUS=Serving: the upgrade failed, see the log"

static sigset_t
awaited_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGUSR2);
	return set;
}

void
daemon_block_signals(void)
{
	const sigset_t set = awaited_signals();

	/* Called before any thread starts, as threads inherit the mask. Cannot
	 * fail with these arguments. */
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Returns false when the service manager is busy, so that it can be told
 * later. */
static bool
try_to_tell(struct daemon *d, const char *message)
{
	bool failed_before = d->notify_failed;
	struct err err = { .code = ERR_NONE };

	d->notify_failed = notify_send(&d->notifier, message, &err) != 0;
	if (d->notify_failed && !failed_before)
		LOG(&d->log, LOG_WARNING, "notify_failed",
		    F_CSTR("reason", err.msg));
	return err.code != ERR_BUSY;
}

/* The process goes on if the service manager cannot be told. */
static void
tell(struct daemon *d, const char *message)
{
	(void)try_to_tell(d, message);
}

static void
log_problems(struct daemon *d, const struct problems *problems)
{
	for (const struct problem *p = problems->first; p != NULL; p = p->next)
		LOG(&d->log, LOG_ERROR, "configuration",
		    F_CSTR("problem", p->text));
	LOG(&d->log, LOG_ERROR, "reload_refused",
	    F_CSTR("kept", "the previous configuration"));
}

static bool
is_other_text(const char *a, const char *b)
{
	return !str_eq(str_from(a), str_from(b));
}

/* Mode refresh is not affected: it makes new access tokens by its refresh
 * tokens, which need no key. */
static const char *
lost_tokens(const struct settings *was, const struct settings *is)
{
	const struct jwt_conf *a = jwt_conf_in_use(was);
	const struct jwt_conf *b = jwt_conf_in_use(is);

	if (a == NULL || b == NULL || strcmp(is->mode.driver->name, "jwt") != 0)
		return NULL;
	if (!str_eq(a->issuer, b->issuer))
		return "[jwt] issuer has changed";
	if (!str_eq(a->audience, b->audience))
		return "[jwt] audience has changed";
	if (is_other_text(a->keys, b->keys) ||
	    is_other_text(a->secret_file, b->secret_file))
		return "[jwt] keys have changed";
	return NULL;
}

/* [cookie] domain and secure change the name of the cookie. If [server] hosts
 * names origins, these decide about Secure, not [cookie] secure. */
static const char *
lost_cookies(const struct settings *was, const struct settings *is)
{
	const struct words *hosts = &is->server.hosts;

	if (!str_eq(was->cookie.name, is->cookie.name))
		return "[cookie] name has changed";
	if (!str_eq(was->cookie.domain, is->cookie.domain))
		return "[cookie] domain has changed";
	if (was->cookie.secure != is->cookie.secure &&
	    (hosts->n == 0 || str_find(hosts->v[0], '/') == hosts->v[0].n))
		return "[cookie] secure has changed";
	return NULL;
}

/* Logs a warning when earlier sessions and tokens will not be found or accepted
 * any more. */
static void
warn_of_lost_logins(const struct daemon *d, const struct snapshot *before,
		    const struct snapshot *next)
{
	const struct settings *was = &before->settings, *is = &next->settings;
	const char *why = lost_cookies(was, is);

	if (strcmp(was->mode.driver->name, is->mode.driver->name) != 0)
		why = "[auth] mode has changed";
	else if (before->store != next->store)
		why = "[store] has changed";
	else if (why == NULL)
		why = lost_tokens(was, is);
	if (why != NULL)
		LOG(&d->log, LOG_WARNING, "everybody_must_sign_in_anew",
		    F_CSTR("reason", why));
}

static bool
adopt(struct daemon *d, struct snapshot *before, struct snapshot *next)
{
	struct buf names;
	struct err err;

	if (daemon_prepare_stores(d, before, next, &err) != 0) {
		LOG(&d->log, LOG_ERROR, "reload_refused",
		    F_CSTR("reason", err.msg),
		    F_CSTR("kept", "the previous configuration"));
		snapshot_discard(next);
		return false;
	}
	buf_init(&names, next->arena, 4096);
	settings_restart_needed(&before->settings, &next->settings, &names);
	if (names.n > 0) {
		LOG(&d->log, LOG_WARNING, "restart_needed",
		    F_STR("options", buf_str(&names)));
	}
	d->log.level = next->settings.server.log_level;
	loop_set_body_limit(d->loop, (size_t)next->settings.limits.body);
	warn_of_lost_logins(d, before, next);
	snapshot_publish(&d->slot, next);
	feed_reload(d->feed);
	LOG(&d->log, LOG_INFO, "reloaded", F_CSTR("file", d->config_file));
	return true;
}

static bool
daemon_load(struct daemon *d)
{
	struct arena *a = arena_new(PROBLEMS_LIMIT);
	struct snapshot *before, *next;
	struct problems problems;
	bool adopted = false;

	if (a == NULL)
		return false;
	problems_init(&problems, a);
	before = snapshot_acquire(&d->slot);
	next = snapshot_load(d->config_file, before, &d->shared, &problems);
	if (next == NULL)
		log_problems(d, &problems);
	else
		adopted = adopt(d, before, next);
	if (adopted)
		daemon_log_warnings(d, &problems);
	metrics_add(d->shared.metrics, d,
		    adopted ? METRIC_RELOAD_SUCCESS : METRIC_RELOAD_FAILURE, 1);
	snapshot_release(&d->slot, before);
	arena_free(a);
	return adopted;
}

static void
reload(struct daemon *d)
{
	char message[128];
	/* Rounded up to the next millisecond: it must not be earlier than the
	 * sending of the signal. */
	long long now_us = ((long long)env_mono_ms(&d->env) + 1) * 1000;

	(void)snprintf(message, sizeof(message),
		       "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reloading",
		       now_us);
	tell(d, message);
	tell(d, daemon_load(d) ? "READY=1\n" STATUS_SERVING :
				 "READY=1\n" STATUS_REFUSED);
	/* A successor that is starting may have read the old file. */
	d->reload_successor = true;
}

static void
upgrade_failed(struct daemon *d, const struct err *err)
{
	LOG(&d->log, LOG_ERROR, "upgrade_failed", F_CSTR("reason", err->msg));
	tell(d, STATUS_NO_UPGRADE);
}

static void
begin_upgrade(struct daemon *d)
{
	struct err err;

	if (upgrade_begin(&d->upgrade, &d->program, &d->listeners, &d->notifier,
			  &err) != 0) {
		/* If an upgrade is already under way, it continues. */
		LOG(&d->log, LOG_ERROR, "upgrade_refused",
		    F_CSTR("reason", err.msg));
		return;
	}
	d->reload_successor = false;
	d->upgrade_deadline_ms = env_mono_ms(&d->env) + UPGRADE_MS;
	LOG(&d->log, LOG_INFO, "upgrade_begun",
	    F_CSTR("program", d->program.path),
	    F_INT("pid", d->upgrade.successor));
	tell(d, "STATUS=Serving, while a successor starts");
}

static bool
daemon_hand_over(struct daemon *d)
{
	char message[128];

	/* The service manager then waits a whole watchdog interval for the
	 * first notification of the successor. */
	(void)snprintf(message, sizeof(message),
		       "MAINPID=%ld\nREADY=1\nWATCHDOG=1\n" STATUS_SERVING,
		       (long)d->upgrade.successor);
	/* If the service manager is not told, it takes the end of this process
	 * for the end of the service. */
	if (!try_to_tell(d, message))
		return false;
	if (d->reload_successor)
		(void)kill(d->upgrade.successor, SIGHUP);
	listen_hand_over(&d->listeners);
	LOG(&d->log, LOG_INFO, "handed_over",
	    F_INT("pid", d->upgrade.successor));
	upgrade_let_go(&d->upgrade);
	return true;
}

/* Sends SIGTERM now, and SIGKILL after the time of a drain. */
static void
daemon_give_up(struct daemon *d)
{
	d->upgrade_deadline_ms = env_mono_ms(&d->env) + DRAIN_MS + GRACE_MS;
	upgrade_give_up(&d->upgrade);
}

/* True when a successor serves. */
static bool
go_on_with_upgrade(struct daemon *d)
{
	struct err err;

	switch (upgrade_poll(&d->upgrade, &err)) {
	case UPGRADE_NONE:
		return false;
	case UPGRADE_FAILED:
		upgrade_failed(d, &err);
		return false;
	case UPGRADE_READY:
		if (daemon_hand_over(d))
			return true;
		break;
	case UPGRADE_WAITING:
		break;
	}
	if (env_mono_ms(&d->env) >= d->upgrade_deadline_ms)
		daemon_give_up(d);
	return false;
}

/* This process must end, and so must a successor that is starting. */
static void
end_successor(struct daemon *d)
{
	struct err err;

	while (upgrade_poll(&d->upgrade, &err) >= UPGRADE_WAITING) {
		if (env_mono_ms(&d->env) >= d->upgrade_deadline_ms)
			daemon_give_up(d);
		(void)poll(NULL, 0, TICK_MS);
	}
}

/* A reload that was requested during the drain is passed on to the
 * successor. */
static void
pass_on_reload(const struct daemon *d)
{
	const struct timespec at_once = { .tv_sec = 0 };
	sigset_t reloads;

	(void)sigemptyset(&reloads);
	(void)sigaddset(&reloads, SIGHUP);
	if (sigtimedwait(&reloads, NULL, &at_once) == SIGHUP)
		(void)kill(d->upgrade.successor, SIGHUP);
}

static void
take_over(struct daemon *d)
{
	listen_take_over(&d->listeners);
	LOG(&d->log, LOG_INFO, "taken_over", F_CSTR("from", "predecessor"));
	tell(d, STATUS_SERVING);
}

/*
 * Notifies the watchdog only while no worker hangs: a worker that hangs in a
 * handler is lost for good, and others will wait for what it holds.
 */
static void
feed_watchdog(struct daemon *d)
{
	int64_t interval = d->notifier.watchdog_ms;
	int64_t now = env_mono_ms(&d->env), longest;

	/* As long as there is a predecessor, it notifies the watchdog. */
	if (interval == 0 || now < d->next_watchdog_ms ||
	    d->upgrade.to_predecessor >= 0)
		return;
	longest = loop_longest_task(d->loop);
	if (longest < interval) {
		d->next_watchdog_ms = now + interval / WATCHDOG_PARTS;
		d->stuck = false;
		tell(d, "WATCHDOG=1");
	} else if (!d->stuck) {
		d->stuck = true;
		LOG(&d->log, LOG_ERROR, "worker_stuck",
		    F_INT("milliseconds", longest));
	}
}

/* Runs until SIGTERM or SIGINT, which are blocked in every thread. Returns true
 * when it was ended by a successor. */
static bool
daemon_serve(struct daemon *d)
{
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000000L };
	const sigset_t signals = awaited_signals();
	int signal = 0;

	while (signal != SIGTERM && signal != SIGINT) {
		signal = sigtimedwait(&signals, NULL, &tick);
		if (signal == SIGHUP)
			reload(d);
		else if (signal == SIGUSR2)
			begin_upgrade(d);
		loop_tick(d->loop);
		if (upgrade_has_taken_over(&d->upgrade))
			take_over(d);
		if (go_on_with_upgrade(d))
			return true;
		feed_watchdog(d);
	}
	daemon_give_up(d);
	return false;
}

static void
daemon_begin(struct daemon *d)
{
	struct err err;

	/* The service manager still listens to the predecessor then. */
	if (d->upgrade.to_predecessor < 0)
		tell(d, "READY=1\n" STATUS_SERVING);
	else if (upgrade_tell_ready(&d->upgrade, &err) != 0)
		LOG(&d->log, LOG_WARNING, "upgrade_alone",
		    F_CSTR("reason", err.msg));
}

int
daemon_run(struct daemon *d, char *const *argv)
{
	struct err err;
	int rc = 0;

	(void)signal(SIGPIPE, SIG_IGN);
	/* a full disk under the file of a store */
	(void)signal(SIGXFSZ, SIG_IGN);
	/* The parent process may have ignored it; then no child could be waited
	 * for. */
	(void)signal(SIGCHLD, SIG_DFL);
	program_init(&d->program, argv);
	notify_init(&d->notifier);
	upgrade_init(&d->upgrade);
	if (daemon_start(d, &err) != 0) {
		(void)fprintf(stderr, "fcgiauthd: %s\n", err.msg);
		rc = -1;
	} else {
		bool succeeded;

		daemon_begin(d);
		succeeded = daemon_serve(d);
		if (!succeeded)
			tell(d, "STOPPING=1\nSTATUS=Draining");
		log_event(&d->log, LOG_INFO, NULL, "stopping", NULL, 0);
		loop_stop(d->loop, GRACE_MS, DRAIN_MS);
		if (succeeded)
			pass_on_reload(d);
		else
			end_successor(d);
	}
	feed_stop(d->feed);
	postman_stop(d->postman);
	janitor_stop(d->janitor);
	log_event(&d->log, LOG_INFO, NULL, "stopped", NULL, 0);
	return rc;
}
