/* SPDX-License-Identifier: MIT */
/* Contract: many threads, on one handle and on several. */
#include "tests/contract/store_rig.h"

#include <pthread.h>
#include <string.h>

enum {
	THREADS = 4,
	ROUNDS = 25
};

/* What a thread does, on a link of its own; *fails counts its failures. */
struct work {
	struct rig *r;
	struct store_link *l;
	void (*fn)(struct work *w);
	int number;
	int fails;
	int64_t answers; /* whatever the case counts */
	struct err err;
};

static void *
work_main(void *arg)
{
	struct work *w = arg;

	w->fn(w);
	return NULL;
}

/* With `handles` each thread has a store of its own, as processes have. */
static int64_t
run_threads(struct rig *r, void (*fn)(struct work *w), bool handles)
{
	struct work work[THREADS];
	struct store *stores[THREADS] = { NULL };
	pthread_t threads[THREADS];
	int64_t answers = 0;

	for (int i = 0; i < THREADS; i++) {
		if (handles)
			stores[i] = rig_store(r);
		work[i] = (struct work){
			.r = r,
			.l = rig_link_to(r, handles ? stores[i] : r->store),
			.fn = fn,
			.number = i,
		};
	}
	for (int i = 0; i < THREADS; i++)
		HOLDS(r, pthread_create(&threads[i], NULL, work_main,
					&work[i]) == 0);
	for (int i = 0; i < THREADS; i++) {
		HOLDS(r, pthread_join(threads[i], NULL) == 0);
		answers += work[i].answers;
	}
	for (int i = 0; i < THREADS; i++) {
		ck_assert_msg(work[i].fails == 0, "%s: %d failures: %s",
			      r->name, work[i].fails, work[i].err.msg);
		store_link_free(work[i].l);
		store_unref(stores[i]);
	}
	return answers;
}

static const struct attempt_policy policy = { .max = 40,
					      .window_ms = 120,
					      .ban_ms = 300 };

static void
attempt_often(struct work *w)
{
	for (int i = 0; i < ROUNDS; i++) {
		int64_t until;

		if (store_attempt(w->l, STR("user:alice"), &policy, w->r->now,
				  &until, &w->err) != 0)
			w->fails++;
		else if (until == 0)
			w->answers++;
	}
}

/* Of 100 parallel guesses exactly the allowed ones are let through. */
START_TEST(parallel_attempts_all_count)
{
	struct rig *r = rig_open(_i);
	bool was;

	SAME(r, run_threads(r, attempt_often, false), policy.max);
	if (rig_is_shared(r)) {
		OK(r, store_forgive(r->l, STR("user:alice"), &was, &r->err));
		HOLDS(r, was);
		SAME(r, run_threads(r, attempt_often, true), policy.max);
	}
	rig_close(r);
}
END_TEST

enum {
	MAX_PER_USER = 3
};

/* Creates, and now and then counts: never may there be one too many. */
static void
create_often(struct work *w)
{
	struct arena *a = arena_new(1 << 20);

	for (int i = 0; i < ROUNDS && a != NULL; i++) {
		struct session_cursor c = { .created_ms = 0 };
		struct session_list list = { .n = 0 };
		struct session s = rig_session(w->r, "alice", w->r->now + i);

		if (store_create(w->l, &s, MAX_PER_USER, w->r->now, &w->err) !=
			0 ||
		    store_list(w->l, a, STR("alice"), w->r->now, 20, &c, &list,
			       &w->err) != 0 ||
		    list.n < 1 || list.n > MAX_PER_USER)
			w->fails++;
		arena_reset(a);
	}
	arena_free(a);
}

START_TEST(parallel_creates_keep_the_limit)
{
	struct rig *r = rig_open(_i);

	(void)run_threads(r, create_often, false);
	SAME(r, rig_live(r, "alice", r->now), MAX_PER_USER);
	if (rig_is_shared(r)) {
		(void)run_threads(r, create_often, true);
		SAME(r, rig_live(r, "alice", r->now), MAX_PER_USER);
	}
	rig_close(r);
}
END_TEST

static void
make_secret(struct work *w)
{
	uint8_t value[32];

	memset(value, w->number + 1, sizeof(value));
	if (store_secret(w->l, "csrf", value, &w->err) != 0)
		w->fails++;
	w->answers = value[0] + 1000 * value[31];
}

START_TEST(parallel_secrets_agree)
{
	struct rig *r = rig_open(_i);
	uint8_t kept[32] = { 77 };
	int64_t sum = run_threads(r, make_secret, rig_is_shared(r));

	OK(r, store_secret(r->l, "csrf", kept, &r->err));
	HOLDS(r, kept[0] >= 1 && kept[0] <= THREADS);
	SAME(r, sum, THREADS * (kept[0] + 1000 * kept[31]));
	rig_close(r);
}
END_TEST

/* Sessions of other threads' users must never come back (CVE-2021-35472). */
static void
mind_my_own(struct work *w)
{
	static const char *const names[THREADS] = { "ann", "bob", "cat",
						    "dan" };
	struct arena *a = arena_new(1 << 20);

	for (int i = 0; i < ROUNDS && a != NULL; i++) {
		struct session s = rig_session(w->r, names[w->number],
					       w->r->now + i),
			       got;
		bool found = false, ended = false;

		if (store_create(w->l, &s, 0, w->r->now, &w->err) != 0 ||
		    store_touch(w->l, &s.id, s.created_ms, s.idle_expires_ms,
				&w->err) != 0 ||
		    store_find(w->l, a, &s.token, w->r->now, &found, &got,
			       &w->err) != 0 ||
		    !found || !session_same(&s, &got) ||
		    store_revoke(w->l, &s.id, &ended, &w->err) != 0 || !ended ||
		    store_find(w->l, a, &s.token, w->r->now, &found, &got,
			       &w->err) != 0 ||
		    found)
			w->fails++;
		arena_reset(a);
	}
	arena_free(a);
}

START_TEST(parallel_users_stay_apart)
{
	struct rig *r = rig_open(_i);

	(void)run_threads(r, mind_my_own, rig_is_shared(r));
	SAME(r, rig_live(r, NULL, r->now), 0);
	rig_close(r);
}
END_TEST

/* One thread ends what the others touch: it stays ended. */
static void
touch_or_end(struct work *w)
{
	struct session_cursor c = { .created_ms = 0 };
	struct session_list list = { .n = 0 };
	struct arena *a = arena_new(1 << 20);
	bool ended = false;

	if (a == NULL || store_list(w->l, a, STR("alice"), w->r->now, 100, &c,
				    &list, &w->err) != 0)
		w->fails++;
	for (size_t i = 0; i < list.n; i++) {
		int rc =
		    w->number == 0
			? store_revoke(w->l, &list.v[i].id, &ended, &w->err)
			: store_touch(w->l, &list.v[i].id, w->r->now + 5,
				      w->r->now + 9000, &w->err);

		if (rc != 0)
			w->fails++;
	}
	arena_free(a);
}

START_TEST(parallel_touches_revive_nothing)
{
	struct rig *r = rig_open(_i);

	for (int i = 0; i < ROUNDS; i++)
		(void)rig_create(r, "alice", r->now);
	/* The first thread may see fewer only if it has ended them. */
	(void)run_threads(r, touch_or_end, false);
	SAME(r, rig_live(r, "alice", r->now), 0);
	rig_close(r);
}
END_TEST

TCase *
store_thread_cases(void)
{
	TCase *t = tcase_create("threads");
	int n = rig_count();

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, parallel_attempts_all_count, 0, n);
	tcase_add_loop_test(t, parallel_creates_keep_the_limit, 0, n);
	tcase_add_loop_test(t, parallel_secrets_agree, 0, n);
	tcase_add_loop_test(t, parallel_users_stay_apart, 0, n);
	tcase_add_loop_test(t, parallel_touches_revive_nothing, 0, n);
	return t;
}
