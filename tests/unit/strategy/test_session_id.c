/* SPDX-License-Identifier: MIT */
/* Session ids: their time, their shard, their random part. */
#include "strategy/session_id.h"

#include <stdio.h>

#include "tests/support/fake_env.h"
#include "tests/support/run.h"

#define SHARDS 256

static struct session_id
make(int64_t now_ms, const char *user)
{
	struct fake_env fake;
	struct session_id id;
	struct err err;

	fake_env_init(&fake);
	ck_assert_int_eq(session_id_make(&fake.env, now_ms, str_from(user), &id,
					 &err),
			 0);
	return id;
}

/* Instances of all versions on one store must agree on these shards. */
START_TEST(shard_of_a_name_is_fixed)
{
	static const struct {
		const char *user;
		uint8_t shard;
	} rows[] = {
		{ "", 0xc5 },
		{ "alice", 0x51 },
		{ "bob", 0x34 },
		{ "Zo\xc3\xab", 0x01 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_uint_eq(make(0, rows[i].user).b[6], rows[i].shard);
}
END_TEST

START_TEST(id_tells_time_and_shard)
{
	static const int64_t times[] = { 0, 1, 1785900000123,
					 (INT64_C(1) << 48) - 1 };
	struct fake_env fake;
	struct session_id id, other;
	struct err err;

	fake_env_init(&fake);
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		ck_assert_int_eq(session_id_make(&fake.env, times[i],
						 STR("alice"), &id, &err),
				 0);
		ck_assert_int_eq(session_id_make(&fake.env, times[i],
						 STR("alice"), &other, &err),
				 0);
		ck_assert_int_eq(session_id_time_ms(&id), times[i]);
		/* 48 bits of time and 8 of the shard are equal, the others
		 * random. */
		ck_assert_mem_eq(id.b, other.b, 7);
		for (size_t k = 7; k < sizeof(id.b); k += 3)
			ck_assert_mem_ne(id.b + k, other.b + k, 3);
	}
}
END_TEST

/* Names that differ by few characters are spread evenly, too. */
START_TEST(names_spread_evenly_over_shards)
{
	unsigned n[SHARDS] = { 0 };
	char name[24];

	for (int i = 0; i < 100 * SHARDS; i++) {
		(void)snprintf(name, sizeof(name), "user%d", i);
		n[make(0, name).b[6]]++;
	}
	for (size_t i = 0; i < SHARDS; i++)
		ck_assert_msg(n[i] > 50 && n[i] < 150,
			      "shard %zu has %u of the names", i, n[i]);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("session_id");

	tcase_add_test(t, shard_of_a_name_is_fixed);
	tcase_add_test(t, id_tells_time_and_shard);
	tcase_add_test(t, names_spread_evenly_over_shards);
	return run_case(t);
}
