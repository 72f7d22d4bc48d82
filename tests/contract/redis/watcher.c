/* SPDX-License-Identifier: MIT */
/* A watch and what it reports. */
#include "tests/contract/redis/watcher.h"

#include <stdio.h>
#include <string.h>

#define LONG_MS 20000

static void
count_key(void *ctx, const struct str *key)
{
	struct watcher *w = ctx;

	if (key == NULL) {
		w->all = true;
		return;
	}
	w->keys++;
	(void)snprintf(w->last, sizeof(w->last), "%.*s", STR_ARG(*key));
}

int
watcher_open(struct watcher *w, struct fixture *r)
{
	const struct redis_watch_conf conf = {
		.starts = { "k", "{" },
		.changed = count_key,
		.ctx = w,
		.wake = -1,
		.timeout_ms = w->timeout_ms == 0 ? LONG_MS : w->timeout_ms,
	};

	w->r = r;
	if (r->server == NULL && fixture_open(r) != 0)
		return -1;
	return redis_watch_open(r->server, &conf, &w->watch, &r->err);
}

void
watcher_close(struct watcher *w)
{
	redis_watch_close(w->watch);
	w->watch = NULL;
}

int
watcher_prove(struct watcher *w)
{
	return redis_watch_prove(w->watch, &w->r->err);
}

void
watcher_begin(struct watcher *w)
{
	OK(w->r, watcher_prove(w));
	w->all = false;
	w->keys = 0;
}

void
watcher_wait_for_failure(struct watcher *w, const char *text)
{
	const int64_t end = process_now_ms() + LONG_MS;

	while (redis_watch_wait(w->watch, 100, &w->r->err) == 0)
		ck_assert_int_lt(process_now_ms(), end);
	ck_assert_msg(strstr(w->r->err.msg, text) != NULL, "%s", w->r->err.msg);
}
