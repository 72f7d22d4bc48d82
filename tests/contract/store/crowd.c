/* SPDX-License-Identifier: MIT */
/* Starts threads and processes for the contract suite. */
#include "tests/contract/store/fixture.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static void *
work_main(void *arg)
{
	struct work *w = arg;

	w->fn(w);
	return NULL;
}

int64_t
fixture_threads(struct fixture *r, void (*fn)(struct work *w), void *shared,
		int n, bool handles)
{
	struct work work[FIXTURE_THREADS_MAX];
	struct backend *stores[FIXTURE_THREADS_MAX] = { NULL };
	pthread_t threads[FIXTURE_THREADS_MAX];
	int64_t answers = 0;

	for (int i = 0; i < n; i++) {
		if (handles)
			stores[i] = fixture_store(r);
		work[i] = (struct work){
			.r = r,
			.conn =
			    fixture_conn_to(r, handles ? stores[i] : r->store),
			.a = arena_new(16 << 20),
			.fn = fn,
			.shared = shared,
			.number = i,
		};
		ck_assert_ptr_nonnull(work[i].a);
	}
	for (int i = 0; i < n; i++)
		HOLDS(r, pthread_create(&threads[i], NULL, work_main,
					&work[i]) == 0);
	for (int i = 0; i < n; i++) {
		HOLDS(r, pthread_join(threads[i], NULL) == 0);
		answers += work[i].answers;
	}
	for (int i = 0; i < n; i++) {
		ck_assert_msg(work[i].fails == 0, "%s: %d failures: %s",
			      r->name, work[i].fails, work[i].err.msg);
		arena_free(work[i].a);
		store_conn_free(work[i].conn);
		backend_unref(stores[i]);
	}
	return answers;
}

int
fixture_processes(struct fixture *r, int (*fn)(struct fixture *r), int n)
{
	pid_t pids[8];
	int sum = 0;

	fixture_shut(r);
	for (int i = 0; i < n; i++) {
		pids[i] = fork();
		HOLDS(r, pids[i] >= 0);
		if (pids[i] == 0) {
			/* Each process has its own random numbers. */
			atomic_store(&r->fake.random, (uint64_t)i << 32 | 7);
			_exit(fn(r));
		}
	}
	for (int i = 0; i < n; i++) {
		int status;

		HOLDS(r, waitpid(pids[i], &status, 0) == pids[i]);
		HOLDS(r, WIFEXITED(status) && WEXITSTATUS(status) < 100);
		sum += WEXITSTATUS(status);
	}
	return sum;
}
