/* SPDX-License-Identifier: MIT */
/* A rotation with its expected results. */
#ifndef CONTRACT_STORE_ROTATE_H
#define CONTRACT_STORE_ROTATE_H

#include "tests/contract/store/fixture.h"
#include "tests/support/call.h"

/* Outputs that an answer does not set come back as zero. */
static inline struct rotated
rotate(struct fixture *r, const struct session_id *id,
       const struct rotation *use, int64_t now)
{
	static const struct session untouched;
	struct rotated t = { .answer = ROTATE_FUTURE };
	struct rotation how = *use;

	how.id = *id;
	OK(r, store_rotate(r->conn, AT(r, now), &how, &t, &r->err));
	if (t.answer == ROTATE_GONE)
		HOLDS(r,
		      memcmp(&t.session, &untouched, sizeof(untouched)) == 0);
	else
		HOLDS(r, session_id_same(&t.session.id, id));
	return t;
}

static inline bool
rotated_gives(const struct rotated *t, const struct rotation *use)
{
	return memcmp(t->wrapped, use->wrapped, sizeof(use->wrapped)) == 0;
}

/* Returns the session as `use` must leave it after ROTATE_DONE. */
static inline struct session
rotated_session(const struct session *s, const struct rotation *use,
		int64_t now)
{
	struct session after = *s;

	after.token = use->next;
	after.generation++;
	after.last_seen_ms = now;
	after.idle_expires_ms = now + use->idle_ms < s->expires_ms ?
				    now + use->idle_ms :
				    s->expires_ms;
	return after;
}

/* Does a rotation that must be ROTATE_DONE. *s becomes the new session. */
static inline struct rotation
rotate_done(struct fixture *r, struct session *s, int64_t now)
{
	struct rotation use = fixture_rotation(r, &s->token, s->generation);
	struct session after = rotated_session(s, &use, now);
	struct rotated t = rotate(r, &s->id, &use, now);

	SAME(r, t.answer, ROTATE_DONE);
	HOLDS(r, rotated_gives(&t, &use));
	HOLDS(r, session_same(&t.session, &after));
	*s = after;
	return use;
}

/* Tests that no operation finds the session. */
static inline void
rotate_gone(struct fixture *r, const struct session *s, int64_t now)
{
	struct rotation use = fixture_rotation(r, &s->token, s->generation);
	bool ended = true;

	HOLDS(r, !fixture_is_alive(r, s, now));
	SAME(r, rotate(r, &s->id, &use, now).answer, ROTATE_GONE);
	OK(r, store_revoke(r->conn, NOW(r), &s->id, &ended, &r->err));
	HOLDS(r, !ended);
}

#endif
