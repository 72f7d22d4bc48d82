/* SPDX-License-Identifier: MIT */
/* Contract: random operations on sessions have the results that a simple store
 * would give. */
#include "tests/contract/store/fixture.h"
#include "strategy/clock.h"
#include "tests/contract/store/rotate.h"

#include <string.h>

#define SESSIONS 8
#define STEPS	 400
#define MINUTE	 INT64_C(60000)
#define IDLE	 (30 * MINUTE)
#define ABSOLUTE (200 * MINUTE)

/* What the store must have. A slot whose session has ended gets another one. */
struct model {
	struct session v[SESSIONS];
	int64_t now;
	uint32_t seed;
};

static uint32_t
model_random(struct model *m, uint32_t below)
{
	m->seed = m->seed * UINT32_C(1664525) + UINT32_C(1013904223);
	return (m->seed >> 8) % below;
}

static bool
has_ended(const struct session *s, int64_t now)
{
	return s->idle_expires_ms <= now || s->expires_ms <= now;
}

static void
model_create(struct fixture *r, struct model *m, unsigned i)
{
	struct session *s = &m->v[i];

	*s = fixture_session(r, i % 2 == 0 ? "alice" : "bob", m->now);
	s->remember = model_random(m, 4) == 0;
	s->expires_ms = m->now + ABSOLUTE;
	s->idle_expires_ms = s->remember ? s->expires_ms : m->now + IDLE;
	OK(r, store_create(r->conn, AT(r, m->now), s, 0, NULL, &r->err));
}

/* A touch may be written late, by a clock that is behind, or under another
 * idle timeout. */
static void
model_touch(struct fixture *r, struct model *m, unsigned i)
{
	struct session *s = &m->v[i];
	struct touch t = { .id = s->id };
	const int64_t idle = model_random(m, 6) == 0 ? IDLE - 7 * MINUTE : IDLE;

	t.last_seen_ms = m->now - model_random(m, 40000);
	t.idle_expires_ms = s->remember ?
				s->idle_expires_ms :
				min64(t.last_seen_ms + idle, s->expires_ms);
	OK(r, store_touch(r->conn, AT(r, m->now), &t, &r->err));
	if (has_ended(s, t.last_seen_ms))
		return;
	if (seen_ahead(s->last_seen_ms, m->now)) {
		s->last_seen_ms = t.last_seen_ms;
		s->idle_expires_ms = t.idle_expires_ms;
		return;
	}
	if (s->last_seen_ms < t.last_seen_ms)
		s->last_seen_ms = t.last_seen_ms;
	if (s->idle_expires_ms < t.idle_expires_ms)
		s->idle_expires_ms = t.idle_expires_ms;
}

static void
model_rotate(struct fixture *r, struct model *m, unsigned i)
{
	struct session *s = &m->v[i];
	struct rotation use = fixture_rotation(r, &s->token, s->generation);
	struct rotated t;

	use.idle_ms = model_random(m, 4) == 0 ? IDLE / 2 : IDLE;
	t = rotate(r, &s->id, &use, m->now);
	HOLDS(r, t.answer == ROTATE_DONE);
	*s = rotated_session(s, &use, m->now);
}

static void
model_update(struct fixture *r, struct model *m, unsigned i)
{
	static const struct str roles[] = { { "a", 1 },
					    { "a,b", 3 },
					    { "", 0 } };
	struct identity who = m->v[i].who;

	who.roles = roles[model_random(m, ARRAY_LEN(roles))];
	OK(r, store_update_user(r->conn, AT(r, m->now), &who, &r->err));
	for (unsigned k = i % 2; k < SESSIONS; k += 2)
		m->v[k].who.roles = who.roles;
}

static void
model_end(struct fixture *r, struct model *m, unsigned i)
{
	bool ended;

	OK(r,
	   store_revoke(r->conn, AT(r, m->now), &m->v[i].id, &ended, &r->err));
	HOLDS(r, ended);
	HOLDS(r, !fixture_is_alive(r, &m->v[i], m->now));
	model_create(r, m, i);
}

static void
model_sweep(struct fixture *r, struct model *m)
{
	int64_t removed;

	OK(r, store_sweep(r->conn, AT(r, m->now), 1000, &removed, &r->err));
}

static void
compare_with_model(struct fixture *r, struct model *m)
{
	int64_t live[2] = { 0, 0 };

	for (unsigned i = 0; i < SESSIONS; i++) {
		struct session *s = &m->v[i];
		const struct session_answer got = fixture_find(r, s, m->now);

		SAME(r, (int)got.found, (int)!has_ended(s, m->now));
		if (!got.found) {
			model_create(r, m, i);
			live[i % 2]++;
			continue;
		}
		live[i % 2]++;
		SAME(r, got.session.last_seen_ms, s->last_seen_ms);
		SAME(r, got.session.idle_expires_ms, s->idle_expires_ms);
		HOLDS(r, session_same(&got.session, s));
	}
	SAME(r, fixture_live(r, "alice", m->now), live[0]);
	SAME(r, fixture_live(r, "bob", m->now), live[1]);
}

static void
model_step(struct fixture *r, struct model *m)
{
	const unsigned i = model_random(m, SESSIONS);
	const uint32_t what = model_random(m, 40);

	if (what < 26)
		model_touch(r, m, i);
	else if (what < 29)
		model_rotate(r, m, i);
	else if (what < 31)
		model_update(r, m, i);
	else if (what < 32)
		model_end(r, m, i);
	else if (what < 35)
		model_sweep(r, m);
	else
		m->now +=
		    model_random(m, what == 39 ? 25 * MINUTE : 3 * MINUTE);
}

START_TEST(sessions_are_those_of_a_simple_store)
{
	struct fixture *r = fixture_open(_i);
	struct model m = { .now = r->now, .seed = 1 };

	for (unsigned i = 0; i < SESSIONS; i++)
		model_create(r, &m, i);
	for (int step = 0; step < STEPS; step++) {
		model_step(r, &m);
		compare_with_model(r, &m);
		arena_reset(r->a);
	}
	fixture_close(r);
}
END_TEST

TCase *
store_model_cases(void)
{
	TCase *t = new_case("model");

	tcase_add_loop_test(t, sessions_are_those_of_a_simple_store, 0,
			    fixture_count());
	return t;
}
