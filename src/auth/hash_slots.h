/* SPDX-License-Identifier: MIT */
/*
 * How many passwords are hashed at once.  Each hash takes 19 MiB and a core
 * for tens of milliseconds, and a worker meanwhile: so few run, and the others
 * queue, without a worker, for a bounded time.  The queue is fair by network
 * and by account: whose network and account were served longest ago is next,
 * so that a flood from some networks, or with one account's right password,
 * costs the others a turn each and not the login.
 */
#ifndef AUTH_HASH_SLOTS_H
#define AUTH_HASH_SLOTS_H

#include "base/base.h"

struct hash_slots;

enum hash_state {
	HASH_NONE = 0,
	HASH_WAITS, /* in the queue, which may change it at any moment */
	HASH_GRANTED, /* has a slot, until hash_slots_give() */
	HASH_LATE, /* has waited for too long, or made room for others */
};

/*
 * One request's place, all zero at first.  Whoever has the request has the
 * place, but for the time from an answer HASH_QUEUED to the call of wake().
 */
struct hash_place {
	/* Tells the owner that the wait is over, once, from any thread and
	 * without a lock: to ask hash_slots_take() again.  NULL: does not
	 * wait, is busy at once. */
	void (*wake)(struct hash_place *place);

	/* The queue's. */
	enum hash_state state;
	uint64_t network, account;
	unsigned account_max;
	int64_t until_ms;
	bool later;
	struct hash_place *next, *woken;
};

/* Of whom a slot is taken, and how many slots one account may have. */
struct hash_claim {
	uint64_t network, account;
	unsigned account_max;
};

enum hash_answer {
	HASH_BUSY = 0, /* neither slot nor place: the client may come again */
	HASH_TAKEN, /* to be given back */
	HASH_QUEUED, /* wake() will be called */
};

/*
 * `running` at once, `waiting` more in the queue for at most wait_ms.  `seed`
 * keeps others from knowing whose turns are counted together.  NULL when out
 * of memory.
 */
struct hash_slots *hash_slots_new(unsigned running, unsigned waiting,
				  int64_t wait_ms, uint64_t seed) MUST_USE;
void hash_slots_free(struct hash_slots *s); /* NULL is allowed */

/* When the queue is full, the newest of the network that has most places makes
 * room for one that has fewer. */
enum hash_answer hash_slots_take(struct hash_slots *s, struct hash_place *p,
				 const struct hash_claim *claim,
				 int64_t now_ms) MUST_USE;

/* Gives the slot back and waits for another one, until the next call of
 * hash_slots_expire() at least and no longer than the first wait: HASH_QUEUED,
 * or HASH_BUSY. */
enum hash_answer hash_slots_later(struct hash_slots *s, struct hash_place *p,
				  int64_t now_ms) MUST_USE;

/* One more beside those that run, at once: for what cannot wait and is rare. */
void hash_slots_add(struct hash_slots *s, struct hash_place *p);

/* Gives a slot back, or leaves the queue without a call of wake(); nothing
 * when the place is neither in one nor the other. */
void hash_slots_give(struct hash_slots *s, struct hash_place *p);

/* Ends the wait of those that have waited for wait_ms, and lets in those that
 * came for later; about every 100 ms. */
void hash_slots_expire(struct hash_slots *s, int64_t now_ms);

struct hash_slots_count {
	unsigned running, waiting;
};

struct hash_slots_count hash_slots_count(struct hash_slots *s);

#endif
