/* SPDX-License-Identifier: MIT */
/* The queue for password hashes: limits, fairness, threads. */
#include "tests/support/run.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "auth/hash_slots.h"

#define SLOTS 2
#define ROOM  6
#define WAIT  1000

static struct hash_slots *s;
static unsigned woken;

static void
setup(void)
{
	s = hash_slots_new(SLOTS, ROOM, WAIT, 1);
	ck_assert_ptr_nonnull(s);
	woken = 0;
}

static void
teardown(void)
{
	hash_slots_free(s);
}

static void
wake(struct hash_place *p)
{
	(void)p;
	woken++;
}

static enum hash_answer
take(struct hash_place *p, uint64_t network, uint64_t account, int64_t now)
{
	const struct hash_claim claim = { .network = network,
					  .account = account,
					  .account_max = 99 };

	return hash_slots_take(s, p, &claim, now);
}

/* Calls hash_slots_later() with the claim that the place already has. */
static enum hash_answer
later(struct hash_place *p, int64_t now)
{
	const struct hash_claim claim = { .network = p->network,
					  .account = p->account,
					  .account_max = p->account_max };

	return hash_slots_later(s, p, &claim, now);
}

static void
expect(unsigned running, unsigned waiting)
{
	struct hash_slots_count n = hash_slots_count(s);

	ck_assert_uint_eq(n.running, running);
	ck_assert_uint_eq(n.waiting, waiting);
}

static struct hash_place places[64];

/* Other requests take all slots. */
static void
fill(struct hash_place *busy)
{
	for (int i = 0; i < SLOTS; i++) {
		busy[i] = (struct hash_place){ .wake = wake };
		ck_assert_int_eq(take(&busy[i], 1000 + i, 1000 + i, 0),
				 HASH_TAKEN);
	}
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		places[i] = (struct hash_place){ .wake = wake };
}

START_TEST(slots_are_bounded)
{
	struct hash_place busy[SLOTS], none = { .wake = NULL };

	fill(busy);
	ck_assert_int_eq(take(&none, 1, 1, 0), HASH_BUSY);
	for (int i = 0; i < ROOM; i++)
		ck_assert_int_eq(take(&places[i], i, i, 0), HASH_QUEUED);
	expect(SLOTS, ROOM);
	ck_assert_int_eq(take(&places[ROOM], 50, 50, 0), HASH_BUSY);
	ck_assert_uint_eq(woken, 0);
	/* A slot that is given back goes to a waiting request, which then calls
	 * take() again. */
	hash_slots_give(s, &busy[0]);
	ck_assert_uint_eq(woken, 1);
	expect(SLOTS, ROOM - 1);
	ck_assert_int_eq(places[0].state, HASH_GRANTED);
	ck_assert_int_eq(take(&none, 1, 1, 0), HASH_BUSY);
	ck_assert_int_eq(take(&places[0], 0, 0, 0), HASH_TAKEN);
	/* A request may leave the queue, and give its slot back twice. */
	hash_slots_give(s, &places[1]);
	hash_slots_give(s, &places[1]);
	expect(SLOTS, ROOM - 2);
	ck_assert_uint_eq(woken, 1);
	for (int i = 0; i < ROOM; i++)
		hash_slots_give(s, &places[i]);
	hash_slots_give(s, &busy[1]);
	expect(0, 0);
	ck_assert_int_eq(take(&none, 1, 1, 0), HASH_TAKEN);
	hash_slots_give(s, &none);
	expect(0, 0);
}
END_TEST

/* A wait ends after its time, and its place in the queue is free. */
START_TEST(wait_has_a_limit)
{
	struct hash_place busy[SLOTS];

	fill(busy);
	ck_assert_int_eq(take(&places[0], 1, 1, 100), HASH_QUEUED);
	ck_assert_int_eq(take(&places[1], 2, 2, 600), HASH_QUEUED);
	hash_slots_expire(s, 100 + WAIT - 1);
	ck_assert_uint_eq(woken, 0);
	hash_slots_expire(s, 100 + WAIT);
	ck_assert_uint_eq(woken, 1);
	expect(SLOTS, 1);
	ck_assert_int_eq(take(&places[0], 1, 1, 100 + WAIT), HASH_BUSY);
	/* Then a new wait may begin. */
	ck_assert_int_eq(take(&places[0], 1, 1, 100 + WAIT), HASH_QUEUED);
	hash_slots_expire(s, 600 + WAIT);
	ck_assert_uint_eq(woken, 2);
	ck_assert_int_eq(places[1].state, HASH_LATE);
	ck_assert_int_eq(places[0].state, HASH_WAITS);
	hash_slots_give(s, &places[1]);
	hash_slots_give(s, &busy[0]);
	ck_assert_int_eq(places[0].state, HASH_GRANTED);
	hash_slots_give(s, &busy[1]);
	hash_slots_give(s, &places[0]);
	expect(0, 0);
}
END_TEST

/* Gives the slot back, and returns the index of the place that gets it, or
 * -1. */
static int
give_to_next(struct hash_place *holder, size_t n)
{
	hash_slots_give(s, holder);
	for (size_t i = 0; i < n; i++) {
		if (places[i].state == HASH_GRANTED)
			return (int)i;
	}
	return -1;
}

/* Makes one slot and a long queue, for the tests of the order. */
static void
one_slot(struct hash_place *holder)
{
	hash_slots_free(s);
	s = hash_slots_new(1, ARRAY_LEN(places), WAIT, 1);
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		places[i] = (struct hash_place){ .wake = wake };
	*holder = (struct hash_place){ .wake = wake };
	ck_assert_int_eq(take(holder, 1000, 1000, 0), HASH_TAKEN);
}

/* Eight networks with eight requests each have had slots: a request of a new
 * network is next. */
START_TEST(networks_take_turns)
{
	struct hash_place holder, *has = &holder;
	int got;

	one_slot(&holder);
	for (int i = 0; i < 48; i++)
		ck_assert_int_eq(take(&places[i], i % 8, 100 + i, 0),
				 HASH_QUEUED);
	for (int i = 0; i < 16; i++) {
		got = give_to_next(has, 48);
		/* one of each network, and then the second ones */
		ck_assert_int_eq(got, i);
		has = &places[got];
	}
	ck_assert_int_eq(take(&places[60], 77, 777, 0), HASH_QUEUED);
	got = give_to_next(has, 61);
	ck_assert_int_eq(got, 60);
	/* Its second request waits until each other network had a slot. */
	ck_assert_int_eq(take(&places[61], 77, 778, 0), HASH_QUEUED);
	has = &places[60];
	for (int i = 0; i < 8; i++) {
		got = give_to_next(has, 62);
		ck_assert_int_lt(got, 48);
		has = &places[got];
	}
	ck_assert_int_eq(give_to_next(has, 62), 61);
	hash_slots_give(s, &places[61]);
}
END_TEST

/* The same with one account and many networks. */
START_TEST(accounts_take_turns)
{
	struct hash_place holder, *has = &holder;
	int got;

	one_slot(&holder);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(take(&places[i], 100 + i, 5, 0), HASH_QUEUED);
	for (int i = 0; i < 4; i++) {
		got = give_to_next(has, 40);
		ck_assert_int_eq(got, i);
		has = &places[got];
	}
	ck_assert_int_eq(take(&places[60], 77, 777, 0), HASH_QUEUED);
	ck_assert_int_eq(give_to_next(has, 61), 60);
	hash_slots_give(s, &places[60]);
}
END_TEST

/* An account has at most as many slots as it has attempts. */
START_TEST(accounts_are_bounded)
{
	const struct hash_claim one = { .network = 1,
					.account = 1,
					.account_max = 1 };
	const struct hash_claim other = { .network = 1,
					  .account = 2,
					  .account_max = 1 };

	for (size_t i = 0; i < 4; i++)
		places[i] = (struct hash_place){ .wake = wake };
	ck_assert_int_eq(hash_slots_take(s, &places[0], &one, 0), HASH_TAKEN);
	ck_assert_int_eq(hash_slots_take(s, &places[1], &one, 0), HASH_QUEUED);
	ck_assert_int_eq(hash_slots_take(s, &places[2], &other, 0), HASH_TAKEN);
	hash_slots_give(s, &places[2]);
	ck_assert_int_eq(places[1].state, HASH_WAITS);
	hash_slots_give(s, &places[0]);
	ck_assert_int_eq(places[1].state, HASH_GRANTED);
	hash_slots_give(s, &places[1]);
	expect(0, 0);
}
END_TEST

START_TEST(account_may_have_two_slots)
{
	const struct hash_claim claim = { .network = 1,
					  .account = 1,
					  .account_max = 2 };

	hash_slots_free(s);
	s = hash_slots_new(4, ROOM, WAIT, 1);
	for (size_t i = 0; i < 3; i++) {
		places[i] = (struct hash_place){ .wake = wake };
		ck_assert_int_eq(hash_slots_take(s, &places[i], &claim, 0),
				 i < 2 ? HASH_TAKEN : HASH_QUEUED);
	}
	hash_slots_give(s, &places[0]);
	ck_assert_int_eq(places[2].state, HASH_GRANTED);
	hash_slots_give(s, &places[1]);
	hash_slots_give(s, &places[2]);
	expect(0, 0);
}
END_TEST

/* Does a slot of network 1 also count for this network? */
static bool
shares_counter(uint64_t seed, uint64_t network)
{
	bool shared;

	hash_slots_free(s);
	s = hash_slots_new(1, 2, WAIT, seed);
	for (size_t i = 0; i < 3; i++)
		places[i] = (struct hash_place){ .wake = wake };
	ck_assert_int_eq(take(&places[0], 1, 1, 0), HASH_TAKEN);
	ck_assert_int_eq(take(&places[1], network, 2, 0), HASH_QUEUED);
	ck_assert_int_eq(take(&places[2], 2, 3, 0), HASH_QUEUED);
	hash_slots_give(s, &places[0]);
	shared = places[2].state == HASH_GRANTED;
	hash_slots_give(s, &places[shared ? 2 : 1]);
	hash_slots_give(s, &places[shared ? 1 : 2]);
	return shared;
}

/* Few networks share a counter, and without the seed nobody can tell which. */
START_TEST(networks_share_a_counter_by_chance)
{
	unsigned shared[2] = { 0, 0 }, both = 0;

	for (uint64_t network = 3; network < 8192; network++) {
		const bool first = shares_counter(1, network);
		const bool second = shares_counter(2, network);

		shared[0] += first ? 1 : 0;
		shared[1] += second ? 1 : 0;
		both += first && second ? 1 : 0;
	}
	for (size_t i = 0; i < 2; i++) {
		ck_assert_uint_gt(shared[i], 0);
		ck_assert_uint_lt(shared[i], 24);
		ck_assert_uint_lt(both, shared[i]);
	}
}
END_TEST

/* In a full queue the newest request of the network with the most requests
 * makes room. */
START_TEST(full_queue_makes_room)
{
	struct hash_place busy[SLOTS];

	fill(busy);
	for (int i = 0; i < ROOM; i++)
		ck_assert_int_eq(take(&places[i], i < 4 ? 1 : 2, i, 0),
				 HASH_QUEUED);
	ck_assert_int_eq(take(&places[10], 1, 10, 0), HASH_BUSY);
	ck_assert_int_eq(take(&places[11], 3, 11, 0), HASH_QUEUED);
	ck_assert_uint_eq(woken, 1);
	ck_assert_int_eq(places[3].state, HASH_LATE);
	expect(SLOTS, ROOM);
	ck_assert_int_eq(take(&places[12], 3, 12, 0), HASH_QUEUED);
	ck_assert_int_eq(places[2].state, HASH_LATE);
	/* each has two */
	ck_assert_int_eq(take(&places[13], 3, 13, 0), HASH_BUSY);
	for (int i = 0; i < SLOTS; i++)
		hash_slots_give(s, &busy[i]);
}
END_TEST

/* A request that is queued for later gets a slot at the next expiry at the
 * earliest, and waits no longer than its first wait. */
START_TEST(request_may_be_queued_for_later)
{
	struct hash_place busy[SLOTS], none = { .wake = NULL };

	fill(busy);
	ck_assert_int_eq(later(&busy[0], 0), HASH_QUEUED);
	expect(SLOTS - 1, 1);
	ck_assert_uint_eq(woken, 0);
	ck_assert_int_eq(take(&none, 1, 1, 0), HASH_TAKEN);
	hash_slots_expire(s, 1);
	ck_assert_uint_eq(woken, 0); /* no slot is free */
	ck_assert_int_eq(later(&none, 1), HASH_BUSY);
	ck_assert_uint_eq(woken, 1);
	ck_assert_int_eq(busy[0].state, HASH_GRANTED);
	ck_assert_int_eq(later(&busy[0], WAIT), HASH_BUSY);
	ck_assert_int_eq(later(&busy[1], 1), HASH_QUEUED);
	hash_slots_expire(s, 2);
	ck_assert_int_eq(busy[1].state, HASH_GRANTED);
	ck_assert_int_eq(later(&busy[1], 2), HASH_QUEUED);
	hash_slots_expire(s, WAIT);
	ck_assert_int_eq(take(&busy[1], 1, 1, WAIT), HASH_BUSY);
	expect(0, 0);
}
END_TEST

/* A request that cannot wait gets a slot beyond the limit. No other request
 * gets one until fewer than the limit are in use. */
START_TEST(additional_slot_is_given_back)
{
	struct hash_place busy[SLOTS], more = { .wake = NULL };

	fill(busy);
	hash_slots_add(s, &more);
	expect(SLOTS + 1, 0);
	ck_assert_int_eq(take(&places[0], 1, 1, 0), HASH_QUEUED);
	hash_slots_give(s, &more);
	ck_assert_int_eq(places[0].state, HASH_WAITS);
	hash_slots_give(s, &busy[0]);
	ck_assert_int_eq(places[0].state, HASH_GRANTED);
	hash_slots_give(s, &busy[1]);
	hash_slots_give(s, &places[0]);
	expect(0, 0);
}
END_TEST

/* Threads that take slots, wait, exceed their wait and give slots back. */
#define THREADS 16
#define ROUNDS	300

struct client {
	struct hash_place place; /* must be the first member */
	pthread_mutex_t lock;
	pthread_cond_t wakes;
	bool awake;
	unsigned number;
};

static atomic_int inside, most, taken, refused;
static atomic_llong now;

static void
wake_client(struct hash_place *p)
{
	struct client *c = (struct client *)p;

	(void)pthread_mutex_lock(&c->lock);
	c->awake = true;
	(void)pthread_cond_signal(&c->wakes);
	(void)pthread_mutex_unlock(&c->lock);
}

static enum hash_answer
take_or_wait(struct client *c)
{
	enum hash_answer answer =
	    take(&c->place, c->number % 5, c->number % 3, atomic_load(&now));

	if (answer != HASH_QUEUED)
		return answer;
	(void)pthread_mutex_lock(&c->lock);
	while (!c->awake)
		(void)pthread_cond_wait(&c->wakes, &c->lock);
	c->awake = false;
	(void)pthread_mutex_unlock(&c->lock);
	return take(&c->place, 0, 0, 0);
}

static void *
run_client(void *arg)
{
	struct client *c = arg;

	for (int i = 0; i < ROUNDS; i++) {
		int n, m;

		if (take_or_wait(c) != HASH_TAKEN) {
			atomic_fetch_add(&refused, 1);
			hash_slots_expire(s, atomic_fetch_add(&now, 1));
			continue;
		}
		atomic_fetch_add(&taken, 1);
		n = atomic_fetch_add(&inside, 1) + 1;
		m = atomic_load(&most);
		while (n > m && !atomic_compare_exchange_weak(&most, &m, n))
			;
		(void)sched_yield();
		atomic_fetch_sub(&inside, 1);
		hash_slots_give(s, &c->place);
	}
	return NULL;
}

START_TEST(threads_share_the_slots)
{
	static struct client clients[THREADS];
	pthread_t running[THREADS];

	hash_slots_free(s);
	s = hash_slots_new(SLOTS, ROOM, 3, 1);
	for (unsigned i = 0; i < THREADS; i++) {
		struct client *c = &clients[i];

		c->place.wake = wake_client;
		c->number = i;
		(void)pthread_mutex_init(&c->lock, NULL);
		(void)pthread_cond_init(&c->wakes, NULL);
		ck_assert_int_eq(pthread_create(&running[i], NULL, run_client,
						c),
				 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		(void)pthread_join(running[i], NULL);
	ck_assert_int_eq(taken + refused, THREADS * ROUNDS);
	ck_assert_int_gt(taken, 0);
	ck_assert_int_le(most, SLOTS);
	expect(0, 0);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("hash_slots");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, slots_are_bounded);
	tcase_add_test(t, wait_has_a_limit);
	tcase_add_test(t, networks_take_turns);
	tcase_add_test(t, accounts_take_turns);
	tcase_add_test(t, accounts_are_bounded);
	tcase_add_test(t, account_may_have_two_slots);
	tcase_add_test(t, networks_share_a_counter_by_chance);
	tcase_add_test(t, full_queue_makes_room);
	tcase_add_test(t, additional_slot_is_given_back);
	tcase_add_test(t, request_may_be_queued_for_later);
	tcase_add_test(t, threads_share_the_slots);
	return run_case(t);
}
