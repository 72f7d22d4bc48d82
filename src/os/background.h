/* SPDX-License-Identifier: MIT */
/* Work that computes for long, while other threads have to answer at once. */
#ifndef OS_BACKGROUND_H
#define OS_BACKGROUND_H

#include "base/base.h"

struct env;

/* After this time, in milliseconds, the work no longer gives way. */
#define BACKGROUND_MS 100

/* Returns whether threads of this process can be made to give way, and changed
 * back. Without privileges this needs an RLIMIT_NICE of at least 20
 * (sched(7)). */
bool background_is_permitted(void) MUST_USE;

/*
 * Calls fn(arg) in a thread that gives way to all others, and returns when fn
 * has returned. The thread has the policy SCHED_IDLE, so that each thread that
 * wakes up runs in its place. If fn takes longer than BACKGROUND_MS, it goes on
 * like any other thread: a host without idle time cannot delay it without end.
 * If no thread can be started, fn runs in the calling thread. Any thread may
 * call this function, if background_is_permitted().
 */
void background_run(const struct env *env, void (*fn)(void *), void *arg);

#endif
