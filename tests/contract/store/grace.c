/* SPDX-License-Identifier: MIT */
/* Contract: refresh tokens that are used twice. */
#include "strategy/clock.h"
#include "tests/contract/store/rotate.h"
#include "tests/support/call.h"

#include <string.h>

/* Returns a session whose secret *use has just replaced, at r->now. */
static struct session
rotated(struct fixture *r, struct rotation *use, int64_t grace_ms)
{
	struct session s = fixture_create(r, "alice", r->now - 100);

	*use = fixture_rotation(r, &s.token, 0);
	use->grace_ms = grace_ms;
	SAME(r, rotate(r, &s.id, use, r->now).answer, ROTATE_DONE);
	return rotated_session(&s, use, r->now);
}

/* Returns another use of the same secret. */
static struct rotation
again(struct fixture *r, const struct rotation *use)
{
	struct rotation other =
	    fixture_rotation(r, &use->presented, use->generation);

	other.grace_ms = use->grace_ms;
	return other;
}

START_TEST(the_grace_period_is_exact_to_the_millisecond)
{
	static const struct {
		int64_t grace, at;
		enum rotate_answer answer;
	} rows[] = {
		{ 10, 0, ROTATE_GRACE },
		{ 10, 9, ROTATE_GRACE },
		{ 10, 10, ROTATE_GRACE },
		{ 10, 11, ROTATE_REUSED },
		{ 10, -10, ROTATE_GRACE }, /* the clock of another host */
		{ 10, -11, ROTATE_REUSED },
		{ 1, 1, ROTATE_GRACE },
		{ 1, 2, ROTATE_REUSED },
		{ 0, 0, ROTATE_REUSED },
		{ 0, -1, ROTATE_REUSED },
		{ 0, 1, ROTATE_REUSED },
		{ 3000, 2999, ROTATE_GRACE },
		{ 3000, 3001, ROTATE_REUSED },
		{ INT64_MAX, 3599, ROTATE_GRACE },
	};
	struct fixture *r = fixture_open(_i);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t at = r->now + rows[i].at;
		struct rotation use, other;
		struct session s = rotated(r, &use, rows[i].grace);
		struct rotated t;

		other = again(r, &use);
		t = rotate(r, &s.id, &other, at);
		ck_assert_msg(t.answer == rows[i].answer,
			      "%s: row %zu: answer %d", r->name, i,
			      (int)t.answer);
		/* ROTATE_GRACE changes nothing, and ROTATE_REUSED returns the
		 * session as it was. */
		HOLDS(r, session_same(&t.session, &s));
		if (t.answer == ROTATE_GRACE) {
			HOLDS(r, rotated_gives(&t,
					       &use)); /* the first successor */
			HOLDS(r, fixture_is_alive(r, &s, at));
		} else {
			rotate_gone(r, &s, at);
			SAME(r, rotate(r, &s.id, &use, at).answer, ROTATE_GONE);
		}
	}
	SAME(r, fixture_live(r, "alice", r->now), 7);
	fixture_close(r);
}
END_TEST

/* The clock of another host may be a little behind. A clock that was set back
 * is not tolerated. */
START_TEST(the_grace_period_tolerates_a_clock_behind)
{
	struct fixture *r = fixture_open(_i);
	struct rotation use;
	struct session s = rotated(r, &use, 10);

	SAME(r, rotate(r, &s.id, &use, r->now - 10).answer, ROTATE_GRACE);
	SAME(r, rotate(r, &s.id, &use, r->now - 11).answer, ROTATE_REUSED);
	s = rotated(r, &use, 10);
	SAME(r, rotate(r, &s.id, &use, r->now - 3600000).answer, ROTATE_REUSED);
	fixture_close(r);
}
END_TEST

/* The session was created while the clock was two days ahead. */
START_TEST(touch_repairs_times_of_a_clock_ahead)
{
	const int64_t ahead = INT64_C(2) * 24 * 3600 * 1000;
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now + ahead);
	struct session_answer got;

	OK(r, store_touch(r->conn, NOW(r), TOUCH(s.id, r->now, r->now + 3600),
			  &r->err));
	got = fixture_find(r, &s, r->now);
	HOLDS(r, got.found);
	SAME(r, got.session.last_seen_ms, r->now);
	SAME(r, got.session.idle_expires_ms, r->now + 3600);
	SAME(r, got.session.expires_ms, s.expires_ms);
	HOLDS(r, !fixture_is_alive(r, &s, r->now + 3600));
	/* The clock of another host is only a little ahead. */
	s = fixture_create(r, "alice", r->now + CLOCK_SLACK_MS);
	OK(r, store_touch(r->conn, NOW(r), TOUCH(s.id, r->now, r->now + 3600),
			  &r->err));
	got = fixture_find(r, &s, r->now);
	HOLDS(r, got.found);
	HOLDS(r, session_same(&got.session, &s));
	fixture_close(r);
}
END_TEST

START_TEST(use_does_not_prolong_the_grace_period)
{
	struct fixture *r = fixture_open(_i);
	struct rotation use, before;
	struct session s = rotated(r, &use, 10);

	for (int at = 0; at <= 10; at++)
		SAME(r, rotate(r, &s.id, &use, r->now + at).answer,
		     ROTATE_GRACE);
	SAME(r, rotate(r, &s.id, &use, r->now + 11).answer, ROTATE_REUSED);
	rotate_gone(r, &s, r->now);

	/* The next rotation has its own grace period, which ends however often
	 * it is used. */
	s = rotated(r, &before, 10);
	SAME(r, rotate(r, &s.id, &before, r->now).answer, ROTATE_GRACE);
	use = rotate_done(r, &s, r->now + 8);
	for (int i = 0; i < 20; i++) {
		struct rotated t = rotate(r, &s.id, &use, r->now + 18);

		SAME(r, t.answer, ROTATE_GRACE);
		HOLDS(r,
		      rotated_gives(&t, &use) && !rotated_gives(&t, &before));
	}
	SAME(r, rotate(r, &s.id, &use, r->now + 19).answer, ROTATE_REUSED);
	rotate_gone(r, &s, r->now + 19);
	fixture_close(r);
}
END_TEST

/* django-oauth-toolkit 1617, supabase 466: only the direct predecessor is
 * accepted, at any time. Each older generation is a reuse. */
START_TEST(older_generations_are_reuse)
{
	enum { CHAIN = 6 };
	struct fixture *r = fixture_open(_i);

	for (unsigned i = 0; i < CHAIN - 1; i++) {
		struct session s = fixture_create(r, "alice", r->now),
			       bystander;
		struct rotation uses[CHAIN];

		bystander = fixture_create(r, "alice", r->now);
		for (unsigned k = 0; k < CHAIN; k++)
			uses[k] = rotate_done(r, &s, r->now);
		SAME(r, rotate(r, &s.id, &uses[CHAIN - 1], r->now).answer,
		     ROTATE_GRACE);
		SAME(r, rotate(r, &s.id, &uses[i], r->now).answer,
		     ROTATE_REUSED);
		rotate_gone(r, &s, r->now);
		for (unsigned k = 0; k < CHAIN; k++)
			SAME(r, rotate(r, &s.id, &uses[k], r->now).answer,
			     ROTATE_GONE);
		HOLDS(r, fixture_is_alive(r, &bystander, r->now));
	}
	fixture_close(r);
}
END_TEST

START_TEST(a_new_session_has_no_predecessor)
{
	static const struct token_hash rows[] = { { .b = { 0 } },
						  { .b = { 1 } } };
	struct fixture *r = fixture_open(_i);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct session s = fixture_create(r, "alice", 5);
		struct rotation use = fixture_rotation(r, &rows[i], 0);

		SAME(r, rotate(r, &s.id, &use, 6).answer, ROTATE_REUSED);
		rotate_gone(r, &s, 6);
	}
	fixture_close(r);
}
END_TEST

START_TEST(a_shorter_grace_period_applies_at_once)
{
	struct fixture *r = fixture_open(_i);
	struct rotation use, other;
	struct session s = rotated(r, &use, 1000);

	/* The current setting of the service counts. */
	SAME(r, rotate(r, &s.id, &use, r->now + 500).answer, ROTATE_GRACE);
	other = again(r, &use);
	other.grace_ms = 400;
	SAME(r, rotate(r, &s.id, &other, r->now + 500).answer, ROTATE_REUSED);
	rotate_gone(r, &s, r->now);
	fixture_close(r);
}
END_TEST

START_TEST(the_grace_period_survives_a_restart)
{
	struct fixture *r = fixture_open(_i);
	struct rotation use;
	struct session s = rotated(r, &use, 10);
	struct rotated t;

	if ((r->ops->base.driver.caps & BACKEND_PERSISTENT) != 0) {
		SAME(r, rotate(r, &s.id, &use, r->now).answer, ROTATE_GRACE);
		fixture_reopen(r);
		t = rotate(r, &s.id, &use, r->now + 10);
		SAME(r, t.answer, ROTATE_GRACE);
		HOLDS(r, rotated_gives(&t, &use));
		fixture_reopen(r);
		SAME(r, rotate(r, &s.id, &use, r->now + 11).answer,
		     ROTATE_REUSED);
		fixture_reopen(r);
		rotate_gone(r, &s, r->now);
	}
	fixture_close(r);
}
END_TEST

/* A model of what strategy/session_store.h promises. */
struct model {
	struct token_hash secrets[64]; /* by generation */
	uint8_t wrapped[32];
	struct session s;
	int64_t rotated;
	bool there;
};

static enum rotate_answer
expected(const struct model *m, const struct rotation *use, int64_t now)
{
	uint32_t g = m->s.generation;

	if (!m->there || now >= m->s.idle_expires_ms || now >= m->s.expires_ms)
		return ROTATE_GONE;
	if (use->generation > g)
		return ROTATE_FUTURE;
	if (memcmp(&use->presented, &m->secrets[g], 32) == 0)
		return ROTATE_DONE;
	if (g == 0 || memcmp(&use->presented, &m->secrets[g - 1], 32) != 0)
		return ROTATE_REUSED;
	if (use->grace_ms == 0 || now > m->rotated + use->grace_ms)
		return ROTATE_REUSED;
	return ROTATE_GRACE;
}

static void
model_follow(struct model *m, const struct rotation *use, int64_t now,
	     enum rotate_answer answer)
{
	m->there = m->there && answer != ROTATE_REUSED;
	if (answer != ROTATE_DONE)
		return;
	m->s = rotated_session(&m->s, use, now);
	m->secrets[m->s.generation] = use->next;
	memcpy(m->wrapped, use->wrapped, sizeof(m->wrapped));
	m->rotated = now;
}

static unsigned
random_below(struct fixture *r, unsigned sides)
{
	uint32_t n = 0;

	HOLDS(r, env_random(r->env, &n, sizeof(n)) == 0);
	return n % sides;
}

/* Returns a use that is mostly what a client would do. */
static struct rotation
random_use(struct fixture *r, const struct model *m)
{
	static const unsigned char back[] = { 0, 0, 0, 0, 0, 0, 1, 1, 1, 2 };
	uint32_t g = m->s.generation,
		 less = back[random_below(r, sizeof(back))];
	struct rotation use;

	g -= less < g ? less : g;
	use = fixture_rotation(r, &m->secrets[g], g);
	use.generation += random_below(r, 15) == 0;
	use.idle_ms = 300 * (1 + random_below(r, 12));
	use.grace_ms = random_below(r, 4) * 10;
	return use;
}

START_TEST(random_uses_match_the_model)
{
	struct fixture *r = fixture_open(_i);
	int seen[5] = { 0 };

	for (int walk = 0; walk < 60; walk++) {
		int64_t now = r->now;
		struct model m = { .s = fixture_create(r, "alice", now),
				   .there = true };

		m.secrets[0] = m.s.token;
		for (int step = 0; step < 30; step++) {
			struct rotation use = random_use(r, &m);
			enum rotate_answer want = expected(&m, &use, now);
			struct rotated t = rotate(r, &m.s.id, &use, now);

			ck_assert_msg(
			    t.answer == want,
			    "%s: walk %d, step %d: answer %d, expected %d",
			    r->name, walk, step, (int)t.answer, (int)want);
			model_follow(&m, &use, now, want);
			HOLDS(r, want == ROTATE_GONE ||
				     session_same(&t.session, &m.s));
			if (want == ROTATE_DONE || want == ROTATE_GRACE)
				HOLDS(r, memcmp(t.wrapped, m.wrapped, 32) == 0);
			seen[want]++;
			now += random_below(r, 20) == 0 ? 1000 :
							  random_below(r, 16);
			if (!m.there)
				break;
		}
		arena_reset(r->a);
	}
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		ck_assert_msg(seen[i] > 3, "%s: answer %zu: %d times", r->name,
			      i, seen[i]);
	fixture_close(r);
}
END_TEST

TCase *
store_grace_cases(void)
{
	TCase *t = new_case("grace");
	int n = fixture_count();

	tcase_add_loop_test(t, the_grace_period_is_exact_to_the_millisecond, 0,
			    n);
	tcase_add_loop_test(t, the_grace_period_tolerates_a_clock_behind, 0, n);
	tcase_add_loop_test(t, touch_repairs_times_of_a_clock_ahead, 0, n);
	tcase_add_loop_test(t, use_does_not_prolong_the_grace_period, 0, n);
	tcase_add_loop_test(t, older_generations_are_reuse, 0, n);
	tcase_add_loop_test(t, a_new_session_has_no_predecessor, 0, n);
	tcase_add_loop_test(t, a_shorter_grace_period_applies_at_once, 0, n);
	tcase_add_loop_test(t, the_grace_period_survives_a_restart, 0, n);
	tcase_add_loop_test(t, random_uses_match_the_model, 0, n);
	return t;
}
