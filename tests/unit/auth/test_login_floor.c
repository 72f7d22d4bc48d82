/* SPDX-License-Identifier: MIT */
/* A refused sign-in takes as long as one with the most expensive hash. */
#include "auth/login_floor.h"
#include "tests/support/run.h"

#include <check.h>

static struct login_floor *f;

static void
setup(void)
{
	f = login_floor_new();
	ck_assert_ptr_nonnull(f);
}

static void
teardown(void)
{
	login_floor_free(f);
}

/* The time of a sign-in and its wait, for one random number. */
static int64_t
whole(int64_t took_ms, int64_t mono_ms, uint32_t random)
{
	return took_ms + login_floor_left(f, took_ms, mono_ms, random);
}

/* With $apr1$, Argon2id, an unknown user and bcrypt a sign-in takes the same
 * time. */
START_TEST(all_kinds_take_the_same_time)
{
	static const int64_t took[] = { 2, 29, 33, 308 };

	for (size_t i = 0; i < ARRAY_LEN(took); i++)
		login_floor_note(f, took[i], took[i], (int64_t)i);
	for (uint32_t random = 0; random < 200; random++) {
		for (size_t i = 0; i < ARRAY_LEN(took); i++)
			ck_assert_int_eq(whole(took[i], 1000, random),
					 whole(308, 1000, random));
		ck_assert_int_ge(whole(2, 1000, random), 308 + 308 / 4);
	}
	/* Random numbers change the time, within bounds. */
	ck_assert_int_ne(whole(2, 1000, 7), whole(2, 1000, 20));
	ck_assert_int_le(whole(2, 1000, 38), 308 * 11 / 8);
}
END_TEST

/* A sign-in that took longer than the floor does not wait. */
START_TEST(slow_sign_in_does_not_wait)
{
	login_floor_note(f, 13, 13, 0);
	ck_assert_int_eq(login_floor_left(f, 5000, 1, 99), 0);
	ck_assert_int_gt(login_floor_left(f, 1, 1, 0), 0);
}
END_TEST

/* On a busy machine all kinds of hashes become slower. */
START_TEST(floor_follows_a_busy_machine)
{
	for (int i = 0; i < 40; i++)
		login_floor_note(f, 100, 200, i);
	ck_assert_int_ge(whole(2, 41, 0), 220);
	ck_assert_int_le(whole(2, 41, 0), 250);
	for (int i = 0; i < 40; i++)
		login_floor_note(f, 100, 100000, i);
	ck_assert_int_le(whole(2, 41, 0), 300 * 5 / 4);
	for (int i = 0; i < 60; i++)
		login_floor_note(f, 100, 100, i);
	/* The floor returns to the old value, up to a rounding error of an
	 * eighth. */
	ck_assert_int_eq(whole(2, 61, 0), 107 + 107 / 4);
}
END_TEST

START_TEST(floor_is_bounded)
{
	login_floor_note(f, 600000, 600000, 0);
	ck_assert_int_le(whole(0, 1, UINT32_MAX), LOGIN_FLOOR_MAX_MS * 11 / 8);
	ck_assert_int_ge(whole(0, 1, 0), LOGIN_FLOOR_MAX_MS);
	ck_assert_int_eq(login_floor_left(f, 0, INT64_MAX, 0), 0);
}
END_TEST

#define DAY INT64_C(86400000)

/* A kind of hash that is not used any more is dropped after some time. */
START_TEST(unused_kind_is_dropped)
{
	int64_t before;

	login_floor_note(f, 300, 300, 0);
	login_floor_note(f, 20, 20, 100);
	ck_assert_int_ge(whole(20, DAY - 1, 0), 300);
	before = whole(20, DAY, 0);
	ck_assert_int_lt(before, 300);
	for (int64_t t = DAY; t < 7 * DAY; t += DAY / 10)
		login_floor_note(f, 20, 20, t);
	ck_assert_int_lt(whole(20, 7 * DAY, 0), 30);
	/* A kind of hash that is used from time to time is kept. */
	login_floor_note(f, 300, 300, 8 * DAY);
	for (int64_t t = 8 * DAY; t < 15 * DAY; t += DAY / 2)
		login_floor_note(f, 280, 280, t);
	ck_assert_int_ge(whole(20, 15 * DAY, 0), 280);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("login_floor");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, all_kinds_take_the_same_time);
	tcase_add_test(t, slow_sign_in_does_not_wait);
	tcase_add_test(t, floor_follows_a_busy_machine);
	tcase_add_test(t, floor_is_bounded);
	tcase_add_test(t, unused_kind_is_dropped);
	return run_case(t);
}
