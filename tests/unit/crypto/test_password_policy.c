/* SPDX-License-Identifier: MIT */
/* New passwords that are refused, and why. */
#include "crypto/password_policy.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "crypto/common_passwords.h"
#include "crypto/password.h"
#include "tests/support/run.h"

/* STR() for initialisers of static tables. */
#define LIT(text)                                                              \
	{                                                                      \
		.p = text, .n = sizeof(text) - 1                               \
	}

#define TOO_SHORT(n, min)                                                      \
	"This password is too short: it has " #n                               \
	" characters, but must have at least " #min "."
#define NO_TEXT "This password is not valid text."
#define LIKE                                                                   \
	"This password is too much like the name or the e-mail address of "    \
	"the user."
#define COMMON "This password is one of the most common ones."
#define LISTED "This password is on the list of refused passwords."

static const struct {
	struct str password;
	int64_t min_length;
	const char *reason;
} refused[] = {
	{ LIT("violet-otter-42-lamp"), 15, NULL },
	{ LIT("violet-otter-4"), 15, TOO_SHORT(14, 15) },
	{ LIT("violet-otter-42"), 15, NULL },
	{ LIT(""), 8, TOO_SHORT(0, 8) },
	/* eight code points of two bytes, then seven of them */
	{ LIT("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4"
	      "\xc3\xb6"),
	  8, NULL },
	{ LIT("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4"), 8,
	  TOO_SHORT(7, 8) },
	{ LIT("violet\0otter-42"), 8, NO_TEXT },
	{ LIT("violet\xffotter-42"), 8, NO_TEXT },
	{ LIT("violet\xed\xa0\x80otter-42"), 8, NO_TEXT },
	{ LIT("alice.wonderland"), 15, LIKE },
	{ LIT("Alice.Wonderland"), 15, LIKE },
	{ LIT("alice.wonderland1"), 15, LIKE },
	{ LIT("12Alice.Wonderland-34.5"), 15, LIKE },
	{ LIT("12Alice.Wonderland-34.56"), 15, NULL },
	{ LIT("alice.wonderlandALICE.WONDERLAND1234567"), 15, LIKE },
	{ LIT("white.rabbit@example.com"), 15, LIKE },
	{ LIT("white.rabbit-white.rabbit-2026"), 15, LIKE },
	{ LIT("white.rabbits-are-late"), 15, NULL },
	{ LIT("password"), 8, COMMON },
	{ LIT("PassWord"), 8, COMMON },
	{ LIT("passwordpassword"), 15, COMMON },
	{ LIT("correcthorsebatterystaple"), 15, COMMON },
	{ LIT("123456789012345"), 15, COMMON },
	{ LIT("!qaz2wsx#edc4rfv"), 15, COMMON },
	{ LIT("zzzzzzzzzzzzzzzz"), 15, COMMON },
	{ LIT("acme-company-gmbh"), 15, LISTED },
	{ LIT("ACME-company-GmbH"), 15, LISTED },
	{ LIT("the last line of it"), 15, LISTED },
	{ LIT("line with a return"), 15, LISTED },
	{ LIT("acme-company-gmb"), 15, NULL },
};

START_TEST(weak_passwords_are_refused)
{
	const struct str blocklist =
	    STR("\357\273\277Acme-Company-GmbH\n\nline with a return\r\n"
		"the last line of it");
	const struct password_policy policy = {
		.min_length = refused[_i].min_length,
		.blocklist = blocklist,
		.user = STR("alice.wonderland"),
		.email = STR("White.Rabbit@example.com"),
	};
	const struct password_verdict verdict =
	    password_check(refused[_i].password, &policy);
	char buf[PASSWORD_REFUSAL_MAX];
	const char *reason = password_refusal(&verdict, &policy, buf);
	const char *wanted = refused[_i].reason;

	ck_assert_msg((reason == NULL) == (wanted == NULL) &&
			  (reason == NULL || strcmp(reason, wanted) == 0),
		      "row %d: %s", _i,
		      reason != NULL ? reason : "the password is accepted");
}
END_TEST

START_TEST(too_long_passwords_are_refused)
{
	char bytes[PASSWORD_MAX_BYTES + 1];
	const struct password_policy policy = { .min_length = 15,
						.user = STR("x") };
	struct str password = { .p = bytes, .n = sizeof(bytes) };
	struct password_verdict verdict;
	char buf[PASSWORD_REFUSAL_MAX];

	memset(bytes, 'x', sizeof(bytes));
	verdict = password_check(password, &policy);
	ck_assert_str_eq(password_refusal(&verdict, &policy, buf),
			 "This password is too long: it has more than 512 "
			 "bytes.");
	password.n--;
	verdict = password_check(password, &policy);
	ck_assert_int_eq(verdict.fault, PASSWORD_FINE);
	ck_assert_ptr_null(password_refusal(&verdict, &policy, buf));
}
END_TEST

/* A short name occurs in good passwords. */
START_TEST(short_names_are_compared_whole)
{
	const struct password_policy policy = { .min_length = 8,
						.user = STR("bob") };

	ck_assert_int_eq(password_check(STR("bobbobbob"), &policy).fault,
			 PASSWORD_FINE);
}
END_TEST

START_TEST(missing_characters_are_counted)
{
	const struct password_policy policy = { .min_length = 15,
						.user = STR("bob") };

	ck_assert_int_eq(password_check(STR("violet"), &policy).missing, 9);
	ck_assert_int_eq(
	    password_check(STR("violet-otter-42"), &policy).missing, 0);
}
END_TEST

START_TEST(list_of_common_passwords_is_sorted)
{
	ck_assert_uint_gt(common_passwords_n, 500);
	for (size_t i = 0; i < common_passwords_n; i++) {
		const char *entry = common_passwords[i];

		ck_assert_msg(strlen(entry) >= 8, "%s is too short", entry);
		ck_assert_msg(strlen(entry) <= PASSWORD_MAX_BYTES,
			      "%s is too long", entry);
		ck_assert_msg(i == 0 ||
				  strcmp(common_passwords[i - 1], entry) < 0,
			      "%s is not in order", entry);
		for (const char *c = entry; *c != '\0'; c++)
			ck_assert_msg(*c < 'A' || *c > 'Z', "%s has upper case",
				      entry);
		ck_assert_msg(common_password(str_from(entry)),
			      "%s is not found", entry);
	}
	ck_assert(!common_password(STR("")));
	ck_assert(!common_password(STR("passwore")));
	ck_assert(!common_password(STR("~~~~~~~~~")));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("password policy");

	tcase_add_loop_test(t, weak_passwords_are_refused, 0,
			    ARRAY_LEN(refused));
	tcase_add_test(t, too_long_passwords_are_refused);
	tcase_add_test(t, short_names_are_compared_whole);
	tcase_add_test(t, missing_characters_are_counted);
	tcase_add_test(t, list_of_common_passwords_is_sorted);
	return run_case(t);
}
