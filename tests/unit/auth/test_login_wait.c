/* SPDX-License-Identifier: MIT */
/* Sign-ins that wait for a hash slot, and refusals that are delayed. */
#include "tests/unit/auth/flow_fixture.h"

#include <string.h>

#include "auth/hash_slots.h"
#include "auth/login_floor.h"

static struct hash_place place, other[2];
static unsigned wakes;

static void
wake(struct hash_place *p)
{
	ck_assert_ptr_eq(p, &place);
	wakes++;
}

static void
begin(void)
{
	flow_init(&f, NULL);
	place = (struct hash_place){ .wake = wake };
	memset(other, 0, sizeof(other));
	wakes = 0;
}

static struct flow_answer
login(const char *password)
{
	return flow_sign_in(&f, "alice", password, NULL);
}

static void
expect_counts(unsigned running, unsigned waiting)
{
	const struct hash_slots_count n = hash_slots_count(f.shared.hash_slots);

	ck_assert_uint_eq(n.running, running);
	ck_assert_uint_eq(n.waiting, waiting);
}

/* Other sign-ins take all slots. */
static void
fill(void)
{
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		hash_slots_add(f.shared.hash_slots, &other[i]);
}

static void
expect_busy(const struct flow_answer *a)
{
	ck_assert(!f.queued);
	ck_assert_uint_eq(a->status, 503);
	ck_assert(flow_holds(a->body, "\"busy\""));
	ck_assert(str_eq(flow_header(a, "Retry-After"), STR("2")));
	ck_assert_ptr_null(flow_header(a, "Set-Cookie").p);
}

START_TEST(free_slot_is_used_at_once)
{
	f.place = &place;
	ck_assert_uint_eq(login(FLOW_PASSWORD).status, 200);
	ck_assert(!f.queued);
	ck_assert_uint_eq(login("wrong").status, 401);
	expect_counts(0, 0);
	ck_assert_uint_eq(wakes, 0);
}
END_TEST

/* The request is repeated when it gets its slot, and gives the slot back. */
START_TEST(waiting_sign_in_gets_a_slot)
{
	struct flow_answer a;

	fill();
	f.place = &place;
	a = login(FLOW_PASSWORD);
	ck_assert(f.queued);
	ck_assert_uint_eq(a.status, 0);
	expect_counts(2, 1);
	ck_assert_uint_eq(wakes, 0);
	hash_slots_give(f.shared.hash_slots, &other[0]);
	ck_assert_uint_eq(wakes, 1);
	expect_counts(2, 0);
	a = login(FLOW_PASSWORD);
	ck_assert(!f.queued);
	ck_assert_uint_eq(a.status, 200);
	expect_counts(1, 0);
}
END_TEST

START_TEST(too_long_wait_gets_503)
{
	struct flow_answer a;

	fill();
	f.place = &place;
	(void)login(FLOW_PASSWORD);
	ck_assert(f.queued);
	fake_env_advance_ms(&f.fake, 1999);
	hash_slots_expire(f.shared.hash_slots, env_mono_ms(&f.fake.env));
	ck_assert_uint_eq(wakes, 0);
	fake_env_advance_ms(&f.fake, 1);
	hash_slots_expire(f.shared.hash_slots, env_mono_ms(&f.fake.env));
	ck_assert_uint_eq(wakes, 1);
	a = login(FLOW_PASSWORD);
	expect_busy(&a);
	expect_counts(2, 0);
	/* The attempt is not counted as a failure, so the next one waits
	 * again. */
	(void)login(FLOW_PASSWORD);
	ck_assert(f.queued);
}
END_TEST

/* A server that cannot park the request gets 503 at once. */
START_TEST(sign_in_without_parking_gets_503)
{
	struct flow_answer a;

	fill();
	a = login(FLOW_PASSWORD);
	expect_busy(&a);
	expect_counts(2, 0);
}
END_TEST

/* The time that a sign-in takes by the clock of the test, which a wait
 * advances. */
static int64_t
waited_ms(const char *password, unsigned status)
{
	const int64_t from_ms = env_mono_ms(&f.fake.env);

	ck_assert_uint_eq(login(password).status, status);
	return env_mono_ms(&f.fake.env) - from_ms;
}

/* A refused sign-in takes as long as one with the most expensive hash; a
 * successful one does not wait. */
START_TEST(refusal_takes_the_longest_time)
{
	f.shared.login_floor = login_floor_new();
	login_floor_note(f.shared.login_floor, 1000, 1000,
			 env_mono_ms(&f.fake.env));
	ck_assert_int_ge(waited_ms("wrong", 401), 1000);
	ck_assert_int_eq(waited_ms(FLOW_PASSWORD, 200), 0);
	login_floor_free(f.shared.login_floor);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("login wait");

	tcase_add_checked_fixture(t, begin, teardown);
	tcase_add_test(t, free_slot_is_used_at_once);
	tcase_add_test(t, waiting_sign_in_gets_a_slot);
	tcase_add_test(t, too_long_wait_gets_503);
	tcase_add_test(t, sign_in_without_parking_gets_503);
	tcase_add_test(t, refusal_takes_the_longest_time);
	return run_case(t);
}
