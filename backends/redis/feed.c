/* SPDX-License-Identifier: MIT */
/*
 * The change feed of the Redis store: the server reports each change of a
 * session or a denial by any client (client/watch.h).
 *
 * The watched keys are those of the shards, which include the lists, and those
 * of denials. With a text for each shard only the sessions could be watched,
 * but the server would compare each key that any client writes with all of
 * them.
 */
#include "strategy/feed.h"
#include "strategy/session_id.h"
#include "backends/redis/client/watch.h"
#include "backends/redis/records.h"
#include "backends/redis/store_internal.h"

#include <stdlib.h>

struct redis_feed {
	struct redis_watch *watch;
	const struct change_sink *sink;
	struct str prefix; /* of the store */
};

/* Reads the rest of a key "{XX}s:ID". Returns false for keys of other kinds and
 * of other programs, which are no change. If only the id is damaged, it cannot
 * be known which session has changed, so this is a change of everything. */
static bool
change_of_shard_key(struct str rest, struct change *change)
{
	enum { FRONT = 4 }; /* bytes of "XX}s", before ':' */
	uint8_t shard;

	if (rest.n <= FRONT || !hex_decode(str_clip(rest, 2), &shard, 1) ||
	    !str_starts(str_skip(rest, 2), STR("}s:")))
		return false;
	*change = (struct change){ .kind = CHANGE_ALL };
	if (hex_decode(str_skip(rest, FRONT + 1), change->session.b,
		       SESSION_ID_BYTES))
		change->kind = CHANGE_SESSION;
	return true;
}

static void
tell_key(void *feed, const struct str *key)
{
	const struct redis_feed *f = feed;
	struct change change = { .kind = CHANGE_ALL };
	struct str rest;

	if (key == NULL) {
		change_tell(f->sink, &change);
		return;
	}
	if (!str_starts(*key, f->prefix))
		return;
	rest = str_skip(*key, f->prefix.n);
	if (str_starts(rest, STR("d:")))
		change = change_of_denial(str_skip(rest, 2));
	else if (!str_starts(rest, STR("{")) ||
		 !change_of_shard_key(str_skip(rest, 1), &change))
		return;
	change_tell(f->sink, &change);
}

static void
feed_redis_close(void *feed)
{
	struct redis_feed *f = feed;

	redis_watch_close(f->watch);
	free(f);
}

static int
feed_redis_open(void *backend, const struct feed_conf *conf, void **feed,
		struct err *err)
{
	struct redis_feed *f = calloc(1, sizeof(*f));
	const struct redis_watch_conf watch = {
		.starts = { "{", "d:" },
		.changed = tell_key,
		.ctx = f,
		.wake = conf->wake,
		.timeout_ms = conf->timeout_ms,
	};

	if (f == NULL)
		return err_nomem(err);
	f->sink = conf->sink;
	f->prefix = redis_prefix_of(backend);
	if (redis_watch_open(backend, &watch, &f->watch, err) != 0) {
		free(f);
		return -1;
	}
	*feed = f;
	return 0;
}

/* The caller opens another feed, whatever the reason. */
static int
feed_redis_result(int result, struct err *err)
{
	if (result != 0)
		err->code = ERR_UNAVAILABLE;
	return result;
}

static int
feed_redis_wait(void *feed, int64_t ms, struct err *err)
{
	struct redis_feed *f = feed;

	return feed_redis_result(redis_watch_wait(f->watch, ms, err), err);
}

static int
feed_redis_prove(void *feed, struct err *err)
{
	struct redis_feed *f = feed;

	return feed_redis_result(redis_watch_prove(f->watch, err), err);
}

const struct feed_ops redis_feed_ops = {
	.open = feed_redis_open,
	.close = feed_redis_close,
	.wait = feed_redis_wait,
	.prove = feed_redis_prove,
};
