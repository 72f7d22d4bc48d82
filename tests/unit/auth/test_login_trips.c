/* SPDX-License-Identifier: MIT */
/* Tests how many operations of the store and of the user source a login needs.
 * Each operation is at least one round trip to a server. */
#include "tests/unit/modes/refresh_fixture.h"

#include "auth/hash_slots.h"

#define TRIPS_MAX 6

/* In mode jwt, a sign-in asks for denials and stores a session as well. */
#define MODE_JWT    2
#define TRIPS(mode) ((mode) == MODE_JWT ? 4 : 3)

static const char *const modes[] = { "session", "refresh", "jwt" };

static struct hash_place place;

static void
wake(struct hash_place *p)
{
	(void)p;
}

static void
start_mode(int mode)
{
	use_mode(modes[mode], "revocation = store\n"
			      "[rule x]\nrequire = user\n"
			      "[limits]\nlogin_attempts = 3\n");
	place = (struct hash_place){ .wake = wake };
}

static unsigned
try_login(const char *password)
{
	store_faulty_fail(&f.faulty, 0, false);
	atomic_store(&f.users_table.finds, 0);
	return flow_sign_in(&f, "alice", password, NULL).status;
}

static void
expect(const char *what, unsigned store, unsigned users)
{
	const unsigned asked = atomic_load(&f.faulty.calls);
	const unsigned looked = atomic_load(&f.users_table.finds);

	ck_assert_msg(asked == store && looked == users,
		      "%s: %u operations of the store, not %u, "
		      "and %u of the user source, not %u",
		      what, asked, store, looked, users);
	ck_assert_uint_le(asked + looked, TRIPS_MAX);
}

/* The first login also reads the secrets from the store, so the second one is
 * measured. */
START_TEST(sign_in_needs_few_operations)
{
	start_mode(_i);
	ck_assert_uint_eq(try_login(FLOW_PASSWORD), 200);
	/* The operations of the store are count, succeed and create, and in
	 * mode jwt also denied. The user is read before the password is
	 * checked and again after it. */
	ck_assert_uint_eq(try_login(FLOW_PASSWORD), 200);
	expect("right", TRIPS(_i), 2);
	ck_assert_uint_eq(try_login("wrong"), 401);
	expect("wrong", 1, 1);
	ck_assert_uint_eq(try_login("wrong"), 401);
	ck_assert_uint_eq(try_login("wrong"), 401);
	expect("the wrong one that begins the ban", 2, 1);
	ck_assert_uint_eq(try_login(FLOW_PASSWORD), 429);
	expect("banned", 1, 1);
}
END_TEST

/* A login that must wait for a slot asks the store about bans before it waits.
 * It is counted when it has its slot. */
START_TEST(waiting_sign_in_needs_few_operations)
{
	struct hash_place busy[2] = { { .wake = NULL }, { .wake = NULL } };

	start_mode(_i);
	ck_assert_uint_eq(try_login(FLOW_PASSWORD), 200);
	f.place = &place;
	for (size_t i = 0; i < ARRAY_LEN(busy); i++)
		hash_slots_add(f.shared.hash_slots, &busy[i]);
	(void)try_login(FLOW_PASSWORD);
	ck_assert(f.queued);
	expect("queued", 1, 1);
	for (size_t i = 0; i < ARRAY_LEN(busy); i++)
		hash_slots_give(f.shared.hash_slots, &busy[i]);
	ck_assert_uint_eq(try_login(FLOW_PASSWORD), 200);
	expect("granted", TRIPS(_i), 2);
}
END_TEST

/* A banned login is refused at once and does not wait in the queue. */
START_TEST(banned_sign_in_does_not_wait)
{
	struct hash_place busy[2] = { { .wake = NULL }, { .wake = NULL } };

	start_mode(_i);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(try_login("wrong"), 401);
	f.place = &place;
	for (size_t i = 0; i < ARRAY_LEN(busy); i++)
		hash_slots_add(f.shared.hash_slots, &busy[i]);
	ck_assert_uint_eq(try_login(FLOW_PASSWORD), 429);
	expect("banned", 1, 1);
	ck_assert_uint_eq(hash_slots_count(f.shared.hash_slots).waiting, 0);
	for (size_t i = 0; i < ARRAY_LEN(busy); i++)
		hash_slots_give(f.shared.hash_slots, &busy[i]);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("login trips");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, sign_in_needs_few_operations, 0,
			    ARRAY_LEN(modes));
	tcase_add_loop_test(t, waiting_sign_in_needs_few_operations, 0,
			    ARRAY_LEN(modes));
	tcase_add_loop_test(t, banned_sign_in_does_not_wait, 0,
			    ARRAY_LEN(modes));
	return run_case(t);
}
