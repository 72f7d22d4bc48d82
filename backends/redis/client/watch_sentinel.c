/* SPDX-License-Identifier: MIT */
/* Asks the sentinels whether the watched server is still the master. */
#include "backends/redis/client/watch_internal.h"

#include <string.h>

/* How long a sentinel that did not answer is left out. */
#define SKIP_MS 10000

/* Asks one sentinel on its connection, which stays open. */
static int
sentinel_again(const struct redis_server *s,
	       struct redis_watch_sentinel *sentinel,
	       const struct redis_address *at, int64_t deadline_ms,
	       struct redis_address *out, struct err *err)
{
	if (sentinel->wire != NULL && redis_wire_is_stale(sentinel->wire)) {
		redis_wire_close(sentinel->wire);
		sentinel->wire = NULL;
	}
	if (sentinel->wire == NULL &&
	    redis_sentinel_open(s, at, deadline_ms, &sentinel->wire, err) != 0)
		return -1;
	if (redis_sentinel_query(s, sentinel->wire, deadline_ms, out, err) == 0)
		return 0;
	redis_wire_close(sentinel->wire);
	sentinel->wire = NULL;
	return -1;
}

/* Asks the sentinels in turn until one answers: first those that answered the
 * last time, then the others. */
static int
ask_in_turn(struct redis_watch *w, int64_t deadline_ms,
	    struct redis_address *out, struct err *err)
{
	const struct redis_server *s = w->server;
	const struct redis_addresses *list = &s->target.sentinels;
	const int64_t now_ms = env_mono_ms(s->env);
	size_t left = list->n + 1; /* part of the time is for the servers */

	for (size_t i = 0; i < 2 * list->n; i++) {
		const size_t which = (w->turn + i) % list->n;
		struct redis_watch_sentinel *sentinel = &w->sentinels[which];
		const bool skipped = sentinel->skip_until_ms > now_ms;

		if (skipped != (i >= list->n) ||
		    sentinel->skip_until_ms >= now_ms + SKIP_MS)
			continue;
		if (sentinel_again(s, sentinel, &list->v[which],
				   redis_share(s->env, deadline_ms, left), out,
				   err) == 0) {
			sentinel->skip_until_ms = 0;
			return 0;
		}
		sentinel->skip_until_ms = env_mono_ms(s->env) + SKIP_MS;
		left--;
	}
	return -1;
}

int
redis_watch_ask_sentinel(struct redis_watch *w, int64_t deadline_ms,
			 struct err *err)
{
	const struct redis_address *at = redis_wire_address(w->v[0].feed);
	struct redis_address named;

	if (ask_in_turn(w, deadline_ms, &named, err) != 0)
		return err_context(err, "sentinel");
	if (named.port == at->port && strcmp(named.host, at->host) == 0)
		return 0;
	(void)err_set(err, ERR_UNAVAILABLE,
		      "the sentinels name another master: %s:%u", named.host,
		      (unsigned)named.port);
	return redis_wire_add_peer(at, err);
}
