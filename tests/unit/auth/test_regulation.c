/* SPDX-License-Identifier: MIT */
/* Regulation of password guessing: under which keys failures are counted, and
 * which users are not affected. */
#include "tests/unit/auth/regulation_fixture.h"
#include "tests/support/call.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* A user is banned for all but his own networks; the addresses are not. */
START_TEST(names_are_counted)
{
	struct flow_answer a;

	for (int i = 0; i < USER_MAX; i++)
		ck_assert_uint_eq(wrong("alice", address("192.0.2.%d", i)),
				  401);
	ck_assert_str_eq(reasons(), "user alice");
	a = login("alice", FLOW_PASSWORD, "198.51.100.1");
	ck_assert_uint_eq(a.status, 429);
	ck_assert(str_eq(flow_header(&a, "Retry-After"), STR("300")));
	ck_assert(flow_holds(a.body, "Too many attempts. Please try again in "
				     "5 minutes."));
	for (int i = 0; i < USER_MAX; i++)
		ck_assert_uint_eq(right("bob", address("192.0.2.%d", i)), 200);
	fake_env_advance(&f.fake, BAN_S - 1);
	ck_assert_uint_eq(right("alice", "198.51.100.1"), 429);
	fake_env_advance(&f.fake, 1);
	ck_assert_uint_eq(right("alice", "198.51.100.1"), 200);
}
END_TEST

/* Who tries many names from one address is banned there, and not the names. */
START_TEST(addresses_are_counted)
{
	for (int i = 0; i < ADDRESS_MAX; i++)
		ck_assert_uint_eq(wrong(address("user%d", i), "192.0.2.1"),
				  401);
	ck_assert_str_eq(reasons(), "address 192.0.2.1");
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 429);
	ck_assert_uint_eq(right("alice", "192.0.2.2"), 200);
	ck_assert_uint_eq(right("bob", "192.0.2.2"), 200);
}
END_TEST

/* Failures, a success, failures again: forgotten of the name. */
START_TEST(a_success_forgets_the_name)
{
	for (int round = 0; round < 4; round++) {
		const char *where = address("192.0.2.%d", round);

		for (int i = 1; i < USER_MAX; i++)
			ck_assert_uint_eq(wrong("alice", where), 401);
		ck_assert_uint_eq(right("alice", where), 200);
	}
	ck_assert_str_eq(reasons(), "");
}
END_TEST

/* Colleagues behind one address: what succeeds does not add up. */
START_TEST(a_success_does_not_count_for_the_address)
{
	for (int i = 0; i < 5 * ADDRESS_MAX; i++)
		ck_assert_uint_eq(right(i % 2 == 0 ? "alice" : "bob",
					"192.0.2.1"),
				  200);
	for (int i = 1; i < ADDRESS_MAX; i++)
		ck_assert_uint_eq(wrong(address("user%d", i), "192.0.2.1"),
				  401);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
	ck_assert_str_eq(reasons(), "");
}
END_TEST

/* An own account in between does not take back the guesses at others'. */
START_TEST(a_success_keeps_the_failures_of_the_address)
{
	unsigned guesses = 0;

	for (int i = 0; i < 3 * ADDRESS_MAX; i++) {
		guesses += wrong(address("user%d", i), "192.0.2.1") == 401;
		(void)right("bob", "192.0.2.1");
	}
	ck_assert_uint_eq(guesses, ADDRESS_MAX);
	ck_assert_str_eq(reasons(), "address 192.0.2.1");
}
END_TEST

/* Trusted: never banned, and no way around the ban of the user. */
START_TEST(trusted_networks)
{
	static const char *const trusted[] = { "10.1.2.3", "::ffff:10.1.2.3",
					       "2001:db8:7::9" };

	for (size_t t = 0; t < ARRAY_LEN(trusted); t++) {
		for (int i = 0; i < 2 * ADDRESS_MAX; i++)
			ck_assert_uint_eq(wrong(address("user%d",
							100 * (int)t + i),
						trusted[t]),
					  401);
		ck_assert_uint_eq(right("bob", trusted[t]), 200);
	}
	ck_assert_str_eq(reasons(), "");
	for (int i = 0; i < USER_MAX; i++)
		ck_assert_uint_eq(wrong("alice", "10.1.2.3"), 401);
	ck_assert_uint_eq(right("alice", "10.1.2.3"), 429);
	ck_assert_str_eq(reasons(), "user alice");
}
END_TEST

/* Strangers do not lock the owner out where he signed in before. */
START_TEST(known_networks)
{
	unsigned guesses = 0;

	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
	for (int i = 0; i < 2 * USER_MAX; i++)
		guesses += wrong("alice", address("198.51.100.%d", i)) == 401;
	ck_assert_uint_eq(guesses, USER_MAX);
	ck_assert_uint_eq(right("alice", "203.0.113.1"), 429);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
	/* Nor does his success there let the others guess on. */
	ck_assert_uint_eq(wrong("alice", "203.0.113.2"), 429);
	/* There it has a counter of its own: nothing is unbounded. */
	for (guesses = 0; guesses < 10; guesses++)
		if (wrong("alice", "192.0.2.1") != 401)
			break;
	ck_assert_uint_eq(guesses, USER_MAX);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 429);
	ck_assert_str_eq(reasons(), "known_network alice, user alice");
	ck_assert_uint_eq(right("bob", "192.0.2.1"), 200);
	/* Bob has been in alice's network, not in hers as alice. */
	fake_env_advance(&f.fake, BAN_S);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
	ck_assert_uint_eq(right("alice", "203.0.113.1"), 200);
}
END_TEST

/* Ten networks of a user, those that were used last, for 90 days. */
START_TEST(known_networks_are_bounded)
{
	const int days = 24 * 3600;

	for (int i = 0; i <= NETWORKS_MAX; i++) {
		ck_assert_uint_eq(right("alice", address("192.0.2.%d", i)),
				  200);
		fake_env_advance(&f.fake, 2 * days);
	}
	for (int i = 0; i < USER_MAX; i++)
		ck_assert_uint_eq(wrong("alice", "198.51.100.1"), 401);
	ck_assert_uint_eq(right("alice", "192.0.2.0"), 429);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
	fake_env_advance(&f.fake, 90 * days);
	for (int i = 0; i < USER_MAX; i++)
		ck_assert_uint_eq(wrong("alice", "198.51.100.1"), 401);
	ck_assert_uint_eq(right("alice", "192.0.2.10"), 429);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 429);
}
END_TEST

/* A /64 is one; another one is not; mapped is IPv4. */
START_TEST(ipv6_networks)
{
	for (int i = 0; i < ADDRESS_MAX; i++)
		ck_assert_uint_eq(wrong(address("user%d", i),
					address("2001:db8:1:2:%d::9", i)),
				  401);
	ck_assert_str_eq(reasons(), "address 2001:db8:1:2::");
	ck_assert_uint_eq(right("alice", "2001:db8:1:2:ffff::1"), 429);
	ck_assert_uint_eq(right("alice", "2001:db8:1:3::1"), 200);
	for (int i = 0; i < ADDRESS_MAX; i++)
		ck_assert_uint_eq(wrong(address("user%d", i),
					i % 2 == 0 ? "::ffff:192.0.2.1" :
						     "192.0.2.1"),
				  401);
	ck_assert_uint_eq(right("bob", "192.0.2.1"), 429);
	ck_assert_uint_eq(right("bob", "::ffff:c000:201"), 429);
	ck_assert_uint_eq(right("bob", "::ffff:192.0.2.2"), 200);
	/* Known by /64, too. */
	for (int i = 0; i < USER_MAX; i++)
		ck_assert_uint_eq(wrong("alice", "198.51.100.1"), 401);
	ck_assert_uint_eq(right("alice", "2001:db8:1:3:5::"), 200);
	ck_assert_uint_eq(right("alice", "2001:db8:1:4::1"), 429);
}
END_TEST

/* Who takes a new /64 each time is banned by /48, ten times as late. */
START_TEST(ipv6_hopping)
{
	unsigned guesses = 0;

	for (int i = 0; i < 15 * ADDRESS_MAX; i++)
		guesses += wrong(address("user%d", i),
				 address("2001:db8:5:%x::1", i)) == 401;
	ck_assert_uint_eq(guesses, 10 * ADDRESS_MAX);
	ck_assert_str_eq(reasons(), "network 2001:db8:5::");
	ck_assert_uint_eq(right("alice", "2001:db8:5:ffff::1"), 429);
	ck_assert_uint_eq(right("alice", "2001:db8:6::1"), 200);
}
END_TEST

/* All spellings of a name are one, whether it is one of ours or not. */
START_TEST(spellings_of_a_name_count_as_one)
{
	static const char *const spelled[] = { "alice", "Alice", "ALICE",
					       "aLiCe" };
	unsigned guesses = 0;

	for (size_t i = 0; i < ARRAY_LEN(spelled); i++)
		guesses += wrong(spelled[i], "192.0.2.1") == 401;
	ck_assert_uint_eq(guesses, USER_MAX);
	ck_assert_str_eq(reasons(), "user alice");
	for (int i = 0; i < USER_MAX; i++)
		ck_assert_uint_eq(wrong(i % 2 == 0 ? "Nobody" : "nobody",
					"192.0.2.2"),
				  401);
	ck_assert_uint_eq(wrong("NOBODY", "192.0.2.3"), 429);
}
END_TEST

/* What can be no name is one key, of any length and content. */
START_TEST(names_that_are_none)
{
	char name[2001];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_uint_eq(wrong(name, "192.0.2.1"), 401);
	name[65] = '\0';
	ck_assert_uint_eq(wrong(name, "192.0.2.1"), 401);
	ck_assert_uint_eq(wrong("a:b", "192.0.2.1"), 401);
	ck_assert_str_eq(reasons(), "user !");
	ck_assert_uint_eq(wrong("a b", "192.0.2.2"), 429);
	name[64] = '\0';
	ck_assert_uint_eq(wrong(name, "192.0.2.2"), 401);
}
END_TEST

/* Lifted between the attempt and its end: no ban of it is left. */
START_TEST(lifted_meanwhile)
{
	struct str key = STR("user:alice");
	struct err err;
	bool was;

	for (int round = 0; round < 3; round++) {
		for (int i = 1; i < USER_MAX; i++)
			ck_assert_uint_eq(wrong("alice",
						address("192.0.2.%d", i)),
					  401);
		ck_assert_int_eq(store_reset_attempts(f.conns.store,
						      CALL_AT(NULL, 0), key,
						      &was, &err),
				 0);
		ck_assert(!was);
	}
	ck_assert_str_eq(reasons(), "");
	for (int i = 0; i < USER_MAX; i++)
		ck_assert_uint_eq(wrong("alice", address("192.0.2.%d", 9 + i)),
				  401);
	ck_assert_int_eq(store_reset_attempts(f.conns.store, CALL_AT(NULL, 0),
					      key, &was, &err),
			 0);
	ck_assert(was);
	ck_assert_uint_eq(right("alice", "198.51.100.1"), 200);
}
END_TEST

/* The clock is set back by a day: no ban lasts longer than it is long. */
START_TEST(clock_set_back)
{
	fake_env_advance(&f.fake, 86400);
	for (int i = 0; i < USER_MAX; i++)
		ck_assert_uint_eq(wrong("alice", "192.0.2.1"), 401);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 429);
	fake_env_set_wall(&f.fake, FAKE_NOW);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
	/* Known from then on: for 90 days of that clock. */
	for (int i = 0; i < USER_MAX; i++)
		ck_assert_uint_eq(wrong("alice", "198.51.100.1"), 401);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
}
END_TEST

/* Needs 1 GiB of memory to be computed. */
#define HUGE_ARGON2                                                            \
	"$argon2id$v=19$m=1048576,t=1,p=1$HzpLYs6sYykDGM/rwZ9znQ"              \
	"$JCfEYx5IBxR6RlE5BQ/K9sJlmtcZVihkYt4Cw1Jb1B8"

/* From now on no more than half of that is to be had. */
static void
forbid_memory(struct rlimit *was)
{
	FILE *file = fopen("/proc/self/status", "r");
	unsigned long long kib = 0;
	struct rlimit limit;
	char line[256];

	ck_assert_ptr_nonnull(file);
	while (kib == 0 && fgets(line, sizeof(line), file) != NULL)
		(void)sscanf(line, "VmData: %llu kB", &kib);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_uint_gt(kib, 0);
	ck_assert_int_eq(getrlimit(RLIMIT_DATA, was), 0);
	limit = *was;
	limit.rlim_cur = (rlim_t)(kib + 512 * 1024) * 1024;
	ck_assert_int_eq(setrlimit(RLIMIT_DATA, &limit), 0);
}

static void
untold(const char *user, const struct flow_answer *a)
{
	struct session_cursor cursor = { .created_ms = 0 };
	struct session_list live;
	struct err err;

	ck_assert_msg(a->status == 503, "%s: %u", user, a->status);
	ck_assert_ptr_nonnull(flow_header(a, "Retry-After").p);
	ck_assert_ptr_null(flow_header(a, "Set-Cookie").p);
	ck_assert_int_eq(store_list(f.conns.store,
				    CALL_AT(f.request, f.fake.wall_ms),
				    LISTED(str_from(user), 10), &cursor, &live,
				    &err),
			 0);
	ck_assert_uint_eq(live.n, 0);
}

static void
make_huge(struct users_fake_table *t, unsigned nth)
{
	if (nth > 1)
		t->v[1].hash = STR(HUGE_ARGON2);
}

/* Whether the password was right cannot be told: no, and no failure either. */
START_TEST(no_memory_is_no_failure)
{
	struct flow_answer a;
	struct rlimit was;

	f.users_table.v[0].hash = STR(HUGE_ARGON2);
	forbid_memory(&was);
	for (int i = 0; i < 2 * ADDRESS_MAX; i++) {
		a = login("alice", FLOW_PASSWORD, "192.0.2.1");
		untold("alice", &a);
	}
	/* Nor when another hash is there once the session is made. */
	atomic_store(&f.users_table.finds, 0);
	f.users_table.on_find = make_huge;
	a = login("bob", FLOW_PASSWORD, "192.0.2.1");
	untold("bob", &a);
	ck_assert_int_eq(setrlimit(RLIMIT_DATA, &was), 0);
	f.users_table.on_find = NULL;
	quick_hashes();
	ck_assert_str_eq(reasons(), "");
	/* Nothing counts: each has all his tries. */
	for (int i = 1; i < USER_MAX; i++)
		ck_assert_uint_eq(wrong("alice", "192.0.2.1"), 401);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("regulation");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, names_are_counted);
	tcase_add_test(t, addresses_are_counted);
	tcase_add_test(t, a_success_forgets_the_name);
	tcase_add_test(t, a_success_does_not_count_for_the_address);
	tcase_add_test(t, a_success_keeps_the_failures_of_the_address);
	tcase_add_test(t, trusted_networks);
	tcase_add_test(t, known_networks);
	tcase_add_test(t, known_networks_are_bounded);
	tcase_add_test(t, ipv6_networks);
	tcase_add_test(t, ipv6_hopping);
	tcase_add_test(t, spellings_of_a_name_count_as_one);
	tcase_add_test(t, names_that_are_none);
	tcase_add_test(t, lifted_meanwhile);
	tcase_add_test(t, clock_set_back);
	tcase_add_test(t, no_memory_is_no_failure);
	return run_case(t);
}
