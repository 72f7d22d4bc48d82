/* SPDX-License-Identifier: MIT */
/* Contract: refresh tokens that are used concurrently, and sessions that end
 * meanwhile. */
#include "tests/contract/store/rotate.h"
#include "tests/support/call.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CALLERS = 16, ROUNDS = 12, PROCESSES = 4 };

/* The answer to a caller, and the successor that it offered. */
struct told {
	struct rotated is;
	uint8_t offered[32];
};

/* All callers present the first secret of each session. `told` has a row for
 * each session. */
struct race {
	struct session sessions[ROUNDS];
	pthread_barrier_t start;
	struct told told[ROUNDS][CALLERS];
};

/* On a slow machine, callers that are many may wait for each other for longer
 * than SQLite does. Then nothing has been done. */
static bool
was_crowded_out(const struct err *err)
{
	return strstr(err->msg, "database is locked") != NULL;
}

static int
present(struct work *w, const struct session *s, struct told *told)
{
	struct rotation use = { .id = s->id,
				.presented = s->token,
				.generation = s->generation,
				.idle_ms = 3600,
				.grace_ms = 10 };
	int result;

	/* Each caller offers its own successor. */
	memcpy(&use.next, &s->id, sizeof(s->id));
	use.next.b[31] = (uint8_t)w->number;
	memset(use.wrapped, 'a' + w->number, sizeof(use.wrapped));
	memcpy(told->offered, use.wrapped, sizeof(told->offered));
	do {
		result =
		    store_rotate(w->conn, AT(w, w->r->now + w->number % 10),
				 &use, &told->is, &w->err);
	} while (result != 0 && was_crowded_out(&w->err));
	return result;
}

/* One caller must have won. All callers have its successor, and so has the
 * store. */
static void
expect_one_winner(struct fixture *r, const struct session *s,
		  const struct told *told, int n)
{
	const struct told *winner = NULL;
	const struct token_hash *next;
	struct session_answer got;

	for (int i = 0; i < n; i++) {
		if (told[i].is.answer != ROTATE_DONE)
			continue;
		HOLDS(r, winner == NULL);
		winner = &told[i];
	}
	HOLDS(r, winner != NULL);
	HOLDS(r, memcmp(winner->is.wrapped, winner->offered, 32) == 0);
	next = &winner->is.session.token;
	for (int i = 0; i < n; i++) {
		const struct rotated *is = &told[i].is;

		HOLDS(r, &told[i] == winner || is->answer == ROTATE_GRACE);
		HOLDS(r, memcmp(is->wrapped, winner->offered, 32) == 0);
		HOLDS(r, memcmp(&is->session.token, next, 32) == 0);
	}
	OK(r, store_find(r->conn, NOW(r), &s->id, next, &got, &r->err));
	HOLDS(r, got.found && session_id_same(&got.session.id, &s->id));
	SAME(r, got.session.generation, 1);
	HOLDS(r, !fixture_is_alive(r, s, r->now));
}

static void
race_in_a_thread(struct work *w)
{
	struct race *race = w->shared;

	for (int i = 0; i < ROUNDS; i++) {
		(void)pthread_barrier_wait(&race->start); /* cannot fail here */
		if (present(w, &race->sessions[i], &race->told[i][w->number]) !=
		    0)
			w->fails++;
	}
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
		expect_one_winner(r, &race.sessions[i], race.told[i], CALLERS);
	SAME(r, fixture_live(r, "alice", r->now),
	     handles ? 2 * ROUNDS : ROUNDS);
}

START_TEST(threads_get_one_successor)
{
	struct fixture *r = fixture_open(_i);

	race_threads(r, false);
	if (fixture_is_shared(r))
		race_threads(r, true);
	fixture_close(r);
}
END_TEST

/* This memory is shared by the processes. Each case runs in its own process. */
static struct {
	struct race *race;
	atomic_int *number;
} shared;

static int
race_in_a_process(struct fixture *r)
{
	struct work w = { .r = r,
			  .conn = store_conn_new(r->env),
			  .a = r->a,
			  .number = atomic_fetch_add(shared.number, 1) };
	struct backend *s;

	if (w.conn == NULL || fixture_try_store(r, &s) != 0)
		return 120;
	store_conn_bind(w.conn, s);
	for (int i = 0; i < ROUNDS; i++) {
		(void)pthread_barrier_wait(&shared.race->start);
		if (present(&w, &shared.race->sessions[i],
			    &shared.race->told[i][w.number]) != 0)
			return 121;
	}
	store_conn_free(w.conn);
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

START_TEST(processes_get_one_successor)
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
		expect_one_winner(r, &shared.race->sessions[i],
				  shared.race->told[i], PROCESSES);
	fixture_close(r);
}
END_TEST

/* Each thread except the first rotates its session, and continues for a few
 * times while the first thread ends them all. After the end, no rotation may
 * succeed. */
struct ending {
	struct session sessions[4];
	bool all_at_once;
	atomic_int rotations;
	atomic_bool begun, ended[4];
};

static int
rotate_once(struct work *w, const struct session *s, struct rotated *out)
{
	struct rotation use = fixture_rotation(w->r, &s->token, s->generation);

	use.id = s->id;
	return store_rotate(w->conn, AT(w, w->r->now), &use, out, &w->err);
}

static void
rotate_until_the_end(struct work *w, struct ending *e)
{
	struct rotated is = { .answer = ROTATE_DONE,
			      .session = e->sessions[w->number] };

	for (int more = 6; more > 0 && is.answer == ROTATE_DONE;) {
		more -= atomic_load(&e->begun);
		arena_reset(w->a);
		if (rotate_once(w, &is.session, &is) != 0)
			w->fails++;
		(void)atomic_fetch_add(&e->rotations, 1); /* only counts */
	}
	while (!atomic_load(&e->ended[w->number]))
		(void)sched_yield(); /* always 0 */
	if ((is.answer != ROTATE_DONE && is.answer != ROTATE_GONE) ||
	    rotate_once(w, &is.session, &is) != 0 || is.answer != ROTATE_GONE)
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
	    (store_revoke_user(w->conn, AT(w, w->r->now), STR("alice"), NULL,
			       &n, &w->err) != 0 ||
	     n != 3))
		w->fails++;
	for (int i = 1; i < 4; i++) {
		if (!e->all_at_once &&
		    (store_revoke(w->conn, AT(w, w->r->now), &e->sessions[i].id,
				  &one, &w->err) != 0 ||
		     !one))
			w->fails++;
		atomic_store(&e->ended[i], true);
	}
}

static void
rotate_or_end(struct work *w)
{
	if (w->number == 0)
		end_them(w, w->shared);
	else
		rotate_until_the_end(w, w->shared);
}

START_TEST(an_ended_session_is_not_rotated)
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

/* The rotation is done, and its answer is lost. */
static int
rotate_and_die(struct fixture *r)
{
	struct work w = { .r = r, .conn = store_conn_new(r->env), .a = r->a };
	struct told *told = &shared.race->told[0][0];
	struct backend *s;

	if (w.conn == NULL || fixture_try_store(r, &s) != 0)
		return 120;
	store_conn_bind(w.conn, s);
	if (present(&w, &shared.race->sessions[0], told) != 0)
		return 121;
	return told->is.answer == ROTATE_DONE; /* without closing anything */
}

START_TEST(a_lost_answer_is_given_again)
{
	struct fixture *r = fixture_open(_i);
	struct told *told;

	if ((r->ops->base.driver.caps & BACKEND_PERSISTENT) != 0) {
		shared.race = map_shared(r, sizeof(*shared.race));
		told = shared.race->told[0];
		shared.race->sessions[0] = fixture_create(r, "alice", r->now);
		SAME(r, fixture_processes(r, rotate_and_die, 1), 1);
		fixture_reopen(r);
		OK(r, present(&(struct work){ .r = r,
					      .conn = r->conn,
					      .a = r->a,
					      .number = 1 },
			      &shared.race->sessions[0], &told[1]));
		expect_one_winner(r, &shared.race->sessions[0], told, 2);
	}
	fixture_close(r);
}
END_TEST

TCase *
store_race_cases(void)
{
	TCase *t = new_case("races");
	int n = fixture_count();

	tcase_add_loop_test(t, threads_get_one_successor, 0, n);
	tcase_add_loop_test(t, processes_get_one_successor, 0, n);
	tcase_add_loop_test(t, an_ended_session_is_not_rotated, 0, n);
	tcase_add_loop_test(t, a_lost_answer_is_given_again, 0, n);
	return t;
}
