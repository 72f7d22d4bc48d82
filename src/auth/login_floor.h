/* SPDX-License-Identifier: MIT */
/*
 * How long a refused sign-in takes.  Users may have password hashes of kinds
 * that cost very different times, so time would tell who is there, and whose
 * password is of which kind.  Each verification says what it took; whoever is
 * refused waits until as much time has gone by as the dearest of late took,
 * and a bit by dice.  One for the process; any thread.
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

/* How much longer one that took so long has to wait to be refused; `dice` is
 * any number. */
int64_t login_floor_left(struct login_floor *f, int64_t took_ms,
			 int64_t mono_ms, uint32_t dice);

/* The processor's time of this thread. */
int64_t login_floor_cpu_ms(void);

/* Waits, for what began at from_ms of env_mono_ms(). */
void login_floor_wait(struct login_floor *f, const struct env *env,
		      int64_t from_ms);

#endif
