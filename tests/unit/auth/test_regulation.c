/* SPDX-License-Identifier: MIT */
/* Regulation of password guessing: under which keys failures are counted, and
 * which users are not affected. */
#include "tests/unit/auth/regulation_fixture.h"
#include "tests/support/call.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* A user is banned from all networks but their own, and the addresses are not
 * banned. */
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

/* An address from which many names are tried is banned, and the names are
 * not. */
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

/* A successful sign-in resets the counter of the name. */
START_TEST(success_resets_the_name)
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

/* Successful sign-ins from one address are not counted. */
START_TEST(success_is_not_counted_for_the_address)
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

/* A successful sign-in does not reset the failures of the address, which are
 * guesses at other names. */
START_TEST(success_keeps_the_failures_of_the_address)
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

/* A trusted network is never banned, but a ban of the user holds there, too. */
START_TEST(trusted_networks_are_not_banned)
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

/* The guesses of attackers do not ban a user from the networks where they
 * signed in before. */
START_TEST(known_networks_are_not_banned)
{
	unsigned guesses = 0;

	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
	for (int i = 0; i < 2 * USER_MAX; i++)
		guesses += wrong("alice", address("198.51.100.%d", i)) == 401;
	ck_assert_uint_eq(guesses, USER_MAX);
	ck_assert_uint_eq(right("alice", "203.0.113.1"), 429);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
	/* A success in a known network does not allow more guesses from
	 * others. */
	ck_assert_uint_eq(wrong("alice", "203.0.113.2"), 429);
	/* A known network has its own counter, so that guesses are limited
	 * there, too. */
	for (guesses = 0; guesses < 10; guesses++)
		if (wrong("alice", "192.0.2.1") != 401)
			break;
	ck_assert_uint_eq(guesses, USER_MAX);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 429);
	ck_assert_str_eq(reasons(), "known_network alice, user alice");
	ck_assert_uint_eq(right("bob", "192.0.2.1"), 200);
	/* Bob has signed in from this network. This does not affect what alice
	 * may do there. */
	fake_env_advance(&f.fake, BAN_S);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
	ck_assert_uint_eq(right("alice", "203.0.113.1"), 200);
}
END_TEST

/* The ten networks that a user used last are known, for 90 days. */
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

/* A /64 counts as one network. A mapped address counts as IPv4. */
START_TEST(ipv6_is_counted_by_64_bits)
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
	/* Known networks are also counted by /64. */
	for (int i = 0; i < USER_MAX; i++)
		ck_assert_uint_eq(wrong("alice", "198.51.100.1"), 401);
	ck_assert_uint_eq(right("alice", "2001:db8:1:3:5::"), 200);
	ck_assert_uint_eq(right("alice", "2001:db8:1:4::1"), 429);
}
END_TEST

/* An attacker who uses a new /64 for each guess is banned by /48, after ten
 * times as many guesses. */
START_TEST(many_ipv6_networks_are_counted_by_48_bits)
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

/* Upper and lower case of a name count as one name, whether there is such a
 * user or not. */
START_TEST(case_of_a_name_does_not_matter)
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

/* All names that no user can have count as one, whatever their length and
 * content. */
START_TEST(impossible_names_count_as_one)
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

/* A ban that is lifted during an attempt leaves no count. */
START_TEST(lifted_ban_leaves_no_count)
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

/* When the clock is set back by a day, no ban gets longer. */
START_TEST(clock_set_back_prolongs_no_ban)
{
	fake_env_advance(&f.fake, 86400);
	for (int i = 0; i < USER_MAX; i++)
		ck_assert_uint_eq(wrong("alice", "192.0.2.1"), 401);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 429);
	fake_env_set_wall(&f.fake, FAKE_NOW);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
	/* The network is then known for 90 days by that clock. */
	for (int i = 0; i < USER_MAX; i++)
		ck_assert_uint_eq(wrong("alice", "198.51.100.1"), 401);
	ck_assert_uint_eq(right("alice", "192.0.2.1"), 200);
}
END_TEST

/* Verifying this hash needs 1 GiB of memory. */
#define HUGE_ARGON2                                                            \
	"$argon2id$v=19$m=1048576,t=1,p=1$HzpLYs6sYykDGM/rwZ9znQ"              \
	"$JCfEYx5IBxR6RlE5BQ/K9sJlmtcZVihkYt4Cw1Jb1B8"

/* Limits the memory to half of what the hash needs. */
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
expect_503(const char *user, const struct flow_answer *a)
{
	ck_assert_msg(a->status == 503, "%s: the status is %u", user,
		      a->status);
	ck_assert_ptr_nonnull(flow_header(a, "Retry-After").p);
	ck_assert_ptr_null(flow_header(a, "Set-Cookie").p);
	ck_assert_uint_eq(flow_sessions(&f, user).n, 0);
}

static void
make_huge(struct users_fake_table *t, unsigned nth)
{
	if (nth > 1)
		t->v[1].hash = STR(HUGE_ARGON2);
}

/* Without memory the password cannot be verified. The answer is 503 and nothing
 * is counted. */
START_TEST(lack_of_memory_is_not_counted)
{
	struct flow_answer a;
	struct rlimit was;

	f.users_table.v[0].hash = STR(HUGE_ARGON2);
	forbid_memory(&was);
	for (int i = 0; i < 2 * ADDRESS_MAX; i++) {
		a = login("alice", FLOW_PASSWORD, "192.0.2.1");
		expect_503("alice", &a);
	}
	/* The same if another hash is found when the session is made. */
	atomic_store(&f.users_table.finds, 0);
	f.users_table.on_find = make_huge;
	a = login("bob", FLOW_PASSWORD, "192.0.2.1");
	expect_503("bob", &a);
	ck_assert_int_eq(setrlimit(RLIMIT_DATA, &was), 0);
	f.users_table.on_find = NULL;
	quick_hashes();
	ck_assert_str_eq(reasons(), "");
	/* Nothing was counted, so all attempts are left. */
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
	tcase_add_test(t, success_resets_the_name);
	tcase_add_test(t, success_is_not_counted_for_the_address);
	tcase_add_test(t, success_keeps_the_failures_of_the_address);
	tcase_add_test(t, trusted_networks_are_not_banned);
	tcase_add_test(t, known_networks_are_not_banned);
	tcase_add_test(t, known_networks_are_bounded);
	tcase_add_test(t, ipv6_is_counted_by_64_bits);
	tcase_add_test(t, many_ipv6_networks_are_counted_by_48_bits);
	tcase_add_test(t, case_of_a_name_does_not_matter);
	tcase_add_test(t, impossible_names_count_as_one);
	tcase_add_test(t, lifted_ban_leaves_no_count);
	tcase_add_test(t, clock_set_back_prolongs_no_ban);
	tcase_add_test(t, lack_of_memory_is_not_counted);
	return run_case(t);
}
