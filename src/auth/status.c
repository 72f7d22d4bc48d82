/* SPDX-License-Identifier: MIT */
/* The endpoints /me, /health and /ready, and the answer to
 * AUTH_ACTION=status. */
#include "auth/status.h"

#include <pthread.h>
#include <stdlib.h>

#include "auth/answer.h"
#include "auth/credential.h"
#include "auth/hash_slots.h"
#include "auth/metrics.h"
#include "base/enc.h"
#include "base/log.h"

static json_t *
me_json(const struct request_context *ctx, const struct principal *principal)
{
	char id[HEX_LEN(SESSION_ID_BYTES)];
	json_t *body = credential_identity_json(&principal->who);

	hex_encode(principal->session.b, sizeof(principal->session.b), id);
	if (body == NULL ||
	    json_object_set_new(body, "session",
				json_stringn(id, sizeof(id))) != 0 ||
	    json_object_set_new(body, "expires_in",
				json_integer((principal->expires_ms -
					      ctx->call.now_ms) /
					     1000)) != 0) {
		json_decref(body);
		return NULL;
	}
	return body;
}

void
me_get(struct request_context *ctx)
{
	struct auth_result is;
	struct str token;
	struct err err;

	if (credential_authenticate(ctx, &is, &token, &err) != 0) {
		answer_unavailable(ctx, &err);
	} else if (is.verdict == VERDICT_ALLOW) {
		answer_json(ctx, 200, me_json(ctx, &is.principal));
	} else {
		answer_sign_in_first(ctx);
	}
}

void
health_get(struct request_context *ctx)
{
	answer_json(ctx, 200, json_pack("{s:s}", "status", "ok"));
}

#define PROBE_EVERY_MS 1000

enum down { DOWN_STORE = 1 << 0, DOWN_USERS = 1 << 1, DOWN_FACTORS = 1 << 2 };

struct probe {
	/* Guards the members below; not held across I/O. */
	pthread_mutex_t lock;
	bool pinging;
	int64_t next_ms;
	unsigned down; /* bits of enum down */
};

struct probe *
probe_new(void)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	(void)pthread_mutex_init(&p->lock, NULL); /* cannot fail */
	p->down = DOWN_STORE | DOWN_USERS; /* until the first probe */
	return p;
}

void
probe_free(struct probe *p)
{
	if (p == NULL)
		return;
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

static unsigned
note_down(struct request_context *ctx, const char *what, enum down bit,
	  const struct err *err)
{
	LOG(ctx->call.env->log, LOG_WARNING, "not_ready", F_CSTR("part", what),
	    F_CSTR("reason", err->msg));
	return bit;
}

static unsigned
ping_all(struct request_context *ctx)
{
	unsigned down = 0;
	struct err err;

	if (store_ping(ctx->call.store, &err) != 0)
		down |= note_down(ctx, "store", DOWN_STORE, &err);
	if (users_ping(ctx->call.users, &err) != 0)
		down |= note_down(ctx, "users", DOWN_USERS, &err);
	if (ctx->call.factors != NULL &&
	    factors_ping(ctx->call.factors, &err) != 0)
		down |= note_down(ctx, "factors", DOWN_FACTORS, &err);
	return down;
}

static unsigned
probe(struct request_context *ctx)
{
	struct probe *p = ctx->service->shared->probe;
	int64_t now_ms = env_mono_ms(ctx->call.env);
	unsigned down;
	bool mine;

	(void)pthread_mutex_lock(&p->lock);
	mine = !p->pinging && now_ms >= p->next_ms;
	p->pinging = p->pinging || mine;
	down = p->down;
	(void)pthread_mutex_unlock(&p->lock);
	if (!mine)
		return down;
	down = ping_all(ctx);
	(void)pthread_mutex_lock(&p->lock);
	p->pinging = false;
	p->next_ms = now_ms + PROBE_EVERY_MS;
	p->down = down;
	(void)pthread_mutex_unlock(&p->lock);
	return down;
}

/* Returns the names of what is down; NULL when out of memory. */
static json_t *
down_json(unsigned down)
{
	static const struct {
		enum down bit;
		const char *name;
	} parts[] = { { DOWN_STORE, "store" },
		      { DOWN_USERS, "users" },
		      { DOWN_FACTORS, "factors" } };
	json_t *names = json_array();

	for (size_t i = 0; names != NULL && i < ARRAY_LEN(parts); i++) {
		if ((down & parts[i].bit) != 0 &&
		    json_array_append_new(names, json_string(parts[i].name)) !=
			0) {
			json_decref(names);
			names = NULL;
		}
	}
	return names;
}

static void
answer_not_ready(struct request_context *ctx, unsigned down)
{
	answer_json(ctx, 503,
		    json_pack("{s:s, s:o}", "status", "unavailable", "down",
			      down_json(down)));
	answer_retry_after(ctx, 1);
}

void
status_count_cache(const struct request_context *ctx, struct cache_counts *out)
{
	struct cache *cache = ctx->service->shared->cache;

	*out = (struct cache_counts){ .size = 0 };
	if (cache != NULL)
		cache_count(cache, env_mono_ms(ctx->call.env), out);
}

const char *
status_feed_word(const struct request_context *ctx,
		 const struct cache_counts *n)
{
	if (n->size == 0 || !service_asks_store(ctx->service))
		return "off"; /* the service does not need one */
	switch (n->trust) {
	case CACHE_DOUBT:
		break;
	case CACHE_AGE:
		return "none"; /* the store has none */
	case CACHE_LOCAL:
		return "local"; /* the store belongs to this process */
	case CACHE_FEED:
		return "proven";
	}
	return "lost";
}

static json_t *
cache_json(const struct request_context *ctx)
{
	struct cache_counts n;

	status_count_cache(ctx, &n);
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "feed",
			 status_feed_word(ctx, &n), "size", (json_int_t)n.size,
			 "entries", (json_int_t)n.entries, "hits",
			 (json_int_t)n.hits, "misses", (json_int_t)n.misses,
			 "changes", (json_int_t)n.changes);
}

static json_t *
hashes_json(const struct request_context *ctx)
{
	struct hash_slots_count n =
	    hash_slots_count(ctx->service->shared->hash_slots);

	return json_pack("{s:i, s:i}", "running", (int)n.running, "waiting",
			 (int)n.waiting);
}

static json_t *
server_json(const struct server_counts *n)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "workers",
			 (json_int_t)n->workers, "busy_ms",
			 (json_int_t)n->busy_ms, "connections",
			 (json_int_t)n->connections, "requests",
			 (json_int_t)n->requests);
}

static json_t *
checks_json(const uint64_t n[METRIC_COUNT])
{
	uint64_t sums[METRIC_VERDICTS] = { 0 };

	for (size_t i = 0; i < (size_t)METRIC_MODES * METRIC_VERDICTS; i++)
		sums[i % METRIC_VERDICTS] += n[METRIC_CHECK + i];
	return json_pack("{s:I, s:I, s:I, s:I}", "allowed",
			 (json_int_t)sums[METRIC_ALLOWED], "401",
			 (json_int_t)sums[METRIC_401], "403",
			 (json_int_t)sums[METRIC_403], "503",
			 (json_int_t)sums[METRIC_503]);
}

static json_t *
logins_json(const uint64_t n[METRIC_COUNT])
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "success",
			 (json_int_t)n[METRIC_LOGIN_SUCCESS], "failure",
			 (json_int_t)n[METRIC_LOGIN_FAILURE], "banned",
			 (json_int_t)n[METRIC_LOGIN_BANNED], "busy",
			 (json_int_t)n[METRIC_LOGIN_BUSY], "unavailable",
			 (json_int_t)n[METRIC_LOGIN_UNAVAILABLE]);
}

static json_t *
refreshes_json(const uint64_t n[METRIC_COUNT])
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "renewed",
			 (json_int_t)n[METRIC_REFRESH_RENEWED], "repeated",
			 (json_int_t)n[METRIC_REFRESH_REPEATED], "refused",
			 (json_int_t)n[METRIC_REFRESH_REFUSED], "reused",
			 (json_int_t)n[METRIC_REFRESH_REUSED], "unavailable",
			 (json_int_t)n[METRIC_REFRESH_UNAVAILABLE]);
}

static json_t *
counts_json(const uint64_t n[METRIC_COUNT])
{
	return json_pack("{s:o, s:o, s:o, s:I}", "checks", checks_json(n),
			 "logins", logins_json(n), "refreshes",
			 refreshes_json(n), "bans", (json_int_t)n[METRIC_BAN]);
}

/* Adds what is counted; returns -1 when out of memory. */
static int
status_add_counts(const struct request_context *ctx, json_t *body)
{
	struct metrics *m = ctx->service->shared->metrics;
	uint64_t all[METRIC_COUNT], recent[METRIC_COUNT];

	if (m == NULL)
		return 0;
	metrics_read(m, all);
	metrics_read_recent(m, env_mono_ms(ctx->call.env), recent);
	if (json_object_set_new(body, "started",
				json_integer(m->started_ms / 1000)) != 0 ||
	    json_object_set_new(body, "total", counts_json(all)) != 0 ||
	    json_object_set_new(body, "recent", counts_json(recent)) != 0)
		return -1;
	return 0;
}

void
status_answer(struct request_context *ctx)
{
	const struct service_shared *shared = ctx->service->shared;
	const struct settings *set = ctx->service->set;
	struct server_counts server = { .workers = 0 };
	unsigned down;
	json_t *body;

	if (shared->count_server != NULL)
		shared->count_server(shared->server, &server);
	down = (server.store_down ? DOWN_STORE : 0U) |
	       (server.users_down ? DOWN_USERS : 0U) |
	       (server.factors_down ? DOWN_FACTORS : 0U);
	body =
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}",
		      "version", PACKAGE_VERSION, "mode",
		      set->mode.driver->name, "store", set->store.driver->name,
		      "users", set->users.driver->name, "factors",
		      set->factors.driver->name, "down", down_json(down),
		      "cache", cache_json(ctx), "hashes", hashes_json(ctx),
		      "server", server_json(&server));
	if (body != NULL && status_add_counts(ctx, body) != 0) {
		json_decref(body);
		body = NULL;
	}
	answer_json(ctx, 200, body);
}

void
ready_get(struct request_context *ctx)
{
	unsigned down = probe(ctx);
	struct cache_counts n;

	status_count_cache(ctx, &n);
	/* Without a feed the service is slower, but it works. */
	if (down == 0)
		answer_json(ctx, 200,
			    json_pack("{s:s, s:s}", "status", "ok", "feed",
				      status_feed_word(ctx, &n)));
	else
		answer_not_ready(ctx, down);
}
