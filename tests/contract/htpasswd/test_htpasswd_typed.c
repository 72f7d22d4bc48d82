/* SPDX-License-Identifier: MIT */
/* Users of a password file who type their name in another case. */
#include "strategy/users.h"
#include "tests/contract/expect.h"
#include "tests/support/call.h"
#include "tests/support/fake_env.h"
#include "tests/support/process.h"
#include "tests/support/run.h"
#include "tests/support/set_option.h"

#include <stdio.h>
#include <stdlib.h>

extern const struct user_source_ops users_htpasswd;

struct fixture {
	const char *name;
	struct fake_env fake;
	char folder[64];
	struct backend *users;
	struct users_conn *conn;
	struct arena *a;
	struct err err;
};

static struct fixture fixture, *const r = &fixture;

static void
setup(void)
{
	*r = (struct fixture){ .name = "htpasswd" };
	fake_env_init(&r->fake);
	process_folder(r->folder, sizeof(r->folder));
	r->a = arena_new(1 << 20);
	r->conn = users_conn_new(&r->fake.env);
	ck_assert(r->a != NULL && r->conn != NULL);
}

static void
teardown(void)
{
	users_conn_free(r->conn);
	backend_unref(r->users);
	arena_free(r->a);
	process_remove(r->folder);
}

/* Opens a file of users; name_case is as in struct users_forms. */
static void
open_file(const char *text, int name_case)
{
	const struct option *options = users_htpasswd.base.driver.options;
	void *conf = calloc(1, users_htpasswd.base.driver.conf_size);
	char path[96];
	const char *file = path;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/users", r->folder);
	f = fopen(path, "w");
	ck_assert(conf != NULL && f != NULL);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	SET_OPTION(options, conf, "file", file);
	SET_OPTION(options, conf, "case", name_case);
	OK(r,
	   users_open(&users_htpasswd, conf, &r->fake.env, &r->users, &r->err));
	free(conf);
	users_conn_bind(r->conn, r->users);
}

/* Returns the name of the user whom a text means; "?" for several. */
static const char *
typed(const char *text)
{
	struct user_answer is = { .found = false };
	char *name;

	OK(r, users_find_typed(r->conn, CALL_AT(r->a, 0), str_from(text), &is,
			       &r->err));
	if (is.ambiguous)
		return "?";
	name = arena_cstr(r->a, is.user.who.name);
	ck_assert_ptr_nonnull(name);
	return name;
}

START_TEST(a_name_is_typed_in_any_case)
{
	open_file("alice:$a\nBob:$b\nBOB:$b\nz@example.com:$c\n", 1);
	ck_assert_str_eq(typed("alice"), "alice");
	ck_assert_str_eq(typed("ALICE"), "alice");
	ck_assert_str_eq(typed("Z@example.com"), "z@example.com");
	ck_assert_str_eq(typed("Bob"), "Bob");
	ck_assert_str_eq(typed("bob"), "?");
	ck_assert_str_eq(typed("alic"), "");
	ck_assert_str_eq(typed("alice:"), "");
	ck_assert_str_eq(typed(""), "");
}
END_TEST

START_TEST(the_case_matters_by_default)
{
	open_file("alice:$a\n", 0);
	ck_assert_str_eq(typed("alice"), "alice");
	ck_assert_str_eq(typed("ALICE"), "");
}
END_TEST

int
main(void)
{
	TCase *t = new_case("typed");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_name_is_typed_in_any_case);
	tcase_add_test(t, the_case_matters_by_default);
	return run_case(t);
}
