/* SPDX-License-Identifier: MIT */
/*
 * How many passwords are hashed at once.  Each hash takes 19 MiB and a core
 * for tens of milliseconds, and each waiting login holds a worker: so both the
 * running and the waiting are bounded, and the rest are told to come back.
 */
#ifndef AUTH_HASH_SLOTS_H
#define AUTH_HASH_SLOTS_H

#include "base/base.h"

struct hash_slots;

/*
 * `running` at once, `waiting` more in the queue for at most wait_ms.  With
 * running + waiting below the number of workers, checks go on whatever logins
 * do.  NULL when out of memory.
 */
struct hash_slots *hash_slots_new(unsigned running, unsigned waiting,
				  int64_t wait_ms) MUST_USE;
void hash_slots_free(struct hash_slots *s); /* NULL is allowed */

/*
 * False: busy, nothing was taken.  `who` stands for a client's network: of
 * three places and more, one is left for the others.
 */
bool hash_slots_take(struct hash_slots *s, uint64_t who) MUST_USE;
void hash_slots_give(struct hash_slots *s, uint64_t who);

#endif
