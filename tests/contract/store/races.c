/* SPDX-License-Identifier: MIT */
/* Contract: refresh tokens that come at once, and sessions ended meanwhile. */
#include "tests/contract/store/rotate.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	CALLERS = 16,
	ROUNDS = 12,
	PROCESSES = 4
};

/* What the callers of one session were told. */
struct told {
	enum rotate_answer answer;
	uint8_t wrapped[32], offered[32];
	struct session s;
};

/* All present the first secret of each session; `told` has a row a session. */
struct race {
	struct session sessions[ROUNDS];
	pthread_barrier_t start;
	struct told told[ROUNDS][CALLERS];
};

static int
present(struct fixture *r, struct store_link *l, struct arena *a,
	const struct session *s, int number, struct told *told, struct err *err)
{
	struct rotation use = { .presented = s->token,
				.generation = s->generation,
				.idle_ms = 3600,
				.grace_ms = 10,
				.grace_max = CALLERS };

	/* Of its own, and not to be mistaken for another's. */
	memcpy(&use.next, &s->id, sizeof(s->id));
	use.next.b[31] = (uint8_t)number;
	memset(use.wrapped, 'a' + number, sizeof(use.wrapped));
	memcpy(told->offered, use.wrapped, sizeof(told->offered));
	return store_rotate(l, a, &s->id, &use, r->now + number % 10,
			    &told->answer, &told->s, told->wrapped, err);
}

/* One winner; all have its successor, and so has the store. */
static void
judge(struct fixture *r, const struct session *s, const struct told *told,
      int n)
{
	const struct told *winner = NULL;
	struct session got;
	bool found;

	for (int i = 0; i < n; i++) {
		if (told[i].answer != ROTATE_DONE)
			continue;
		HOLDS(r, winner == NULL);
		winner = &told[i];
	}
	HOLDS(r, winner != NULL);
	HOLDS(r, memcmp(winner->wrapped, winner->offered, 32) == 0);
	for (int i = 0; i < n; i++) {
		HOLDS(r, &told[i] == winner || told[i].answer == ROTATE_GRACE);
		HOLDS(r, memcmp(told[i].wrapped, winner->wrapped, 32) == 0);
		HOLDS(r, memcmp(&told[i].s.token, &winner->s.token, 32) == 0);
	}
	OK(r,
	   store_find(r->l, r->a, &winner->s.id, &winner->s.token, r->now,
		      &found, &got, &r->err));
	HOLDS(r, found && session_id_same(&got.id, &s->id));
	SAME(r, got.generation, 1);
	HOLDS(r, !fixture_is_alive(r, s, r->now));
}

static void
race_in_a_thread(struct work *w)
{
	struct race *race = w->shared;
	struct arena *a = arena_new(1 << 20);

	if (a == NULL)
		w->fails++;
	for (int i = 0; i < ROUNDS; i++) {
		(void)pthread_barrier_wait(&race->start); /* no error left */
		if (a != NULL &&
		    present(w->r, w->l, a, &race->sessions[i], w->number,
			    &race->told[i][w->number], &w->err) != 0)
			w->fails++;
	}
	arena_free(a);
}

static void
race_threads(struct fixture *r, bool handles)
{
	static struct race race;

	for (int i = 0; i < ROUNDS; i++)
		race.sessions[i] = fixture_create(r, "alice", r->now);
	HOLDS(r, pthread_barrier_init(&race.start, NULL, CALLERS) == 0);
	(void)fixture_threads(r, race_in_a_thread, &race, CALLERS, handles);
	HOLDS(r, pthread_barrier_destroy(&race.start) == 0);
	for (int i = 0; i < ROUNDS; i++)
		judge(r, &race.sessions[i], race.told[i], CALLERS);
	SAME(r, fixture_live(r, "alice", r->now),
	     handles ? 2 * ROUNDS : ROUNDS);
}

START_TEST(threads_present_the_same)
{
	struct fixture *r = fixture_open(_i);

	race_threads(r, false);
	if (fixture_is_shared(r))
		race_threads(r, true);
	fixture_close(r);
}
END_TEST

/* In memory that the processes share; a case is a process of its own. */
static struct {
	struct race *race;
	atomic_int *number;
} shared;

static int
race_in_a_process(struct fixture *r)
{
	int number = atomic_fetch_add(shared.number, 1);
	struct backend *s;
	struct store_link *l = store_link_new(r->env);

	if (l == NULL || fixture_try_store(r, &s) != 0)
		return 120;
	store_link_bind(l, s);
	for (int i = 0; i < ROUNDS; i++) {
		(void)pthread_barrier_wait(&shared.race->start);
		if (present(r, l, r->a, &shared.race->sessions[i], number,
			    &shared.race->told[i][number], &r->err) != 0)
			return 121;
	}
	store_link_free(l);
	backend_unref(s);
	return 1;
}

static void *
map_shared(struct fixture *r, size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	HOLDS(r, p != MAP_FAILED);
	return p;
}

START_TEST(processes_present_the_same)
{
	struct fixture *r = fixture_open(_i);
	pthread_barrierattr_t attr;

	if (!fixture_is_shared(r)) {
		fixture_close(r);
		return;
	}
	shared.race = map_shared(r, sizeof(*shared.race));
	shared.number = map_shared(r, sizeof(*shared.number));
	HOLDS(r, pthread_barrierattr_init(&attr) == 0);
	HOLDS(r, pthread_barrierattr_setpshared(&attr,
						PTHREAD_PROCESS_SHARED) == 0);
	HOLDS(r,
	      pthread_barrier_init(&shared.race->start, &attr, PROCESSES) == 0);
	for (int i = 0; i < ROUNDS; i++)
		shared.race->sessions[i] = fixture_create(r, "alice", r->now);
	SAME(r, fixture_processes(r, race_in_a_process, PROCESSES), PROCESSES);
	fixture_reopen(r);
	for (int i = 0; i < ROUNDS; i++)
		judge(r, &shared.race->sessions[i], shared.race->told[i],
		      PROCESSES);
	fixture_close(r);
}
END_TEST

/* Each thread but the first rotates its session, and a few times more while
 * the first ends them all.  Once it has, nobody may be told to go on. */
struct ending {
	struct session sessions[4];
	bool all_at_once;
	atomic_int rotations;
	atomic_bool begun, ended[4];
};

static int
rotate_once(struct work *w, struct session *s, struct arena *a,
	    enum rotate_answer *answer)
{
	struct rotation use = fixture_rotation(w->r, &s->token, s->generation);
	uint8_t wrapped[32];

	arena_reset(a);
	return store_rotate(w->l, a, &s->id, &use, w->r->now, answer, s,
			    wrapped, &w->err);
}

static void
rotate_until_the_end(struct work *w, struct ending *e, struct arena *a)
{
	struct session s = e->sessions[w->number];
	enum rotate_answer answer = ROTATE_DONE;

	for (int more = 6; more > 0 && answer == ROTATE_DONE;) {
		more -= atomic_load(&e->begun);
		if (rotate_once(w, &s, a, &answer) != 0)
			w->fails++;
		(void)atomic_fetch_add(&e->rotations, 1); /* only counts */
	}
	while (!atomic_load(&e->ended[w->number]))
		(void)sched_yield(); /* always 0 */
	if ((answer != ROTATE_DONE && answer != ROTATE_GONE) ||
	    rotate_once(w, &s, a, &answer) != 0 || answer != ROTATE_GONE)
		w->fails++;
}

static void
end_them(struct work *w, struct ending *e)
{
	int64_t n = 0;
	bool one = false;

	while (atomic_load(&e->rotations) < 10)
		(void)sched_yield(); /* always 0 */
	atomic_store(&e->begun, true);
	if (e->all_at_once &&
	    (store_revoke_user(w->l, STR("alice"), NULL, &n, &w->err) != 0 ||
	     n != 3))
		w->fails++;
	for (int i = 1; i < 4; i++) {
		if (!e->all_at_once && (store_revoke(w->l, &e->sessions[i].id,
						     &one, &w->err) != 0 ||
					!one))
			w->fails++;
		atomic_store(&e->ended[i], true);
	}
}

static void
rotate_or_end(struct work *w)
{
	struct arena *a = arena_new(1 << 20);

	if (a == NULL)
		w->fails++;
	else if (w->number == 0)
		end_them(w, w->shared);
	else
		rotate_until_the_end(w, w->shared, a);
	arena_free(a);
}

START_TEST(ended_while_it_rotates)
{
	struct fixture *r = fixture_open(_i);

	for (int round = 0; round < 6; round++) {
		struct ending e = { .all_at_once = round % 2 == 1 };

		for (int i = 1; i < 4; i++)
			e.sessions[i] = fixture_create(r, "alice", r->now);
		(void)fixture_threads(r, rotate_or_end, &e, 4,
				      fixture_is_shared(r));
		SAME(r, fixture_live(r, NULL, r->now), 0);
	}
	fixture_close(r);
}
END_TEST

/* Is done, and its answer is lost. */
static int
rotate_and_die(struct fixture *r)
{
	struct backend *s;
	struct store_link *l = store_link_new(r->env);
	struct told *told = &shared.race->told[0][0];

	if (l == NULL || fixture_try_store(r, &s) != 0)
		return 120;
	store_link_bind(l, s);
	if (present(r, l, r->a, &shared.race->sessions[0], 0, told, &r->err) !=
	    0)
		return 121;
	return told->answer == ROTATE_DONE; /* and nothing is closed */
}

START_TEST(the_answer_of_the_dead)
{
	struct fixture *r = fixture_open(_i);
	struct told *told;

	if ((r->ops->base.driver.caps & BACKEND_PERSISTENT) != 0) {
		shared.race = map_shared(r, sizeof(*shared.race));
		told = shared.race->told[0];
		shared.race->sessions[0] = fixture_create(r, "alice", r->now);
		SAME(r, fixture_processes(r, rotate_and_die, 1), 1);
		fixture_reopen(r);
		OK(r, present(r, r->l, r->a, &shared.race->sessions[0], 1,
			      &told[1], &r->err));
		judge(r, &shared.race->sessions[0], told, 2);
	}
	fixture_close(r);
}
END_TEST

TCase *
store_race_cases(void)
{
	TCase *t = new_case("races");
	int n = fixture_count();

	tcase_add_loop_test(t, threads_present_the_same, 0, n);
	tcase_add_loop_test(t, processes_present_the_same, 0, n);
	tcase_add_loop_test(t, ended_while_it_rotates, 0, n);
	tcase_add_loop_test(t, the_answer_of_the_dead, 0, n);
	return t;
}
