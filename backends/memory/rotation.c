/* SPDX-License-Identifier: MIT */
/* Rotation of refresh tokens in the memory store. */
#include "strategy/clock.h"
#include "backends/memory/sessions.h"

#include <string.h>

static bool
is_in_grace(const struct memory_rotation *last, const struct rotation *r,
	    int64_t now_ms)
{
	return last->rotated && token_hash_same(&r->presented, &last->parent) &&
	       in_grace(last->rotated_ms, r->grace_ms, now_ms);
}

static enum rotate_answer
rotation_decide(const struct memory_entry *e,
		const struct memory_rotation *last, const struct rotation *r,
		int64_t now_ms)
{
	if (!memory_entry_is_alive(e, now_ms) || last->generation == UINT32_MAX)
		return ROTATE_GONE;
	if (r->generation > last->generation)
		return ROTATE_FUTURE;
	if (token_hash_same(&r->presented, &e->token))
		return ROTATE_DONE;
	return is_in_grace(last, r, now_ms) ? ROTATE_GRACE : ROTATE_REUSED;
}

static void
rotation_advance(struct session *s, struct memory_rotation *last,
		 const struct rotation *r, int64_t now_ms)
{
	int64_t idle_expires_ms = later_ms(now_ms, r->idle_ms);

	last->rotated = true;
	last->parent = s->token;
	memcpy(last->wrapped, r->wrapped, sizeof(last->wrapped));
	last->rotated_ms = now_ms;
	s->token = r->next;
	s->generation++;
	s->last_seen_ms = now_ms;
	s->idle_expires_ms =
	    idle_expires_ms < s->expires_ms ? idle_expires_ms : s->expires_ms;
}

int
memory_sessions_rotate(struct memory_sessions *t, const struct call *c,
		       const struct rotation *r, struct rotated *out,
		       struct err *err)
{
	struct memory_entry *e = memory_sessions_id(t, &r->id);
	struct memory_rotation last = { .generation = 0 };
	struct rotated is = { .answer = ROTATE_GONE };

	if (e != NULL) {
		last = memory_entry_rotation(e);
		is.answer = rotation_decide(e, &last, r, c->now_ms);
	}
	/* What may fail comes before any change. */
	if (is.answer != ROTATE_GONE &&
	    memory_entry_get(e, c->arena, &is.session, err) != 0)
		return -1;
	if (is.answer == ROTATE_DONE) {
		rotation_advance(&is.session, &last, r, c->now_ms);
		if (memory_sessions_replace(t, e, &is.session, &last, err) != 0)
			return -1;
	}
	if (is.answer == ROTATE_REUSED)
		memory_sessions_remove(t, e);
	if (is.answer == ROTATE_DONE || is.answer == ROTATE_GRACE)
		memcpy(is.wrapped, last.wrapped, sizeof(is.wrapped));
	*out = is;
	return 0;
}
