/* SPDX-License-Identifier: MIT */
/* Contract: what the change feed of a store reports (strategy/feed.h). */
#include "strategy/denial.h"
#include "tests/contract/store/follower.h"
#include "tests/support/call.h"

enum { MANY = 2000 };

/* Alice has two sessions, `old` and `new`; bob has one. */
struct people {
	struct session old, new, bob;
};

static void
revoke_old(struct watched *w, struct people *p)
{
	struct fixture *r = w->r;
	bool ended;

	OK(r, store_revoke(w->other, NOW(r), &p->old.id, &ended, &r->err));
	HOLDS(r, ended);
}

static void
revoke_alice(struct watched *w, struct people *p)
{
	struct fixture *r = w->r;
	int64_t n;

	(void)p;
	OK(r, store_revoke_user(w->other, NOW(r), STR("alice"), NULL, &n,
				&r->err));
	SAME(r, n, 2);
}

static void
revoke_others(struct watched *w, struct people *p)
{
	struct fixture *r = w->r;
	int64_t n;

	OK(r, store_revoke_user(w->other, NOW(r), STR("alice"), &p->new.id, &n,
				&r->err));
	SAME(r, n, 1);
}

static void
revoke_everybody(struct watched *w, struct people *p)
{
	struct fixture *r = w->r;
	int64_t n;

	(void)p;
	OK(r, store_revoke_all(w->other, NOW(r), &n, &r->err));
	SAME(r, n, 3);
}

static void
update_alice(struct watched *w, struct people *p)
{
	struct fixture *r = w->r;
	struct identity who = p->old.who;

	who.roles = STR("staff");
	OK(r, store_update_user(w->other, NOW(r), &who, &r->err));
}

static void
remark_old(struct watched *w, struct people *p)
{
	struct fixture *r = w->r;
	const struct password_mark mark = { .b = { 7 } };

	OK(r, store_remark(w->other, NOW(r),
			   REMARK(STR("alice"), p->old.mark, mark), &r->err));
}

static void
deny(struct watched *w, struct str key)
{
	struct fixture *r = w->r;

	OK(r, store_deny(w->other, NOW(r), DENIAL(key, r->now, r->now + 1000),
			 &r->err));
	/* The second time there is a denial to prolong. */
	follower_prove(w->follower);
	follower_forget(w->follower);
	OK(r, store_deny(w->other, NOW(r),
			 DENIAL(key, r->now + 1, r->now + 1001), &r->err));
}

static void
deny_old(struct watched *w, struct people *p)
{
	char key[DENIAL_SESSION_KEY];

	deny(w, denial_session_key(&p->old.id, key));
}

static void
deny_alice(struct watched *w, struct people *p)
{
	(void)p;
	deny(w, denial_user_key(STR("alice"), w->r->a));
}

static void
deny_everybody(struct watched *w, struct people *p)
{
	(void)p;
	deny(w, denial_user_key((struct str){ .p = NULL }, w->r->a));
}

static void
reuse_old(struct watched *w, struct people *p)
{
	struct fixture *r = w->r;
	struct rotation use = fixture_rotation(r, &p->old.token, 0);
	struct rotated is;

	use.id = p->old.id;
	OK(r, store_rotate(w->other, NOW(r), &use, &is, &r->err));
	SAME(r, is.answer, ROTATE_DONE);
	OK(r, store_rotate(w->other, AT(r, r->now + use.grace_ms + 1), &use,
			   &is, &r->err));
	SAME(r, is.answer, ROTATE_REUSED);
}

static void
evict_old(struct watched *w, struct people *p)
{
	struct fixture *r = w->r;
	struct session s = fixture_session(r, "alice", r->now + 1);
	int64_t n;

	(void)p;
	OK(r, store_create(w->other, NOW(r), &s, 2, &n, &r->err));
	SAME(r, n, 1);
}

/* The changes, and whose sessions each of them ends or changes. */
static const struct {
	const char *name;
	void (*change)(struct watched *w, struct people *p);
	bool new, bob; /* besides the old session of alice */
} changes[] = {
	{ "revoke", revoke_old, false, false },
	{ "revoke_user", revoke_alice, true, false },
	{ "revoke_user with an exception", revoke_others, false, false },
	{ "revoke_all", revoke_everybody, true, true },
	{ "update_user", update_alice, true, false },
	{ "remark", remark_old, false, false },
	{ "deny of a session", deny_old, false, false },
	{ "deny of a user", deny_alice, true, false },
	{ "deny of all", deny_everybody, true, true },
	{ "rotate that ends in REUSED", reuse_old, false, false },
	{ "create that evicts", evict_old, false, false },
};

/* At the latest when follower_prove() returns. Other users are not affected. */
START_TEST(every_change_is_reported)
{
	struct watched w = watch_store(_i);
	struct fixture *r = w.r;

	for (size_t i = 0; fixture_has_feed(r) && i < ARRAY_LEN(changes); i++) {
		struct people p;
		int64_t n;

		OK(r, store_revoke_all(r->conn, NOW(r), &n, &r->err));
		p.old = fixture_create(r, "alice", r->now - 1);
		p.new = fixture_create(r, "alice", r->now);
		p.bob = fixture_create(r, "bob", r->now);
		follower_prove(w.follower);
		follower_forget(w.follower);
		changes[i].change(&w, &p);
		follower_prove(w.follower);
		ck_assert_msg(follower_covers(w.follower, &p.old),
			      "%s: %s is not reported", r->name,
			      changes[i].name);
		ck_assert_msg(!changes[i].new ||
				  follower_covers(w.follower, &p.new),
			      "%s: %s is not reported for each session",
			      r->name, changes[i].name);
		ck_assert_msg(follower_covers(w.follower, &p.bob) ==
				  changes[i].bob,
			      "%s: %s: the feed reports bob: %d", r->name,
			      changes[i].name, !changes[i].bob);
		arena_reset(r->a);
	}
	unwatch_store(&w);
}
END_TEST

static void
use_without_change(struct watched *w)
{
	struct fixture *r = w->r;
	struct session s = fixture_session(r, "alice", r->now);
	struct session_answer got;
	struct rotation use = fixture_rotation(r, &s.token, 0);
	const struct attempt_policy policy = { .max = 1,
					       .window_ms = 100,
					       .ban_ms = 100 };
	struct attempt attempt;
	struct rotated is;
	int64_t n;

	use.id = s.id;
	OK(r, store_create(w->other, NOW(r), &s, 1, &n, &r->err));
	OK(r, store_touch(w->other, NOW(r),
			  TOUCH(s.id, r->now + 1, r->now + 3601), &r->err));
	OK(r, store_find(w->other, NOW(r), &s.id, &s.token, &got, &r->err));
	HOLDS(r, got.found);
	for (int i = 0; i < 3; i++)
		OK(r, store_attempt(w->other, NOW(r), STR("user:alice"),
				    &policy, &attempt, &r->err));
	OK(r, store_sweep(w->other, NOW(r), 10, &n, &r->err));
	SAME(r, n, 0);
	/* The access tokens of the session go on. */
	OK(r, store_rotate(w->other, AT(r, r->now + 1), &use, &is, &r->err));
	SAME(r, is.answer, ROTATE_DONE);
	OK(r, store_rotate(w->other, AT(r, r->now + 1), &use, &is, &r->err));
	SAME(r, is.answer, ROTATE_GRACE);
}

START_TEST(touches_and_creations_are_not_reported)
{
	struct watched w = watch_store(_i);
	struct fixture *r = w.r;

	if (fixture_has_feed(r)) {
		use_without_change(&w);
		follower_prove(w.follower);
		if (!store_kinds[r->kind].feed_sees_writes) {
			HOLDS(r, !w.follower->all);
			SAME(r, w.follower->n, 0);
		}
	}
	unwatch_store(&w);
}
END_TEST

/* The times follow from each other, as those of a check do. */
START_TEST(the_time_of_a_check_is_not_reported)
{
	const int64_t hour = INT64_C(3600000);
	struct watched w = watch_store(_i);
	struct fixture *r = w.r;
	struct session s = fixture_session(r, "alice", r->now);
	struct session_answer got;
	int64_t n;

	s.idle_expires_ms = r->now + hour;
	s.expires_ms = r->now + 9 * hour;
	if (fixture_has_feed(r)) {
		OK(r, store_create(w.other, NOW(r), &s, 0, &n, &r->err));
		follower_prove(w.follower);
		follower_forget(w.follower);
		OK(r, store_touch(w.other, NOW(r),
				  TOUCH(s.id, r->now + 60000,
					r->now + 60000 + hour),
				  &r->err));
		follower_prove(w.follower);
		HOLDS(r, !w.follower->all);
		SAME(r, w.follower->n, 0);
		OK(r,
		   store_find(w.other, NOW(r), &s.id, &s.token, &got, &r->err));
		HOLDS(r, got.found);
		SAME(r, got.session.last_seen_ms, r->now + 60000);
		SAME(r, got.session.idle_expires_ms, r->now + 60000 + hour);
	}
	unwatch_store(&w);
}
END_TEST

START_TEST(earlier_changes_are_not_reported)
{
	struct fixture *r = fixture_open(_i);
	struct session s = fixture_create(r, "alice", r->now);
	struct follower *f;
	bool ended;

	if (fixture_has_feed(r)) {
		OK(r, store_revoke(r->conn, NOW(r), &s.id, &ended, &r->err));
		f = follower_open(r, r->store);
		follower_prove(f);
		HOLDS(r, !f->all);
		SAME(r, f->n, 0);
		follower_close(f);
	}
	fixture_close(r);
}
END_TEST

START_TEST(many_changes_at_once_are_reported)
{
	static struct session s[MANY];
	struct watched w = watch_store(_i);
	struct fixture *r = w.r;
	int64_t n;

	for (size_t i = 0; fixture_has_feed(r) && i < MANY; i++) {
		s[i] = fixture_create(r, "alice", r->now);
		arena_reset(r->a);
	}
	if (fixture_has_feed(r)) {
		OK(r, store_revoke_user(w.other, NOW(r), STR("alice"), NULL, &n,
					&r->err));
		SAME(r, n, MANY);
		follower_prove(w.follower);
		for (size_t i = 0; i < MANY; i++)
			HOLDS(r, follower_covers(w.follower, &s[i]));
	}
	unwatch_store(&w);
}
END_TEST

/* One of the feeds is on the handle that makes the changes. */
START_TEST(two_feeds_report_everything)
{
	struct watched w = watch_store(_i);
	struct fixture *r = w.r;
	struct follower *f;

	for (int i = 0; fixture_has_feed(r) && i < 20; i++) {
		struct session s = fixture_create(r, "alice", r->now);
		bool ended;

		f = follower_open(r, w.second);
		OK(r, store_revoke(i % 2 == 0 ? r->conn : w.other, NOW(r),
				   &s.id, &ended, &r->err));
		follower_prove(w.follower);
		follower_prove(f);
		HOLDS(r, follower_covers(w.follower, &s) &&
			     follower_covers(f, &s));
		follower_close(f);
	}
	unwatch_store(&w);
}
END_TEST

TCase *
store_feed_cases(void)
{
	TCase *t = new_case("feed");
	int n = fixture_count();

	tcase_add_loop_test(t, every_change_is_reported, 0, n);
	tcase_add_loop_test(t, touches_and_creations_are_not_reported, 0, n);
	tcase_add_loop_test(t, the_time_of_a_check_is_not_reported, 0, n);
	tcase_add_loop_test(t, earlier_changes_are_not_reported, 0, n);
	tcase_add_loop_test(t, many_changes_at_once_are_reported, 0, n);
	tcase_add_loop_test(t, two_feeds_report_everything, 0, n);
	return t;
}
