/* SPDX-License-Identifier: MIT */
/* Contract: a refresh token that is used twice. */
#include "tests/contract/store/rotate.h"
#include "tests/support/call.h"

#include <string.h>

/* A session whose secret was just replaced, at r->now, by *use. */
static struct session
rotated(struct fixture *r, struct rotation *use, int64_t grace_ms)
{
	struct session s = fixture_create(r, "alice", r->now - 100);

	*use = fixture_rotation(r, &s.token, 0);
	use->grace_ms = grace_ms;
	SAME(r, rotate(r, &s.id, use, r->now).answer, ROTATE_DONE);
	return rotated_session(&s, use, r->now);
}

/* The loser's own offer, for the same secret. */
static struct rotation
again(struct fixture *r, const struct rotation *use)
{
	struct rotation other =
	    fixture_rotation(r, &use->presented, use->generation);

	other.grace_ms = use->grace_ms;
	return other;
}

START_TEST(grace_to_the_millisecond)
{
	static const struct {
		int64_t grace, at;
		enum rotate_answer answer;
	} rows[] = {
		{ 10, 0, ROTATE_GRACE },
		{ 10, 9, ROTATE_GRACE },
		{ 10, 10, ROTATE_GRACE },
		{ 10, 11, ROTATE_REUSED },
		{ 10, -10, ROTATE_GRACE }, /* another host's clock */
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
		ck_assert_msg(t.answer == rows[i].answer, "%s: row %zu: %d",
			      r->name, i, (int)t.answer);
		/* Grace moves nothing, REUSED says what was. */
		HOLDS(r, session_same(&t.session, &s));
		if (t.answer == ROTATE_GRACE) {
			HOLDS(r, rotated_gives(&t, &use)); /* the winner's */
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

/* On a host whose clock is behind, but not when the clock was set back. */
START_TEST(grace_before_it_began)
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

/* It was made while the clock was two days ahead. */
START_TEST(touch_after_the_clock_was_set_right)
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
	/* Another host's clock, which is only a bit ahead. */
	s = fixture_create(r, "alice", r->now + CLOCK_SLACK_MS);
	OK(r, store_touch(r->conn, NOW(r), TOUCH(s.id, r->now, r->now + 3600),
			  &r->err));
	got = fixture_find(r, &s, r->now);
	HOLDS(r, got.found);
	HOLDS(r, session_same(&got.session, &s));
	fixture_close(r);
}
END_TEST

START_TEST(grace_is_not_prolonged)
{
	struct fixture *r = fixture_open(_i);
	struct rotation use, before;
	struct session s = rotated(r, &use, 10);

	for (int at = 0; at <= 10; at++)
		SAME(r, rotate(r, &s.id, &use, r->now + at).answer,
		     ROTATE_GRACE);
	SAME(r, rotate(r, &s.id, &use, r->now + 11).answer, ROTATE_REUSED);
	rotate_gone(r, &s, r->now);

	/* The next rotation has a time of grace of its own, and however often
	 * it is used, it ends. */
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

/* django-oauth-toolkit 1617, supabase 466: only the one before, whatever the
 * time; and each older generation raises the alarm. */
START_TEST(ancestors_are_reuse)
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

START_TEST(never_rotated_has_no_parent)
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

START_TEST(grace_in_a_shorter_time)
{
	struct fixture *r = fixture_open(_i);
	struct rotation use, other;
	struct session s = rotated(r, &use, 1000);

	/* What counts is what the service says today. */
	SAME(r, rotate(r, &s.id, &use, r->now + 500).answer, ROTATE_GRACE);
	other = again(r, &use);
	other.grace_ms = 400;
	SAME(r, rotate(r, &s.id, &other, r->now + 500).answer, ROTATE_REUSED);
	rotate_gone(r, &s, r->now);
	fixture_close(r);
}
END_TEST

START_TEST(grace_after_a_restart)
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

/* What strategy/session_store.h says, said once more and slowly. */
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
dice(struct fixture *r, unsigned sides)
{
	uint32_t n = 0;

	HOLDS(r, env_random(r->env, &n, sizeof(n)) == 0);
	return n % sides;
}

/* Mostly what a client would do. */
static struct rotation
random_use(struct fixture *r, const struct model *m)
{
	static const unsigned char back[] = { 0, 0, 0, 0, 0, 0, 1, 1, 1, 2 };
	uint32_t g = m->s.generation, less = back[dice(r, sizeof(back))];
	struct rotation use;

	g -= less < g ? less : g;
	use = fixture_rotation(r, &m->secrets[g], g);
	use.generation += dice(r, 15) == 0;
	use.idle_ms = 300 * (1 + dice(r, 12));
	use.grace_ms = dice(r, 4) * 10;
	return use;
}

START_TEST(random_walks)
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

			ck_assert_msg(t.answer == want,
				      "%s: walk %d, step %d: %d, not %d",
				      r->name, walk, step, (int)t.answer,
				      (int)want);
			model_follow(&m, &use, now, want);
			HOLDS(r, want == ROTATE_GONE ||
				     session_same(&t.session, &m.s));
			if (want == ROTATE_DONE || want == ROTATE_GRACE)
				HOLDS(r, memcmp(t.wrapped, m.wrapped, 32) == 0);
			seen[want]++;
			now += dice(r, 20) == 0 ? 1000 : dice(r, 16);
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

	tcase_add_loop_test(t, grace_to_the_millisecond, 0, n);
	tcase_add_loop_test(t, grace_before_it_began, 0, n);
	tcase_add_loop_test(t, touch_after_the_clock_was_set_right, 0, n);
	tcase_add_loop_test(t, grace_is_not_prolonged, 0, n);
	tcase_add_loop_test(t, ancestors_are_reuse, 0, n);
	tcase_add_loop_test(t, never_rotated_has_no_parent, 0, n);
	tcase_add_loop_test(t, grace_in_a_shorter_time, 0, n);
	tcase_add_loop_test(t, grace_after_a_restart, 0, n);
	tcase_add_loop_test(t, random_walks, 0, n);
	return t;
}
