/* SPDX-License-Identifier: MIT */
/* auth/last_seen: a bounded table that is emptied as a whole. */
#include "tests/support/run.h"

#include <string.h>

#include "auth/last_seen.h"

static struct last_seen *t;
static struct touch out[LAST_SEEN_MAX];

static void
setup(void)
{
	t = last_seen_new();
	ck_assert_ptr_nonnull(t);
}

static void
teardown(void)
{
	last_seen_free(t);
}

/* The table hashes the last four bytes of the id; `first` fills the others. */
static struct touch
make(uint32_t last, uint8_t first, int64_t seen_ms)
{
	struct touch one = { .last_seen_ms = seen_ms,
			     .idle_expires_ms = seen_ms + 1 };
	struct session_id *id = &one.id;

	memset(id->b, first, sizeof(id->b));
	memcpy(id->b + sizeof(id->b) - sizeof(last), &last, sizeof(last));
	return one;
}

static void
note(uint32_t last, uint8_t first, int64_t seen_ms)
{
	const struct touch one = make(last, first, seen_ms);

	last_seen_add(t, &one);
}

static int64_t
seen(uint32_t last, uint8_t first)
{
	const struct touch one = make(last, first, 0);

	return last_seen_find(t, &one.id);
}

START_TEST(last_touch_counts)
{
	ck_assert_uint_eq(last_seen_take(t, out), 0);
	ck_assert_int_eq(seen(7, 0), 0);
	note(7, 0, 1000);
	note(7, 0, 2000);
	ck_assert_int_eq(seen(7, 0), 2000);
	ck_assert_uint_eq(last_seen_take(t, out), 1);
	ck_assert_int_eq(out[0].last_seen_ms, 2000);
	ck_assert_int_eq(out[0].idle_expires_ms, 2001);
	/* A touch that is taken is removed. */
	ck_assert_int_eq(seen(7, 0), 0);
	ck_assert_uint_eq(last_seen_take(t, out), 0);
}
END_TEST

/* Several ids may have the same place, also the last one of the table. */
START_TEST(collisions_are_kept_apart)
{
	static const uint32_t places[] = { 0, 5, 2 * LAST_SEEN_MAX - 1,
					   2 * LAST_SEEN_MAX };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		for (uint8_t k = 0; k < 10; k++)
			note(places[i], k, 100 * (int64_t)(i + 1) + k);
	}
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		for (uint8_t k = 0; k < 10; k++)
			ck_assert_int_eq(seen(places[i], k),
					 100 * (int64_t)(i + 1) + k);
		ck_assert_int_eq(seen(places[i], 10), 0);
	}
	ck_assert_uint_eq(last_seen_take(t, out), 10 * ARRAY_LEN(places));
}
END_TEST

/* A full table drops new ids and updates ids that it has. After it is taken it
 * is empty. */
START_TEST(size_is_bounded)
{
	for (int64_t round = 1; round <= 3; round++) {
		static bool there[LAST_SEEN_MAX];
		size_t n;

		for (uint32_t i = 0; i < LAST_SEEN_MAX + 100; i++)
			note(i, 0, round);
		ck_assert_int_eq(seen(LAST_SEEN_MAX - 1, 0), round);
		ck_assert_int_eq(seen(LAST_SEEN_MAX, 0), 0);
		note(3, 0, round + 10);
		n = last_seen_take(t, out);
		ck_assert_uint_eq(n, LAST_SEEN_MAX);
		memset(there, 0, sizeof(there));
		for (size_t i = 0; i < n; i++) {
			uint32_t last;

			memcpy(&last, out[i].id.b + sizeof(out[i].id.b) - 4, 4);
			ck_assert_uint_lt(last, LAST_SEEN_MAX);
			ck_assert(!there[last]);
			there[last] = true;
			ck_assert_int_eq(out[i].last_seen_ms,
					 last == 3 ? round + 10 : round);
		}
	}
}
END_TEST

START_TEST(null_is_freed)
{
	last_seen_free(NULL);
}
END_TEST

int
main(void)
{
	TCase *c = new_case("last_seen");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, last_touch_counts);
	tcase_add_test(c, collisions_are_kept_apart);
	tcase_add_test(c, size_is_bounded);
	tcase_add_test(c, null_is_freed);
	return run_case(c);
}
