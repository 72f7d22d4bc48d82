/* SPDX-License-Identifier: MIT */
/*
 * How long a refused sign-in takes.  Users may have password hashes of kinds
 * that cost very different times, so the time of an answer would tell which
 * users exist, and of which kind their hashes are.  Each verification reports
 * what it took; a refused sign-in waits until the time of the most expensive
 * recent one has passed, and a random part more.  One for the process; any
 * thread.
 *
 * The wait is spent in the hash slot, so that no more than half of the workers
 * wait or hash (auth/hash_slots.h): a site whose hashes are all of one kind
 * hardly waits at all, and one with several behaves as if all were of the
 * dearest.
 */
#ifndef AUTH_LOGIN_FLOOR_H
#define AUTH_LOGIN_FLOOR_H

#include "base/env.h"

#define LOGIN_FLOOR_MAX_MS     1000 /* what is dearer than this may be told */
#define LOGIN_FLOOR_SLOWER_MAX 3

struct login_floor;

struct login_floor *login_floor_new(void) MUST_USE; /* NULL: no memory */
void login_floor_free(struct login_floor *f); /* NULL is allowed */

/*
 * A verification, at mono_ms, took cpu_ms of login_floor_cpu_ms() and wall_ms in
 * all.  The dearest counts by its processor's time, which a crowd does not
 * lengthen, times what the last ones took longer than that on the average, at
 * most LOGIN_FLOOR_SLOWER_MAX.  It loses half of its weight in a day: whoever
 * waits for that learns of one user at a time.
 */
void login_floor_note(struct login_floor *f, int64_t cpu_ms, int64_t wall_ms,
		      int64_t mono_ms);

/* How much longer one that took so long has to wait to be refused; `random` is
 * any number. */
int64_t login_floor_left(struct login_floor *f, int64_t took_ms,
			 int64_t mono_ms, uint32_t random);

/* The processor's time of this thread. */
int64_t login_floor_cpu_ms(void);

/* Waits, for what began at from_ms of env_mono_ms(). */
void login_floor_wait(struct login_floor *f, const struct env *env,
		      int64_t from_ms);

#endif
