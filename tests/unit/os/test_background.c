/* SPDX-License-Identifier: MIT */
/* os/background: work that gives way to other threads. */
#define _GNU_SOURCE /* SCHED_IDLE, gettid() */
#include "os/background.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/env.h"
#include "tests/support/run.h"

/* For a thread that gives way, which gets no time on a busy machine. */
#define WAIT_MS INT64_C(60000)

/* Returns whether this thread gets the policy within some time. */
static bool
policy_becomes(int policy)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	const struct env env = env_real(NULL);
	const int64_t until_ms = env_mono_ms(&env) + WAIT_MS;

	while (sched_getscheduler(0) != policy) {
		if (env_mono_ms(&env) > until_ms)
			return false;
		(void)nanosleep(&ms, NULL);
	}
	return true;
}

struct seen {
	int calls;
	pid_t thread;
	bool expected; /* the policy that the work waits for */
};

static void
look(void *arg)
{
	struct seen *seen = arg;

	seen->calls++;
	seen->thread = gettid();
}

static void
wait_until_idle(void *arg)
{
	struct seen *seen = arg;

	look(seen);
	seen->expected = policy_becomes(SCHED_IDLE);
}

static void
wait_until_as_others(void *arg)
{
	const struct timespec some = { .tv_nsec = 200000000 };
	struct seen *seen = arg;

	look(seen);
	(void)nanosleep(&some, NULL); /* at first it is so in any case */
	seen->expected = policy_becomes(SCHED_OTHER);
}

static int64_t
later_wall_ms(void *ctx)
{
	const struct env env = env_real(NULL);

	(void)ctx;
	return env_wall_ms(&env) + 2 * WAIT_MS;
}

/* The clock keeps the time for giving way from ending. */
START_TEST(work_gives_way)
{
	struct env env = env_real(NULL);
	struct seen seen = { .calls = 0 };

	env.clock.wall_ms = later_wall_ms;
	ck_assert(background_is_permitted());
	background_run(&env, wait_until_idle, &seen);
	ck_assert_int_eq(seen.calls, 1);
	ck_assert_int_ne(seen.thread, gettid());
	ck_assert(seen.expected);
	ck_assert_int_eq(sched_getscheduler(0), SCHED_OTHER);
}
END_TEST

START_TEST(long_work_goes_on_like_any_other)
{
	const struct env env = env_real(NULL);
	struct seen seen = { .calls = 0 };

	background_run(&env, wait_until_as_others, &seen);
	ck_assert_int_eq(seen.calls, 1);
	ck_assert_int_ne(seen.thread, gettid());
	ck_assert(seen.expected);
}
END_TEST

/* A thread that cannot be changed back would get no time on a busy host. */
START_TEST(a_thread_that_cannot_be_changed_back_is_not_permitted)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };

	ck_assert_int_eq(setrlimit(RLIMIT_NICE, &none), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	ck_assert(!background_is_permitted());
	ck_assert_int_eq(sched_getscheduler(0), SCHED_OTHER);
}
END_TEST

/* No thread can have a stack of this size. */
START_TEST(without_another_thread_work_runs_in_this_one)
{
	const struct env env = env_real(NULL);
	struct seen seen = { .calls = 0 };
	pthread_attr_t a;

	ck_assert_int_eq(pthread_attr_init(&a), 0);
	ck_assert_int_eq(pthread_attr_setstacksize(&a, (size_t)1 << 50), 0);
	ck_assert_int_eq(pthread_setattr_default_np(&a), 0);
	background_run(&env, look, &seen);
	ck_assert_int_eq(seen.calls, 1);
	ck_assert_int_eq(seen.thread, gettid());
}
END_TEST

int
main(void)
{
	TCase *t = new_case("background");

	tcase_set_timeout(t, 3 * WAIT_MS / 1000);
	if (background_is_permitted()) {
		tcase_add_test(t, work_gives_way);
		tcase_add_test(t, long_work_goes_on_like_any_other);
	}
	tcase_add_test(t,
		       a_thread_that_cannot_be_changed_back_is_not_permitted);
	tcase_add_test(t, without_another_thread_work_runs_in_this_one);
	return run_case(t);
}
