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

#define WAIT_TIMES 2000 /* of a millisecond */

/* Returns whether this thread gets the policy within some time. */
static bool
policy_becomes(int policy)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < WAIT_TIMES; i++) {
		if (sched_getscheduler(0) == policy)
			return true;
		(void)nanosleep(&ms, NULL);
	}
	return false;
}

struct seen {
	int calls;
	pid_t thread;
	bool idle, as_others;
};

static void
look(void *arg)
{
	struct seen *seen = arg;

	seen->calls++;
	seen->thread = gettid();
}

/* Works until it no longer gives way. */
static void
work_for_long(void *arg)
{
	struct seen *seen = arg;

	look(seen);
	seen->idle = policy_becomes(SCHED_IDLE);
	seen->as_others = policy_becomes(SCHED_OTHER);
}

START_TEST(work_gives_way_but_not_for_ever)
{
	const struct env env = env_real(NULL);
	struct seen seen = { .calls = 0 };

	ck_assert(background_is_permitted());
	background_run(&env, work_for_long, &seen);
	ck_assert_int_eq(seen.calls, 1);
	ck_assert_int_ne(seen.thread, gettid());
	ck_assert(seen.idle);
	ck_assert(seen.as_others);
	ck_assert_int_eq(sched_getscheduler(0), SCHED_OTHER);
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

	if (background_is_permitted())
		tcase_add_test(t, work_gives_way_but_not_for_ever);
	tcase_add_test(t,
		       a_thread_that_cannot_be_changed_back_is_not_permitted);
	tcase_add_test(t, without_another_thread_work_runs_in_this_one);
	return run_case(t);
}
