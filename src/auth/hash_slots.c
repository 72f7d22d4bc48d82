/* SPDX-License-Identifier: MIT */
/* A semaphore with a fair and bounded queue. */
#include "auth/hash_slots.h"

#include <pthread.h>
#include <stdlib.h>

#define TURNS 1024 /* counters; keys may share one */

/* A queue in order of arrival. */
struct queue {
	struct hash_place *first, **end;
	unsigned n;
};

struct hash_slots {
	pthread_mutex_t lock; /* guards the members below */
	unsigned slots, used, room;
	int64_t wait_ms;
	uint64_t seed, served;
	struct queue waiting, running; /* `running`: places with a slot */
	/* Value of `served` when a request got a slot last. */
	uint64_t network[TURNS], account[TURNS];
};

static void
queue_init(struct queue *q)
{
	*q = (struct queue){ .first = NULL };
	q->end = &q->first;
}

static void
queue_add(struct queue *q, struct hash_place *p)
{
	p->next = NULL;
	*q->end = p;
	q->end = &p->next;
	q->n++;
}

static void
queue_remove(struct queue *q, struct hash_place *p)
{
	struct hash_place **at = &q->first;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (q->end == &p->next)
		q->end = at;
	p->next = NULL;
	q->n--;
}

struct hash_slots *
hash_slots_new(unsigned running, unsigned waiting, int64_t wait_ms,
	       uint64_t seed)
{
	struct hash_slots *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->slots = running;
	s->room = waiting;
	s->wait_ms = wait_ms;
	s->seed = seed;
	queue_init(&s->waiting);
	queue_init(&s->running);
	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail on Linux */
	return s;
}

void
hash_slots_free(struct hash_slots *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_destroy(&s->lock); /* no thread holds it */
	free(s);
}

/* Returns the index of the counter of a network or an account. The caller must
 * hold the lock, as for all functions below except those of the header. */
static size_t
bucket_of(const struct hash_slots *s, uint64_t key)
{
	/* The finalizer of MurmurHash3: every bit of the key affects the
	 * result. */
	key ^= s->seed;
	key = (key ^ key >> 33) * UINT64_C(0xff51afd7ed558ccd);
	key = (key ^ key >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return (key ^ key >> 33) % TURNS;
}

/* Returns when the network or the account of the place was served last,
 * whichever is later. */
static uint64_t
last_turn(const struct hash_slots *s, const struct hash_place *p)
{
	const uint64_t network = s->network[bucket_of(s, p->network)];
	const uint64_t account = s->account[bucket_of(s, p->account)];

	return network > account ? network : account;
}

static unsigned
running_of(const struct hash_slots *s, uint64_t account)
{
	unsigned n = 0;

	for (const struct hash_place *p = s->running.first; p != NULL;
	     p = p->next)
		n += p->account == account ? 1 : 0;
	return n;
}

static void
take_slot(struct hash_slots *s, struct hash_place *p)
{
	s->served++;
	s->network[bucket_of(s, p->network)] = s->served;
	s->account[bucket_of(s, p->account)] = s->served;
	s->used++;
	p->state = HASH_GRANTED;
	queue_add(&s->running, p);
}

/* Returns the next place to get a slot, among those whose account may have
 * another one; NULL: none. */
static struct hash_place *
next_one(const struct hash_slots *s)
{
	struct hash_place *best = NULL;

	for (struct hash_place *p = s->waiting.first; p != NULL; p = p->next) {
		if (p->later || running_of(s, p->account) >= p->account_max)
			continue;
		if (best == NULL || last_turn(s, p) < last_turn(s, best))
			best = p;
	}
	return best;
}

/* Removes the place from the queue and adds it to the list of places to
 * wake. */
static void
end_wait(struct hash_slots *s, struct hash_place *p, enum hash_state state,
	 struct hash_place **woken)
{
	queue_remove(&s->waiting, p);
	if (state == HASH_GRANTED)
		take_slot(s, p);
	p->state = state;
	p->woken = *woken;
	*woken = p;
}

/* Must be called without the lock. A place must not be accessed after its
 * wake(). */
static void
wake_all(struct hash_place *woken)
{
	while (woken != NULL) {
		struct hash_place *next = woken->woken;

		woken->wake(woken);
		woken = next;
	}
}

/* Returns the place to remove from the queue in favour of one of this network;
 * NULL: no network has more places than this one. */
static struct hash_place *
one_too_many(const struct hash_slots *s, uint64_t network)
{
	struct hash_place *newest = NULL;
	unsigned most = 0, own = 0;

	for (struct hash_place *p = s->waiting.first; p != NULL; p = p->next) {
		unsigned n = 0;

		own += p->network == network ? 1 : 0;
		for (const struct hash_place *q = s->waiting.first; q != p;
		     q = q->next)
			n += q->network == p->network ? 1 : 0;
		if (n + 1 >= most) {
			most = n + 1;
			newest = p;
		}
	}
	return most > own + 1 ? newest : NULL;
}

static bool
hash_slots_enter(struct hash_slots *s, struct hash_place *p,
		 struct hash_place **woken)
{
	if (p->wake == NULL || s->room == 0)
		return false;
	if (s->waiting.n == s->room) {
		struct hash_place *other = one_too_many(s, p->network);

		if (other == NULL)
			return false;
		end_wait(s, other, HASH_LATE, woken);
	}
	p->state = HASH_WAITS;
	queue_add(&s->waiting, p);
	return true;
}

static void
set_claim(struct hash_place *p, const struct hash_claim *claim)
{
	p->network = claim->network;
	p->account = claim->account;
	p->account_max = claim->account_max;
}

/* Returns true if the place has a slot already, or takes a free one. */
static bool
has_slot(struct hash_slots *s, struct hash_place *p,
	 const struct hash_claim *claim, int64_t now_ms)
{
	if (p->state != HASH_NONE)
		return p->state == HASH_GRANTED;
	set_claim(p, claim);
	p->until_ms = now_ms + s->wait_ms;
	p->later = false;
	if (s->used >= s->slots || running_of(s, p->account) >= p->account_max)
		return false;
	take_slot(s, p);
	return true;
}

bool
hash_slots_try(struct hash_slots *s, struct hash_place *p,
	       const struct hash_claim *claim, int64_t now_ms)
{
	bool has;

	(void)pthread_mutex_lock(&s->lock);
	has = has_slot(s, p, claim, now_ms);
	(void)pthread_mutex_unlock(&s->lock);
	return has;
}

static enum hash_answer
hash_slots_enter_or_take(struct hash_slots *s, struct hash_place *p,
			 const struct hash_claim *claim, int64_t now_ms,
			 struct hash_place **woken)
{
	if (p->state == HASH_LATE) {
		p->state = HASH_NONE;
		return HASH_BUSY;
	}
	if (has_slot(s, p, claim, now_ms))
		return HASH_TAKEN;
	return hash_slots_enter(s, p, woken) ? HASH_QUEUED : HASH_BUSY;
}

enum hash_answer
hash_slots_take(struct hash_slots *s, struct hash_place *p,
		const struct hash_claim *claim, int64_t now_ms)
{
	enum hash_answer answer;
	struct hash_place *woken = NULL;

	(void)pthread_mutex_lock(&s->lock);
	answer = hash_slots_enter_or_take(s, p, claim, now_ms, &woken);
	(void)pthread_mutex_unlock(&s->lock);
	wake_all(woken);
	return answer;
}

void
hash_slots_add(struct hash_slots *s, struct hash_place *p)
{
	(void)pthread_mutex_lock(&s->lock);
	s->used++;
	p->state = HASH_GRANTED;
	queue_add(&s->running, p);
	(void)pthread_mutex_unlock(&s->lock);
}

/* Gives each free slot to the next place in the queue. */
static void
hand_on(struct hash_slots *s, struct hash_place **woken)
{
	struct hash_place *p;

	while (s->used < s->slots) {
		p = next_one(s);
		if (p == NULL)
			return;
		end_wait(s, p, HASH_GRANTED, woken);
	}
}

void
hash_slots_give(struct hash_slots *s, struct hash_place *p)
{
	struct hash_place *woken = NULL;

	(void)pthread_mutex_lock(&s->lock);
	if (p->state == HASH_GRANTED) {
		queue_remove(&s->running, p);
		s->used--;
	} else if (p->state == HASH_WAITS) {
		queue_remove(&s->waiting, p);
	}
	p->state = HASH_NONE;
	hand_on(s, &woken);
	(void)pthread_mutex_unlock(&s->lock);
	wake_all(woken);
}

enum hash_answer
hash_slots_later(struct hash_slots *s, struct hash_place *p,
		 const struct hash_claim *claim, int64_t now_ms)
{
	struct hash_place *woken = NULL;
	bool waits;

	(void)pthread_mutex_lock(&s->lock);
	queue_remove(&s->running, p);
	s->used--;
	waits =
	    p->wake != NULL && s->waiting.n < s->room && now_ms < p->until_ms;
	set_claim(p, claim);
	p->state = waits ? HASH_WAITS : HASH_NONE;
	p->later = true;
	if (waits)
		queue_add(&s->waiting, p);
	hand_on(s, &woken);
	(void)pthread_mutex_unlock(&s->lock);
	wake_all(woken);
	return waits ? HASH_QUEUED : HASH_BUSY;
}

void
hash_slots_expire(struct hash_slots *s, int64_t now_ms)
{
	struct hash_place *next, *woken = NULL;

	(void)pthread_mutex_lock(&s->lock);
	for (struct hash_place *p = s->waiting.first; p != NULL; p = next) {
		next = p->next;
		p->later = false;
		if (p->until_ms <= now_ms)
			end_wait(s, p, HASH_LATE, &woken);
	}
	hand_on(s, &woken);
	(void)pthread_mutex_unlock(&s->lock);
	wake_all(woken);
}

struct hash_slots_count
hash_slots_count(struct hash_slots *s)
{
	struct hash_slots_count n;

	(void)pthread_mutex_lock(&s->lock);
	n = (struct hash_slots_count){ .running = s->used,
				       .waiting = s->waiting.n };
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}
