/* SPDX-License-Identifier: MIT */
/* Watches all masters. */
#include "backends/redis/client/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/redis/client/cluster.h"
#include "backends/redis/client/watch_internal.h"

#define WATCH_BYTES (4 << 20)

static int
find_masters(struct redis_watch *w, int64_t deadline_ms,
	     struct redis_addresses *out, struct err *err)
{
	struct redis_server *s = w->server;
	struct redis_address *at;

	if (s->target.cluster) {
		w->cluster = redis_cluster_new(s);
		if (w->cluster == NULL)
			return err_nomem(err);
		return redis_cluster_refresh(w->cluster, NULL, deadline_ms,
					     err) != 0 ?
			   -1 :
			   redis_cluster_masters(w->cluster, w->arena, out,
						 err);
	}
	if (s->target.sentinels.n == 0) {
		*out = s->target.servers;
		return 0;
	}
	at = arena_array(w->arena, 1, sizeof(*at));
	if (at == NULL)
		return err_nomem(err);
	*out = (struct redis_addresses){ .v = at, .n = 1 };
	return redis_sentinel_ask(s, redis_share(s->env, deadline_ms, 2), at,
				  err);
}

/* Allocates what a watch of these masters needs. */
static int
watch_reserve(struct redis_watch *w, size_t n, struct err *err)
{
	const size_t sentinels = w->server->target.sentinels.n;

	w->v = arena_array(w->arena, n, sizeof(*w->v));
	w->fds = arena_array(w->arena, n + 1, sizeof(*w->fds));
	w->sentinels = arena_array(w->arena, sentinels, sizeof(*w->sentinels));
	return w->v == NULL || w->fds == NULL || w->sentinels == NULL ?
		   err_nomem(err) :
		   0;
}

/* Succeeds if all servers are masters, and there are no others. All are asked
 * at once. */
static int
check_masters(struct redis_watch *w, int64_t deadline_ms, struct err *err)
{
	const size_t turn = w->turn++;

	if (w->server->target.sentinels.n > 0 &&
	    redis_watch_ask_sentinel(w, deadline_ms, err) != 0)
		return -1;
	for (size_t i = 0; i < w->n; i++)
		if (redis_watched_ask(w, &w->v[i], i == turn % w->n,
				      deadline_ms, err) != 0)
			return -1;
	for (size_t i = 0; i < w->n; i++)
		if (redis_watched_answer(w, &w->v[i], i == turn % w->n,
					 deadline_ms, err) != 0)
			return -1;
	return 0;
}

static int
watch_open_all(struct redis_watch *w, int64_t deadline_ms, struct err *err)
{
	struct redis_addresses masters;

	if (find_masters(w, deadline_ms, &masters, err) != 0 ||
	    watch_reserve(w, masters.n, err) != 0)
		return -1;
	while (w->n < masters.n) {
		const struct redis_address *at = &masters.v[w->n++];
		struct redis_watched *m = &w->v[w->n - 1];

		if (redis_watched_open(w, m, at, deadline_ms, err) != 0)
			return -1;
		w->fds[w->n - 1] =
		    (struct pollfd){ .fd = redis_wire_fd(m->feed),
				     .events = POLLIN };
	}
	w->fds[w->n] = (struct pollfd){ .fd = w->conf.wake, .events = POLLIN };
	return check_masters(w, deadline_ms, err);
}

int
redis_watch_open(void *server, const struct redis_watch_conf *conf,
		 struct redis_watch **out, struct err *err)
{
	struct redis_watch *w = calloc(1, sizeof(*w));
	int64_t deadline_ms;

	if (w == NULL)
		return err_nomem(err);
	w->server = server;
	w->conf = *conf;
	w->arena = arena_new(WATCH_BYTES);
	deadline_ms = env_mono_ms(w->server->env) + conf->timeout_ms;
	if ((w->arena == NULL ? err_nomem(err) :
				watch_open_all(w, deadline_ms, err)) != 0) {
		redis_watch_close(w);
		return -1;
	}
	*out = w;
	return 0;
}

void
redis_watch_close(struct redis_watch *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n; i++) {
		redis_wire_close(w->v[i].feed);
		if (w->cluster == NULL)
			redis_wire_close(w->v[i].check);
	}
	for (size_t i = 0;
	     w->sentinels != NULL && i < w->server->target.sentinels.n; i++)
		redis_wire_close(w->sentinels[i].wire);
	redis_cluster_free(w->cluster);
	arena_free(w->arena);
	free(w);
}

static int
watch_take_all(struct redis_watch *w, struct err *err)
{
	for (size_t i = 0; i < w->n; i++)
		if (redis_watched_take(w, &w->v[i], err) != 0)
			return -1;
	return 0;
}

static int
watch_wait(struct redis_watch *w, int64_t ms, struct err *err)
{
	w->told = false;
	/* A connection may have read more than it was asked for. */
	if (watch_take_all(w, err) != 0)
		return -1;
	if (w->told)
		return 0;
	if (poll(w->fds, w->n + 1, ms > INT32_MAX ? INT32_MAX : (int)ms) < 0 &&
	    errno != EINTR)
		return err_set(err, ERR_UNAVAILABLE, "poll: %s",
			       strerror(errno));
	return watch_take_all(w, err);
}

/* A server sends the messages of changes before the acknowledgements of these
 * changes, so they arrive before the reply to a later PING. */
static int
ping_masters(struct redis_watch *w, int64_t deadline_ms, struct err *err)
{
	char text[24];
	struct str argv[] = { STR("PING"), { .p = text } };

	argv[1].n = (size_t)snprintf(text, sizeof(text), "%lu", ++w->pings);
	for (size_t i = 0; i < w->n; i++)
		if (redis_wire_queue(w->v[i].feed, argv, ARRAY_LEN(argv),
				     err) != 0 ||
		    redis_wire_flush(w->v[i].feed, deadline_ms, err) != 0)
			return -1;
	for (size_t i = 0; i < w->n; i++)
		if (redis_watched_take_until(w, &w->v[i], argv[1], deadline_ms,
					     err) != 0)
			return -1;
	return 0;
}

static int
watch_prove(struct redis_watch *w, struct err *err)
{
	const int64_t deadline_ms =
	    env_mono_ms(w->server->env) + w->conf.timeout_ms;

	if (check_masters(w, deadline_ms, err) != 0)
		return -1;
	return ping_masters(w, deadline_ms, err);
}

/* After a failure there may be another master, while a former one still accepts
 * connections and knows nothing of what has ended since: all connections find
 * the masters again. */
static int
watch_result(const struct redis_watch *w, int result)
{
	if (result != 0 &&
	    (w->cluster != NULL || w->server->target.sentinels.n > 0))
		atomic_fetch_add(&w->server->masters, 1);
	return result;
}

int
redis_watch_wait(struct redis_watch *w, int64_t ms, struct err *err)
{
	return watch_result(w, watch_wait(w, ms, err));
}

int
redis_watch_prove(struct redis_watch *w, struct err *err)
{
	return watch_result(w, watch_prove(w, err));
}
