/* SPDX-License-Identifier: MIT */
/* Contract: what users cannot be asked or told, and who says so. */
#include "tests/contract/users/rig.h"

#include <check.h>
#include <string.h>

/* A source that can only be read says so, and where to go. */
START_TEST(read_only_source)
{
	struct rig *r = rig_open();
	struct user_source_ops ops = *r->ops;
	struct user u = rig_user("alice");
	struct user_list list;
	enum user_change answer;
	bool changed = true;

	rig_stop(r);
	ops.base.driver.caps = USERS_PERSISTENT;
	ops.base.caps = NULL;
	r->ops = &ops;
	rig_start(r);
	FAILS(r, users_add(r->l, &u, r->now, &answer, &r->err), ERR_CONFIG,
	      "cannot be changed from here");
	FAILS(r, users_set(r->l, &u, &u, r->now, &answer, &r->err), ERR_CONFIG,
	      "cannot be changed from here");
	FAILS(r, users_remove(r->l, u.who.name, &answer, &r->err), ERR_CONFIG,
	      "cannot be changed from here");
	FAILS(r, users_list(r->l, r->a, STR(""), 1, &list, &r->err), ERR_CONFIG,
	      "cannot be listed from here");
	OK(r, users_set_hash(r->l, u.who.name, u.hash, STR("$x"), r->now,
			     &changed, &r->err));
	HOLDS(r, !changed);
	rig_close(r);
}
END_TEST

/* A connection that was good until now: the call itself is refused. */
#define REFUSED(call)                                                          \
	do {                                                                   \
		fake_env_advance_ms(&r->fake, 1000);                           \
		OK(r, users_ping(r->l, &r->err));                              \
		users_kind.refuse(r->path, true);                              \
		FAILS(r, call, ERR_UNAVAILABLE, r->name);                      \
		users_kind.refuse(r->path, false);                             \
	} while (0)

/* It says so, gives nothing back, and has done nothing. */
START_TEST(refuses_everything)
{
	struct rig *r = rig_open();
	const struct user alice = rig_user("alice"), bob = rig_user("bob");
	struct user got = bob;
	struct user_list list = { .n = 7 };
	enum user_answer found = USER_UNKNOWN;
	enum user_change answer = USER_STALE;
	bool changed = true;

	OK(r, users_add(r->l, &alice, r->now, &answer, &r->err));
	answer = USER_STALE;
	REFUSED(users_ping(r->l, &r->err));
	REFUSED(users_find(r->l, r->a, STR("alice"), &found, &got, &r->err));
	REFUSED(users_set_hash(r->l, STR("alice"), alice.hash, STR("$x"),
			       r->now, &changed, &r->err));
	REFUSED(users_list(r->l, r->a, STR(""), 9, &list, &r->err));
	REFUSED(users_add(r->l, &bob, r->now, &answer, &r->err));
	REFUSED(users_set(r->l, &alice, &alice, r->now, &answer, &r->err));
	REFUSED(users_remove(r->l, STR("alice"), &answer, &r->err));
	HOLDS(r, found == USER_UNKNOWN && answer == USER_STALE && changed);
	HOLDS(r, list.n == 7 && str_eq(got.who.name, STR("bob")));
	fake_env_advance_ms(&r->fake, 1000);
	OK(r, users_list(r->l, r->a, STR(""), 9, &list, &r->err));
	SAME(r, list.n, 1);
	HOLDS(r, str_eq(list.v[0].who.name, STR("alice")));
	HOLDS(r, str_eq(list.v[0].hash, alice.hash));
	rig_close(r);
}
END_TEST

TCase *
users_refused_cases(void)
{
	TCase *t = new_case("refused");

	tcase_add_test(t, read_only_source);
	tcase_add_test(t, refuses_everything);
	return t;
}
