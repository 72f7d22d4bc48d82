/* SPDX-License-Identifier: MIT */
/* The keys of a login are on several servers of a cluster, and one of these
 * refuses its part. Here one server refuses to write one key. */
#include "tests/contract/redis/store_fixture.h"
#include "tests/support/call.h"

#define ADDRESS "addr:192.0.2.1"
#define USER	"user:alice"

static struct login_keys
keys(bool address_first)
{
	struct login_keys k = { .n = 2, .window_ms = 60000, .ban_ms = 60000 };

	k.v[address_first ? 0 : 1] =
	    (struct login_key){ .key = STR(ADDRESS), .max = 5 };
	k.v[address_first ? 1 : 0] =
	    (struct login_key){ .key = STR(USER), .max = 5 };
	return k;
}

/* The attempt that one key refuses is not counted under the other key either,
 * so a user is not locked out by the time in which a server refuses. */
START_TEST(refused_by_one_key)
{
	struct fixture *r = fixture_open();
	const struct login_keys k = keys(_i == 1);
	struct login_count c = { .standing.known_until_ms = 7 };

	OK(r, store_count(r->conn, NOW(r), &k, &c, &r->err));
	HOLDS(r, c.counted);
	test_redis_do(&r->server, "ACL SETUSER default resetkeys ~fcgiauth:ends"
				  " ~fcgiauth:a:user* %%R~fcgiauth:a:addr*");
	c = (struct login_count){ .standing.known_until_ms = 7 };
	for (int i = 0; i < 9; i++) {
		FAILS(r, store_count(r->conn, NOW(r), &k, &c, &r->err),
		      ERR_UNAVAILABLE, "NOPERM");
		fixture_forgive(r);
	}
	SAME(r, c.standing.known_until_ms, 7);
	test_redis_do(&r->server, "ACL SETUSER default ~*");
	OK(r, store_count(r->conn, NOW(r), &k, &c, &r->err));
	HOLDS(r, c.counted && c.v[0].count == 2 && c.v[1].count == 2);
	fixture_close(r);
}
END_TEST

TCase *
redis_half_cases(void)
{
	TCase *t = new_case("halves");

	tcase_add_loop_test(t, refused_by_one_key, 0, 2);
	return t;
}
