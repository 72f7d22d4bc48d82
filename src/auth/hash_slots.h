/* SPDX-License-Identifier: MIT */
/*
 * The limit of concurrent password hashes. Each hash takes 19 MiB, and a core
 * and a worker for tens of milliseconds. Therefore only a few run at once, and
 * the other requests wait in a queue, without a worker, for a bounded time.
 * The queue is fair by network and by account: the next request is the one
 * whose network and account were served least recently. A flood from some
 * networks, or with the right password of one account, delays each other client
 * by one hash, but does not block sign-ins.
 */
#ifndef AUTH_HASH_SLOTS_H
#define AUTH_HASH_SLOTS_H

#include "base/base.h"

struct hash_slots;

enum hash_state {
	HASH_NONE = 0,
	HASH_WAITS, /* in the queue, which may change the state at any moment */
	HASH_GRANTED, /* has a slot, until hash_slots_give() */
	HASH_LATE, /* waited too long, or was removed to make room for others */
};

/*
 * The place of a request; all zero initially. The owner of the request owns
 * the place, except from the answer HASH_QUEUED to the call of wake().
 */
struct hash_place {
	/* Tells the owner that the wait is over and hash_slots_take() must be
	 * called again. Called once, from any thread, without a lock held.
	 * NULL: the request does not wait; the answer is HASH_BUSY instead. */
	void (*wake)(struct hash_place *place);

	/* The members below belong to the queue. */
	enum hash_state state;
	uint64_t network, account;
	unsigned account_max;
	int64_t until_ms;
	bool later;
	struct hash_place *next, *woken;
};

/* For which network and account a slot is taken, and how many slots the account
 * may have. */
struct hash_claim {
	uint64_t network, account;
	unsigned account_max;
};

enum hash_answer {
	/* No slot and no room in the queue: the client may retry. */
	HASH_BUSY = 0,
	HASH_TAKEN, /* the caller has a slot, and must give it back */
	HASH_QUEUED, /* wake() will be called */
};

/*
 * Creates the slots: `running` hashes at once, and `waiting` more requests in
 * the queue, each for at most wait_ms. `seed` prevents others from predicting
 * which networks and accounts share a counter. Returns NULL when out of
 * memory.
 */
struct hash_slots *hash_slots_new(unsigned running, unsigned waiting,
				  int64_t wait_ms, uint64_t seed) MUST_USE;
void hash_slots_free(struct hash_slots *s); /* NULL is allowed */

/* Takes a slot if one is free, and does not wait. Returns true also when the
 * place already had a slot. After false, a caller that may wait calls
 * hash_slots_take(). */
bool hash_slots_try(struct hash_slots *s, struct hash_place *p,
		    const struct hash_claim *claim, int64_t now_ms) MUST_USE;

/* Takes a slot or a place in the queue. When the queue is full, the newest
 * place of the network that has the most places is removed for a network that
 * has fewer. */
enum hash_answer hash_slots_take(struct hash_slots *s, struct hash_place *p,
				 const struct hash_claim *claim,
				 int64_t now_ms) MUST_USE;

/* Gives the slot back, and puts the place into the queue again with this claim.
 * The place waits at least until the next call of hash_slots_expire(), and no
 * longer than it may wait since its first call. Returns HASH_QUEUED or
 * HASH_BUSY. */
enum hash_answer hash_slots_later(struct hash_slots *s, struct hash_place *p,
				  const struct hash_claim *claim,
				  int64_t now_ms) MUST_USE;

/* Takes a slot beyond the limit, at once: for rare operations that cannot
 * wait. */
void hash_slots_add(struct hash_slots *s, struct hash_place *p);

/* Gives a slot back, or leaves the queue without a call of wake(). Does
 * nothing when the place has no slot and is not in the queue. */
void hash_slots_give(struct hash_slots *s, struct hash_place *p);

/* Ends the wait of the requests that waited for wait_ms, and considers those of
 * hash_slots_later() again. Must be called about every 100 ms. */
void hash_slots_expire(struct hash_slots *s, int64_t now_ms);

struct hash_slots_count {
	unsigned running, waiting;
};

struct hash_slots_count hash_slots_count(struct hash_slots *s);

#endif
