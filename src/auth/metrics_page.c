/* SPDX-License-Identifier: MIT */
/* The endpoint /metrics. */
#include "auth/metrics_page.h"

#include "auth/answer.h"
#include "auth/cache.h"
#include "auth/hash_slots.h"
#include "auth/metrics.h"
#include "auth/status.h"
#include "base/buf.h"
#include "base/network.h"
#include "strategy/registry.h"

struct metrics_writer {
	struct buf *out;
	const struct request_context *ctx;
	const struct family *family; /* that is being written */
	uint64_t n[METRIC_COUNT];
	struct server_counts server;
	struct cache_counts cache;
};

struct family {
	const char *name, *type, *help;
	void (*write)(struct metrics_writer *w);
};

/* Writes a line. `labels` are without braces, and may be empty. */
static void
sample(struct metrics_writer *w, const char *labels, uint64_t value)
{
	const bool bare = labels[0] == '\0';

	buf_printf(w->out, "%s%s%s%s %llu\n", w->family->name, bare ? "" : "{",
		   labels, bare ? "" : "}", (unsigned long long)value);
}

/* Writes milliseconds as seconds. */
static void
seconds_sample(struct metrics_writer *w, uint64_t ms)
{
	buf_printf(w->out, "%s %llu.%03llu\n", w->family->name,
		   (unsigned long long)(ms / 1000),
		   (unsigned long long)(ms % 1000));
}

/* The counters of the families that consist of nothing else. */
static const struct {
	const char *family, *labels;
	enum metric counter;
} plain[] = {
	{ "fcgiauth_logins_total", "outcome=\"success\"",
	  METRIC_LOGIN_SUCCESS },
	{ "fcgiauth_logins_total", "outcome=\"failure\"",
	  METRIC_LOGIN_FAILURE },
	{ "fcgiauth_logins_total", "outcome=\"banned\"", METRIC_LOGIN_BANNED },
	{ "fcgiauth_logins_total", "outcome=\"busy\"", METRIC_LOGIN_BUSY },
	{ "fcgiauth_logins_total", "outcome=\"unavailable\"",
	  METRIC_LOGIN_UNAVAILABLE },
	{ "fcgiauth_refreshes_total", "outcome=\"renewed\"",
	  METRIC_REFRESH_RENEWED },
	{ "fcgiauth_refreshes_total", "outcome=\"repeated\"",
	  METRIC_REFRESH_REPEATED },
	{ "fcgiauth_refreshes_total", "outcome=\"refused\"",
	  METRIC_REFRESH_REFUSED },
	{ "fcgiauth_refreshes_total", "outcome=\"reused\"",
	  METRIC_REFRESH_REUSED },
	{ "fcgiauth_refreshes_total", "outcome=\"unavailable\"",
	  METRIC_REFRESH_UNAVAILABLE },
	{ "fcgiauth_bans_total", "", METRIC_BAN },
	{ "fcgiauth_sessions_started_total", "", METRIC_SESSION_STARTED },
	{ "fcgiauth_sessions_ended_total", "reason=\"logout\"",
	  METRIC_ENDED_LOGOUT },
	{ "fcgiauth_sessions_ended_total", "reason=\"replaced\"",
	  METRIC_ENDED_REPLACED },
	{ "fcgiauth_sessions_ended_total", "reason=\"limit\"",
	  METRIC_ENDED_LIMIT },
	{ "fcgiauth_sessions_ended_total", "reason=\"reuse\"",
	  METRIC_ENDED_REUSE },
	{ "fcgiauth_sessions_ended_total", "reason=\"revoked\"",
	  METRIC_ENDED_REVOKED },
	{ "fcgiauth_reloads_total", "result=\"success\"",
	  METRIC_RELOAD_SUCCESS },
	{ "fcgiauth_reloads_total", "result=\"failure\"",
	  METRIC_RELOAD_FAILURE },
};

static void
write_plain(struct metrics_writer *w)
{
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		if (str_eq(str_from(plain[i].family),
			   str_from(w->family->name)))
			sample(w, plain[i].labels, w->n[plain[i].counter]);
	}
}

static void
write_checks(struct metrics_writer *w)
{
	static const char *const verdicts[METRIC_VERDICTS] = {
		[METRIC_ALLOWED] = "allowed",
		[METRIC_401] = "401",
		[METRIC_403] = "403",
		[METRIC_503] = "503",
	};

	for (size_t m = 0; m < registry_nmodes && m < METRIC_MODES; m++) {
		for (size_t v = 0; v < METRIC_VERDICTS; v++)
			buf_printf(
			    w->out, "%s{mode=\"%s\",verdict=\"%s\"} %llu\n",
			    w->family->name, registry_modes[m]->driver.name,
			    verdicts[v],
			    (unsigned long long)
				w->n[METRIC_CHECK + m * METRIC_VERDICTS + v]);
	}
}

static void
write_histogram(struct metrics_writer *w, const char *section,
		const struct histogram *h)
{
	const char *name = w->family->name;
	struct histogram_counts n;

	histogram_read(h, &n);
	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++)
		buf_printf(w->out,
			   "%s_bucket{section=\"%s\",le=\"%lld.%03lld\"} "
			   "%llu\n",
			   name, section,
			   (long long)(histogram_bounds_ms[i] / 1000),
			   (long long)(histogram_bounds_ms[i] % 1000),
			   (unsigned long long)n.up_to[i]);
	buf_printf(w->out, "%s_bucket{section=\"%s\",le=\"+Inf\"} %llu\n", name,
		   section, (unsigned long long)n.up_to[HISTOGRAM_BOUNDS]);
	buf_printf(w->out, "%s_sum{section=\"%s\"} %llu.%03llu\n", name,
		   section, (unsigned long long)(n.sum_ms / 1000),
		   (unsigned long long)(n.sum_ms % 1000));
	buf_printf(w->out, "%s_count{section=\"%s\"} %llu\n", name, section,
		   (unsigned long long)n.up_to[HISTOGRAM_BOUNDS]);
}

static void
write_latencies(struct metrics_writer *w)
{
	const struct metrics *m = w->ctx->service->shared->metrics;

	write_histogram(w, "store", &m->store);
	write_histogram(w, "users", &m->users);
	if (w->ctx->call.factors != NULL)
		write_histogram(w, "factors", &m->factors);
}

static void
write_backends(struct metrics_writer *w)
{
	const struct call *call = &w->ctx->call;

	sample(w, "section=\"store\"",
	       backend_is_good(call->store->base.backend));
	sample(w, "section=\"users\"",
	       backend_is_good(call->users->base.backend));
	if (call->factors != NULL)
		sample(w, "section=\"factors\"",
		       backend_is_good(call->factors->base.backend));
}

static void
write_live(struct metrics_writer *w)
{
	const struct metrics *m = w->ctx->service->shared->metrics;
	const int64_t sessions = m->live_sessions, users = m->live_users;

	if (sessions >= 0)
		sample(w, "of=\"sessions\"", (uint64_t)sessions);
	if (users >= 0)
		sample(w, "of=\"users\"", (uint64_t)users);
}

static void
write_hashes(struct metrics_writer *w)
{
	const struct hash_slots_count n =
	    hash_slots_count(w->ctx->service->shared->hash_slots);

	sample(w, "state=\"running\"", n.running);
	sample(w, "state=\"waiting\"", n.waiting);
}

static void
write_feed(struct metrics_writer *w)
{
	static const char *const states[] = { "off", "none", "local", "proven",
					      "lost" };
	const struct str is = str_from(status_feed_word(w->ctx, &w->cache));

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		buf_printf(w->out, "%s{state=\"%s\"} %d\n", w->family->name,
			   states[i], str_eq(is, str_from(states[i])));
}

static void
write_build(struct metrics_writer *w)
{
	const struct settings *set = w->ctx->service->set;

	buf_printf(w->out,
		   "%s{version=\"%s\",mode=\"%s\",store=\"%s\","
		   "users=\"%s\"} 1\n",
		   w->family->name, PACKAGE_VERSION, set->mode.driver->name,
		   set->store.driver->name, set->users.driver->name);
}

static void
write_start(struct metrics_writer *w)
{
	seconds_sample(w,
		       (uint64_t)w->ctx->service->shared->metrics->started_ms);
}

static void
write_busy(struct metrics_writer *w)
{
	seconds_sample(w, w->server.busy_ms);
}

/* Defines functions that write one number. */
#define WRITE(name, value)                                                     \
	static void write_##name(struct metrics_writer *w)                     \
	{                                                                      \
		sample(w, "", value);                                          \
	}

WRITE(workers, w->server.workers)
WRITE(connections, w->server.connections)
WRITE(accepted, w->server.accepted)
WRITE(requests, w->server.requests)
WRITE(malformed, w->server.malformed)
WRITE(timeouts, w->server.timeouts)
WRITE(entries, w->cache.entries)
WRITE(size, w->cache.size)
WRITE(hits, w->cache.hits)
WRITE(misses, w->cache.misses)
WRITE(changes, w->cache.changes)

static const struct family families[] = {
	{ "fcgiauth_build_info", "gauge",
	  "Version, mode and drivers as labels; the value is 1.", write_build },
	{ "fcgiauth_start_time_seconds", "gauge",
	  "When the process began, in seconds since 1970. All counters begin "
	  "at zero then.",
	  write_start },
	{ "fcgiauth_checks_total", "counter", "Checks by mode and verdict.",
	  write_checks },
	{ "fcgiauth_logins_total", "counter",
	  "Sign-ins with a password by outcome.", write_plain },
	{ "fcgiauth_refreshes_total", "counter", "Refreshes by outcome.",
	  write_plain },
	{ "fcgiauth_bans_total", "counter", "Bans that began.", write_plain },
	{ "fcgiauth_sessions_started_total", "counter",
	  "Sessions that began by a sign-in here.", write_plain },
	{ "fcgiauth_sessions_ended_total", "counter",
	  "Sessions that were ended here, by reason; without those that "
	  "expired.",
	  write_plain },
	{ "fcgiauth_signed_in", "gauge",
	  "Live sessions in the store, and users who have one; counted once a "
	  "minute, and absent while unknown.",
	  write_live },
	{ "fcgiauth_backend_seconds", "histogram",
	  "Durations of operations of the store, the user source and the "
	  "factor store.",
	  write_latencies },
	{ "fcgiauth_backend_up", "gauge",
	  "1 if the last operation of the store, the user source or the "
	  "factor store was answered, otherwise 0.",
	  write_backends },
	{ "fcgiauth_hashes", "gauge",
	  "Passwords that are being hashed, and requests that wait for a slot.",
	  write_hashes },
	{ "fcgiauth_connections", "gauge", "Connections of web servers.",
	  write_connections },
	{ "fcgiauth_connections_accepted_total", "counter",
	  "Connections that were accepted.", write_accepted },
	{ "fcgiauth_requests_total", "counter", "Requests that were read.",
	  write_requests },
	{ "fcgiauth_requests_malformed_total", "counter",
	  "Requests that were not valid FastCGI.", write_malformed },
	{ "fcgiauth_requests_timeout_total", "counter",
	  "Connections that were closed because a request or an answer took "
	  "too long.",
	  write_timeouts },
	{ "fcgiauth_workers", "gauge", "Worker threads.", write_workers },
	{ "fcgiauth_workers_busy_seconds_total", "counter",
	  "How long all workers together were busy.", write_busy },
	{ "fcgiauth_cache_entries", "gauge", "Credentials in memory.",
	  write_entries },
	{ "fcgiauth_cache_size", "gauge",
	  "Credentials that fit into memory; 0 if there is no cache.",
	  write_size },
	{ "fcgiauth_cache_hits_total", "counter",
	  "Checks that were answered from memory.", write_hits },
	{ "fcgiauth_cache_misses_total", "counter",
	  "Checks whose credential was not in memory.", write_misses },
	{ "fcgiauth_cache_changes_total", "counter",
	  "Changes of sessions that were reported to the cache.",
	  write_changes },
	{ "fcgiauth_feed", "gauge",
	  "1 for the present state of the change feed, 0 for the others.",
	  write_feed },
	{ "fcgiauth_reloads_total", "counter",
	  "Reloads of the configuration by result.", write_plain },
};

static bool
is_permitted(const struct request_context *ctx)
{
	const struct metrics_settings *set = &ctx->service->set->metrics;
	struct address address;
	struct network network;

	if (!set->enabled || !ctx->in->shows_metrics ||
	    ctx->service->shared->metrics == NULL ||
	    !address_parse(ctx->in->remote_addr, &address))
		return false;
	for (size_t i = 0; i < set->network.n; i++) {
		if (network_parse(set->network.v[i], &network) &&
		    network_has(&network, &address))
			return true;
	}
	return false;
}

static void
write_families(struct request_context *ctx)
{
	const struct service_shared *shared = ctx->service->shared;
	struct metrics_writer w = { .out = &ctx->out->body, .ctx = ctx };

	metrics_read(shared->metrics, w.n);
	status_count_cache(ctx, &w.cache);
	if (shared->count_server != NULL)
		shared->count_server(shared->server, &w.server);
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		w.family = &families[i];
		buf_printf(w.out, "# HELP %s %s\n# TYPE %s %s\n",
			   w.family->name, w.family->help, w.family->name,
			   w.family->type);
		w.family->write(&w);
	}
}

void
metrics_get(struct request_context *ctx)
{
	if (!is_permitted(ctx)) {
		answer_refusal(ctx, 404, "not_found", "Not found.");
		return;
	}
	answer_status(ctx, 200);
	http_response_header(ctx->out, "Content-Type",
			     STR("text/plain; version=0.0.4; charset=utf-8"));
	write_families(ctx);
}
