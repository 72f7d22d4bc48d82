/* SPDX-License-Identifier: MIT */
/* Operations that a user source refuses. */
#include "tests/contract/users/fixture.h"
#include "tests/support/call.h"

#include <check.h>
#include <string.h>

/* The message of a read-only source says that it cannot be changed from here.
 */
START_TEST(a_read_only_source_refuses_changes)
{
	struct fixture *r = fixture_open();
	struct user_source_ops ops = *r->ops;
	struct user u = fixture_user("alice");
	struct user_list list;
	enum user_change answer;
	bool changed = true;

	fixture_stop(r);
	ops.base.driver.caps = BACKEND_PERSISTENT;
	ops.base.caps = NULL;
	r->ops = &ops;
	fixture_start(r);
	FAILS(r,
	      users_add(r->conn, CALL_AT(r->a, r->now * 1000), &u, &answer,
			&r->err),
	      ERR_CONFIG, "cannot be changed from here");
	FAILS(r,
	      users_set(r->conn, CALL_AT(r->a, r->now * 1000), &u, &u, &answer,
			&r->err),
	      ERR_CONFIG, "cannot be changed from here");
	FAILS(r,
	      users_remove(r->conn, CALL_AT(r->a, 0), u.who.name, &answer,
			   &r->err),
	      ERR_CONFIG, "cannot be changed from here");
	FAILS(r,
	      users_list(r->conn, CALL_AT(r->a, 0), STR(""), 1, &list, &r->err),
	      ERR_CONFIG, "cannot be listed from here");
	OK(r, users_set_hash(r->conn, CALL_AT(r->a, r->now * 1000),
			     REHASH(.name = u.who.name, .old = u.hash,
				    .hash = STR("$x")),
			     &changed, &r->err));
	HOLDS(r, !changed);
	fixture_close(r);
}
END_TEST

/* The connection works until now: the call itself is refused. */
#define REFUSED(call)                                                          \
	do {                                                                   \
		fake_env_advance_ms(&r->fake, 1000);                           \
		OK(r, users_ping(r->conn, &r->err));                           \
		users_kind.refuse(r->path, true);                              \
		FAILS(r, call, ERR_UNAVAILABLE, r->name);                      \
		users_kind.refuse(r->path, false);                             \
	} while (0)

/* A refused operation fails, touches no output and changes nothing. */
START_TEST(a_refused_operation_changes_nothing)
{
	struct fixture *r = fixture_open();
	const struct user alice = fixture_user("alice"),
			  bob = fixture_user("bob");
	struct user_answer is = { .user = bob };
	struct user_list list = { .n = 7 };
	enum user_change answer = USER_STALE;
	bool changed = true;

	OK(r, users_add(r->conn, CALL_AT(r->a, r->now * 1000), &alice, &answer,
			&r->err));
	answer = USER_STALE;
	REFUSED(users_ping(r->conn, &r->err));
	REFUSED(users_find(r->conn, CALL_AT(r->a, 0), STR("alice"), &is,
			   &r->err));
	REFUSED(users_set_hash(r->conn, CALL_AT(r->a, r->now * 1000),
			       REHASH(.name = STR("alice"), .old = alice.hash,
				      .hash = STR("$x")),
			       &changed, &r->err));
	REFUSED(users_list(r->conn, CALL_AT(r->a, 0), STR(""), 9, &list,
			   &r->err));
	REFUSED(users_add(r->conn, CALL_AT(r->a, r->now * 1000), &bob, &answer,
			  &r->err));
	REFUSED(users_set(r->conn, CALL_AT(r->a, r->now * 1000), &alice, &alice,
			  &answer, &r->err));
	REFUSED(users_remove(r->conn, CALL_AT(r->a, 0), STR("alice"), &answer,
			     &r->err));
	HOLDS(r, !is.found && answer == USER_STALE && changed);
	HOLDS(r, list.n == 7 && str_eq(is.user.who.name, STR("bob")));
	fake_env_advance_ms(&r->fake, 1000);
	OK(r,
	   users_list(r->conn, CALL_AT(r->a, 0), STR(""), 9, &list, &r->err));
	SAME(r, list.n, 1);
	HOLDS(r, str_eq(list.v[0].who.name, STR("alice")));
	HOLDS(r, str_eq(list.v[0].hash, alice.hash));
	fixture_close(r);
}
END_TEST

TCase *
users_refused_cases(void)
{
	TCase *t = new_case("refused");

	tcase_add_test(t, a_read_only_source_refuses_changes);
	tcase_add_test(t, a_refused_operation_changes_nothing);
	return t;
}
