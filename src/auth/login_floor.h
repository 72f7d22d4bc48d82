/* SPDX-License-Identifier: MIT */
/*
 * The minimum time of a refused sign-in. Users may have password hashes of
 * schemes whose costs differ considerably, so the time of an answer would
 * disclose which users exist, and which scheme their hashes have. Each
 * verification reports its duration; a refused sign-in waits until the duration
 * of the most expensive recent one has passed, plus a random part. There is
 * one for the process; any thread may use it.
 *
 * The wait happens in the hash slot, so that no more than half of the workers
 * wait or hash (auth/hash_slots.h). If all hashes of a site have the same
 * scheme, refused sign-ins hardly wait; if there are several, all refused
 * sign-ins take as long as those of the most expensive scheme.
 */
#ifndef AUTH_LOGIN_FLOOR_H
#define AUTH_LOGIN_FLOOR_H

#include "base/env.h"

/* A more expensive hash may be recognised. */
#define LOGIN_FLOOR_MAX_MS     1000
#define LOGIN_FLOOR_SLOWER_MAX 3

struct login_floor;

struct login_floor *login_floor_new(void) MUST_USE; /* NULL: no memory */
void login_floor_free(struct login_floor *f); /* NULL is allowed */

/*
 * Records a verification at mono_ms, which took cpu_ms of login_floor_cpu_ms(),
 * and wall_ms in total. The most expensive one counts by its processor time,
 * which concurrent requests do not increase, multiplied by the average ratio of
 * total time to processor time of recent verifications, at most
 * LOGIN_FLOOR_SLOWER_MAX. Its weight halves every day: attackers who wait for
 * that learn about one user at a time.
 */
void login_floor_note(struct login_floor *f, int64_t cpu_ms, int64_t wall_ms,
		      int64_t mono_ms);

/* Returns how much longer, in milliseconds, a sign-in that took took_ms must
 * wait before it is refused; `random` is any number. */
int64_t login_floor_left(struct login_floor *f, int64_t took_ms,
			 int64_t mono_ms, uint32_t random);

/* Returns the processor time of this thread in milliseconds. */
int64_t login_floor_cpu_ms(void);

/* Waits before the refusal of a sign-in that began at from_ms of
 * env_mono_ms(). */
void login_floor_wait(struct login_floor *f, const struct env *env,
		      int64_t from_ms);

#endif
