/* SPDX-License-Identifier: MIT */
/* Tests hash_slots_try(), which takes a slot without waiting. */
#include "tests/support/run.h"

#include "auth/hash_slots.h"
#include "base/base.h"

#define WAIT 2000 /* ms */

static struct hash_slots *s;

static void
setup(void)
{
	s = hash_slots_new(2, 4, WAIT, 1);
	ck_assert_ptr_nonnull(s);
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
}

static void
expect(unsigned running, unsigned waiting)
{
	struct hash_slots_count n = hash_slots_count(s);

	ck_assert_uint_eq(n.running, running);
	ck_assert_uint_eq(n.waiting, waiting);
}

/* A second call for the same place keeps its slot. A place whose wait has
 * ended gets no slot, and hash_slots_take() still answers HASH_BUSY for it. */
START_TEST(free_slot_is_taken)
{
	const struct hash_claim one = { .account = 7, .account_max = 1 };
	struct hash_place here = { .wake = NULL }, busy[2];
	struct hash_place other = { .wake = wake };

	ck_assert(hash_slots_try(s, &here, &one, 0));
	ck_assert(hash_slots_try(s, &here, &one, 0));
	expect(1, 0);
	/* The account has a slot. */
	ck_assert(!hash_slots_try(s, &other, &one, 0));
	expect(1, 0);
	ck_assert_int_eq(other.state, HASH_NONE);
	hash_slots_give(s, &here);
	for (size_t i = 0; i < ARRAY_LEN(busy); i++) {
		busy[i] = (struct hash_place){ .wake = NULL };
		hash_slots_add(s, &busy[i]);
	}
	ck_assert(!hash_slots_try(s, &other, &one, 0));
	expect(2, 0);
	ck_assert_int_eq(hash_slots_take(s, &other, &one, 0), HASH_QUEUED);
	hash_slots_expire(s, WAIT);
	ck_assert(!hash_slots_try(s, &other, &one, WAIT));
	ck_assert_int_eq(hash_slots_take(s, &other, &one, WAIT), HASH_BUSY);
	for (size_t i = 0; i < ARRAY_LEN(busy); i++)
		hash_slots_give(s, &busy[i]);
	expect(0, 0);
}
END_TEST

/* A place that is queued with another account does not count for the account
 * that it had before. */
START_TEST(later_claim_replaces_the_first)
{
	const struct hash_claim claims[] = {
		{ .network = 1, .account = 1, .account_max = 1 },
		{ .network = 1, .account = 2, .account_max = 1 },
	};
	struct hash_place a = { .wake = wake }, b = { .wake = wake };

	ck_assert(hash_slots_try(s, &a, &claims[0], 0));
	ck_assert_int_eq(hash_slots_later(s, &a, &claims[1], 0), HASH_QUEUED);
	ck_assert(hash_slots_try(s, &b, &claims[0], 0));
	hash_slots_expire(s, 1);
	ck_assert_int_eq(a.state, HASH_GRANTED);
	hash_slots_give(s, &a);
	hash_slots_give(s, &b);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("try");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, free_slot_is_taken);
	tcase_add_test(t, later_claim_replaces_the_first);
	return run_case(t);
}
