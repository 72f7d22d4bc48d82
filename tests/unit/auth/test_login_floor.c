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

/* $apr1$, Argon2id, nobody, bcrypt: no time tells which it was. */
START_TEST(all_kinds_take_the_same)
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
	/* Dice differ, within bounds. */
	ck_assert_int_ne(whole(2, 1000, 7), whole(2, 1000, 20));
	ck_assert_int_le(whole(2, 1000, 38), 308 * 11 / 8);
}
END_TEST

/* What a crowd takes longer needs no wait on top of it. */
START_TEST(who_took_longer_waits_not)
{
	login_floor_note(f, 13, 13, 0);
	ck_assert_int_eq(login_floor_left(f, 5000, 1, 99), 0);
	ck_assert_int_gt(login_floor_left(f, 1, 1, 0), 0);
}
END_TEST

/* Others use the processor, too: all kinds get slower alike. */
START_TEST(a_busy_machine_lengthens_all)
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
	/* As fast as can be again, to within what an eighth rounds off. */
	ck_assert_int_eq(whole(2, 61, 0), 107 + 107 / 4);
}
END_TEST

START_TEST(is_bounded)
{
	login_floor_note(f, 600000, 600000, 0);
	ck_assert_int_le(whole(0, 1, UINT32_MAX), LOGIN_FLOOR_MAX_MS * 11 / 8);
	ck_assert_int_ge(whole(0, 1, 0), LOGIN_FLOOR_MAX_MS);
	ck_assert_int_eq(login_floor_left(f, 0, INT64_MAX, 0), 0);
}
END_TEST

#define DAY INT64_C(86400000)

/* The last of a kind was replaced: nobody waits for it for ever. */
START_TEST(is_forgotten)
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
	/* One that is seen again and again is not. */
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
	tcase_add_test(t, all_kinds_take_the_same);
	tcase_add_test(t, who_took_longer_waits_not);
	tcase_add_test(t, a_busy_machine_lengthens_all);
	tcase_add_test(t, is_bounded);
	tcase_add_test(t, is_forgotten);
	return run_case(t);
}
