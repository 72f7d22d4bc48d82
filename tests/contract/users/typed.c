/* SPDX-License-Identifier: MIT */
/* Users who type their name in another case, or their e-mail address. */
#include "tests/contract/users/fixture.h"
#include "tests/support/call.h"
#include "tests/support/run.h"

#include <string.h>

static const struct {
	const char *name, *email;
} people[] = {
	{ "alice", "Alice@Example.com" },
	{ "Bob", "family@example.com" },
	{ "carol", "family@example.com" },
	{ "Dave", "" },
	{ "dave", "d@example.com" },
	/* The name of one is the address of another. */
	{ "erin@example.com", "e@example.com" },
	{ "frank", "erin@example.com" },
	{ "GRACE@example.com", "g@example.com" },
	{ "heidi", "grace@example.com" },
	{ "ivan", "o'brien+\xc3\xa4@example.com" },
};

/* Whom a text means; "?" means that it fits several users. */
struct typed {
	const char *text, *exact, *fold, *email;
};

static const struct typed typed[] = {
	{ "alice", "alice", "alice", "alice" },
	{ "ALICE", "", "alice", "" },
	{ "aliCe", "", "alice", "" },
	{ "alic_", "", "", "" },
	{ "a%", "", "", "" },
	{ "alice@example.com", "", "", "alice" },
	{ "ALICE@EXAMPLE.COM", "", "", "alice" },
	{ "alice@example.co", "", "", "" },
	{ "BOB", "", "Bob", "" },
	{ "family@example.com", "", "", "?" },
	{ "Dave", "Dave", "Dave", "Dave" },
	{ "dave", "dave", "dave", "dave" },
	{ "DAVE", "", "?", "" },
	{ "erin@example.com", "erin@example.com", "erin@example.com",
	  "erin@example.com" },
	{ "Erin@example.com", "", "erin@example.com", "frank" },
	{ "grace@example.com", "", "GRACE@example.com", "heidi" },
	{ "O'Brien+\xc3\xa4@example.com", "", "", "ivan" },
	{ "o'brien+\xc3\x84@example.com", "", "", "" },
	{ "@", "", "", "" },
	{ "", "", "", "" },
	{ "' OR '@'='@", "", "", "" },
};

static struct fixture *
open_with(bool fold, bool email)
{
	struct fixture *r = fixture_open();

	fixture_stop(r);
	r->forms = (struct users_forms){ .name_case = fold, .email = email };
	fixture_start(r);
	for (size_t i = 0; i < ARRAY_LEN(people); i++) {
		struct user u = fixture_user(people[i].name);
		enum user_change answer;

		u.who.email = str_from(people[i].email);
		OK(r,
		   users_add(r->conn, CALL_AT(r->a, 0), &u, &answer, &r->err));
		SAME(r, answer, USER_CHANGED);
	}
	return r;
}

static void
means(struct fixture *r, const char *text, const char *whom)
{
	struct user_answer is = { .found = true };
	const bool several = strcmp(whom, "?") == 0;

	OK(r, users_find_typed(r->conn, CALL_AT(r->a, 0), str_from(text), &is,
			       &r->err));
	ck_assert_msg(is.ambiguous == several, "%s: %s: ambiguous is %d",
		      r->name, text, is.ambiguous);
	ck_assert_msg(is.found == (!several && whom[0] != '\0'),
		      "%s: %s: found is %d", r->name, text, is.found);
	if (is.found)
		ck_assert_msg(str_eq(is.user.who.name, str_from(whom)),
			      "%s: %s means %.*s", r->name, text,
			      STR_ARG(is.user.who.name));
}

START_TEST(only_the_exact_name_is_typed)
{
	struct fixture *r = open_with(false, false);

	for (size_t i = 0; i < ARRAY_LEN(typed); i++)
		means(r, typed[i].text, typed[i].exact);
	fixture_close(r);
}
END_TEST

START_TEST(a_name_is_typed_in_any_case)
{
	struct fixture *r = open_with(true, false);

	for (size_t i = 0; i < ARRAY_LEN(typed); i++)
		means(r, typed[i].text, typed[i].fold);
	fixture_close(r);
}
END_TEST

START_TEST(an_address_is_typed)
{
	struct fixture *r = open_with(false, true);

	for (size_t i = 0; i < ARRAY_LEN(typed); i++)
		means(r, typed[i].text, typed[i].email);
	fixture_close(r);
}
END_TEST

START_TEST(either_is_typed)
{
	struct fixture *r = open_with(true, true);

	means(r, "ALICE", "alice");
	means(r, "alice@EXAMPLE.com", "alice");
	means(r, "bob", "Bob");
	means(r, "FAMILY@example.com", "?");
	means(r, "DAVE", "?");
	means(r, "D@example.com", "dave");
	/* The name of one and the address of another. */
	means(r, "erin@example.com", "erin@example.com");
	means(r, "Erin@example.com", "?");
	means(r, "grace@example.com", "?");
	means(r, "nobody@example.com", "");
	fixture_close(r);
}
END_TEST

/* A user with their name as the address is one user. */
START_TEST(a_name_that_is_the_address_is_not_ambiguous)
{
	struct fixture *r = open_with(true, true);
	struct user u = fixture_user("judy@example.com");
	enum user_change answer;

	u.who.email = STR("Judy@Example.com");
	OK(r, users_add(r->conn, CALL_AT(r->a, 0), &u, &answer, &r->err));
	means(r, "JUDY@example.com", "judy@example.com");
	fixture_close(r);
}
END_TEST

TCase *
users_typed_cases(void)
{
	TCase *t = new_case("typed");

	tcase_add_test(t, only_the_exact_name_is_typed);
	tcase_add_test(t, a_name_is_typed_in_any_case);
	tcase_add_test(t, an_address_is_typed);
	tcase_add_test(t, either_is_typed);
	tcase_add_test(t, a_name_that_is_the_address_is_not_ambiguous);
	return t;
}
