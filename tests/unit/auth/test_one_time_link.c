/* SPDX-License-Identifier: MIT */
/* A link for a new password: it belongs to one password, and a failure leaves
 * it and newer ones valid. */
#include "tests/unit/auth/flow_fixture.h"

#include "strategy/one_time.h"

#define NEW "a quite different phrase"

static const char *newer; /* a link that was made meanwhile */

static struct user *
alice(void)
{
	return &f.users_table.v[0];
}

/* Returns the path of a new link for alice. */
static const char *
make_link(void)
{
	char token[ONE_TIME_CHARS], print[ONE_TIME_PRINT_CHARS];
	const struct one_time what = { .kind = ONE_TIME_RESET,
				       .user = STR("alice"),
				       .data =
					   one_time_print(alice()->hash, print),
				       .expires_ms = 1000 * FAKE_NOW + 600000 };
	struct err err;

	ck_assert_int_eq(one_time_make(f.conns.factors,
				       flow_call(&f, 1000 * FAKE_NOW), &what,
				       true, token, &err),
			 0);
	return flow_text(&f, "/auth/link/%.*s", (int)sizeof(token), token);
}

static unsigned
shown(const char *link)
{
	return flow_get(&f, link, NULL, NULL).status;
}

static unsigned
use(const char *link)
{
	return flow_post(&f, link, JSON, "{\"new\":\"" NEW "\"}", NULL).status;
}

static void
open_flow(void)
{
	flow_init(&f, NULL);
	flow_rehash(&f);
}

static void
change_password(struct users_fake_table *t)
{
	t->v[0].hash = STR("$another");
}

START_TEST(a_link_is_for_one_password)
{
	struct str hash;
	const char *link;

	hash = alice()->hash;
	link = make_link();
	ck_assert_uint_eq(shown(link), 200);
	/* Another program does it. */
	change_password(&f.users_table);
	ck_assert_uint_eq(shown(link), 404);
	ck_assert_uint_eq(use(link), 404);
	ck_assert(str_eq(alice()->hash, STR("$another")));
	alice()->hash = hash;
	ck_assert_uint_eq(use(link), 204);
	ck_assert_uint_eq(use(link), 404);
}
END_TEST

/* A sign-in replaces the hash: that is no new password. */
START_TEST(another_hash_of_the_password_is_the_same)
{
	static char hash[PASSWORD_HASH_MAX];
	const char *link = make_link();
	struct err err;

	ck_assert_int_eq(password_rehash(STR(FLOW_PASSWORD), alice()->hash,
					 hash, &err),
			 0);
	alice()->hash = str_from(hash);
	ck_assert_uint_eq(shown(link), 200);
	ck_assert_uint_eq(use(link), 204);
}
END_TEST

/* After the link was checked, and before the password is set. */
START_TEST(a_password_that_is_changed_meanwhile_stays)
{
	const char *link = make_link();

	f.users_table.on_set_hash = change_password;
	ck_assert_uint_eq(use(link), 404);
	ck_assert(str_eq(alice()->hash, STR("$another")));
}
END_TEST

static void
make_newer(struct users_fake_table *t)
{
	t->on_set_hash = NULL;
	newer = make_link();
	store_faulty_fail(&f.faulty, 1, false);
}

/* The store fails while the link is used, and a newer one was made. */
START_TEST(a_failure_leaves_links_valid)
{
	const char *link = make_link();

	f.users_table.on_set_hash = make_newer;
	ck_assert_uint_eq(use(link), 503);
	store_faulty_fail(&f.faulty, 0, false);
	fake_env_advance(&f.fake, 60); /* for the breaker */
	ck_assert_uint_eq(shown(newer), 200);
	ck_assert_uint_eq(shown(link), 200);
	ck_assert_uint_eq(use(newer), 204);
	ck_assert_uint_eq(use(link), 404);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("one-time link");

	tcase_add_checked_fixture(t, open_flow, teardown);
	tcase_add_test(t, a_link_is_for_one_password);
	tcase_add_test(t, another_hash_of_the_password_is_the_same);
	tcase_add_test(t, a_password_that_is_changed_meanwhile_stays);
	tcase_add_test(t, a_failure_leaves_links_valid);
	return run_case(t);
}
