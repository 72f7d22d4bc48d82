/* SPDX-License-Identifier: MIT */
/* Rotation of refresh tokens in the memory store. */
#include "strategy/clock.h"
#include "backends/memory/sessions.h"

#include <string.h>

static bool
is_in_grace(const struct memory_entry *e, const struct rotation *r,
	    int64_t now_ms)
{
	return e->rotated && token_hash_same(&r->presented, &e->parent) &&
	       in_grace(e->rotated_ms, r->grace_ms, now_ms);
}

static enum rotate_answer
rotation_decide(const struct memory_entry *e, const struct rotation *r,
		int64_t now_ms)
{
	if (e == NULL || !memory_is_alive(&e->s, now_ms) ||
	    e->s.generation == UINT32_MAX)
		return ROTATE_GONE;
	if (r->generation > e->s.generation)
		return ROTATE_FUTURE;
	if (token_hash_same(&r->presented, &e->s.token))
		return ROTATE_DONE;
	return is_in_grace(e, r, now_ms) ? ROTATE_GRACE : ROTATE_REUSED;
}

static void
rotation_advance(struct memory_entry *e, const struct rotation *r,
		 int64_t now_ms)
{
	int64_t idle_expires_ms = later_ms(now_ms, r->idle_ms);

	e->rotated = true;
	e->parent = e->s.token;
	e->s.token = r->next;
	memcpy(e->wrapped, r->wrapped, sizeof(e->wrapped));
	e->rotated_ms = now_ms;
	e->s.generation++;
	e->s.last_seen_ms = now_ms;
	e->s.idle_expires_ms = idle_expires_ms < e->s.expires_ms ?
				   idle_expires_ms :
				   e->s.expires_ms;
}

static void
carry_out(struct memory_sessions *t, struct memory_entry *e,
	  const struct rotation *r, int64_t now_ms, enum rotate_answer answer)
{
	switch (answer) {
	case ROTATE_GONE:
	case ROTATE_FUTURE:
	case ROTATE_GRACE:
		break;
	case ROTATE_DONE:
		rotation_advance(e, r, now_ms);
		break;
	case ROTATE_REUSED:
		memory_sessions_remove(t, e);
		break;
	}
}

int
memory_sessions_rotate(struct memory_sessions *t, const struct call *c,
		       const struct rotation *r, struct rotated *out,
		       struct err *err)
{
	struct memory_entry *e = memory_sessions_id(t, &r->id);
	struct rotated is = { .answer = rotation_decide(e, r, c->now_ms) };
	struct session got;

	if (is.answer != ROTATE_GONE) {
		/* This may fail, so it comes before any change. */
		if (memory_entry_get(e, c->arena, &got, err) != 0)
			return -1;
		carry_out(t, e, r, c->now_ms, is.answer);
		is.session = is.answer == ROTATE_DONE ? e->s : got;
		is.session.who = got.who; /* texts in the arena */
		is.session.address = got.address;
		is.session.user_agent = got.user_agent;
	}
	if (is.answer == ROTATE_DONE || is.answer == ROTATE_GRACE)
		memcpy(is.wrapped, e->wrapped, sizeof(e->wrapped));
	*out = is;
	return 0;
}
