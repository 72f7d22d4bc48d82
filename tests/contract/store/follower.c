/* SPDX-License-Identifier: MIT */
/* Follows the change feed of a store, for the contract suite. */
#include "tests/contract/store/follower.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool
fixture_has_feed(const struct fixture *r)
{
	return store_kinds[r->kind].has_feed;
}

static void
record_change(void *ctx, const struct change *change)
{
	struct follower *f = ctx;
	struct seen *s = &f->v[f->n];

	if (change->kind == CHANGE_ALL) {
		f->all = true;
		return;
	}
	ck_assert_msg(f->n < SEEN_MAX, "%s: too many changes", f->r->name);
	ck_assert_uint_le(change->user.n, sizeof(s->user));
	s->change = *change;
	if (change->user.n > 0)
		memcpy(s->user, change->user.p, change->user.n);
	s->change.user.p = s->user;
	f->n++;
}

struct follower *
follower_open(struct fixture *r, const struct backend *store)
{
	struct follower *f = calloc(1, sizeof(*f));
	struct feed_conf conf = { .timeout_ms = 10000 };

	ck_assert_ptr_nonnull(f);
	f->r = r;
	f->sink = (struct change_sink){ .changed = record_change, .ctx = f };
	f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(f->wake, 0);
	conf.sink = &f->sink;
	conf.wake = f->wake;
	OK(r, r->ops->feed->open(store->opened, &conf, &f->feed, &r->err));
	/* It is borrowed for the call. */
	memset(&conf, 'x', sizeof(conf));
	return f;
}

void
follower_close(struct follower *f)
{
	f->r->ops->feed->close(f->feed);
	ck_assert_int_eq(close(f->wake), 0);
	free(f);
}

void
follower_prove(struct follower *f)
{
	struct fixture *r = f->r;

	OK(r, r->ops->feed->prove(f->feed, &r->err));
}

void
follower_forget(struct follower *f)
{
	f->all = false;
	f->n = 0;
}

bool
follower_covers(const struct follower *f, const struct session *s)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct change *change = &f->v[i].change;

		if (change->kind == CHANGE_SESSION &&
		    session_id_same(&change->session, &s->id))
			return true;
		if (change->kind == CHANGE_USER &&
		    str_eq(change->user, s->who.name))
			return true;
	}
	return f->all;
}

struct watched
watch_store(int kind)
{
	struct watched w = { .r = fixture_open(kind) };

	if (fixture_has_feed(w.r)) {
		w.second = fixture_store(w.r);
		w.other = fixture_conn_to(w.r, w.second);
		w.follower = follower_open(w.r, w.r->store);
		follower_prove(w.follower);
		follower_forget(w.follower);
	}
	return w;
}

void
unwatch_store(struct watched *w)
{
	if (w->follower != NULL) {
		follower_close(w->follower);
		store_conn_free(w->other);
		backend_unref(w->second);
	}
	fixture_close(w->r);
}
