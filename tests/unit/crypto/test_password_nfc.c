/* SPDX-License-Identifier: MIT */
/* Passwords that were typed in another encoding of the same characters. */
#include "crypto/password_nfc.h"
#include "crypto/password_policy.h"

#include "base/err.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "tests/support/run.h"

/* "Grüße aus Zürich", composed and decomposed. */
#define COMPOSED                                                               \
	"Gr\xc3\xbc\xc3\x9f"                                                   \
	"e aus Z\xc3\xbcrich"
#define DECOMPOSED                                                             \
	"Gru\xcc\x88\xc3\x9f"                                                  \
	"e aus Zu\xcc\x88rich"

static void
setup(void)
{
	ck_assert_int_eq(crypto_init(), 0);
}

/* From NormalizationTest.txt of Unicode, and texts that have no form NFC. The
 * last column is empty when the form is the password itself. */
static const struct {
	const char *typed, *form;
} forms[] = {
	{ "plain ASCII", "" },
	{ COMPOSED, "" },
	{ DECOMPOSED, COMPOSED },
	{ "e\xcc\x81", "\xc3\xa9" },
	/* two marks in the wrong order */
	{ "d\xcc\x87\xcc\xa3", "\xe1\xb8\x8d\xcc\x87" },
	{ "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81" },
	{ "\xe2\x84\xab", "\xc3\x85" }, /* the sign Angstrom */
	{ "\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc" }, /* is not composed */
	{ "\xef\xac\x81", "" }, /* a ligature: only NFKC would change it */
	{ "\xef\xbc\xa1", "" },
	{ "\xff"
	  "e\xcc\x81",
	  "" }, /* not UTF-8 */
	{ "", "" },
};

START_TEST(form_is_nfc)
{
	const struct str typed = str_from(forms[_i].typed);
	char buf[PASSWORD_MAX_BYTES];
	const struct str form = password_nfc(typed, buf);

	if (forms[_i].form[0] == '\0')
		ck_assert_ptr_eq(form.p, typed.p);
	else
		ck_assert_ptr_eq(form.p, buf);
	ck_assert(str_eq(form, forms[_i].form[0] == '\0' ?
				   typed :
				   str_from(forms[_i].form)));
}
END_TEST

/* Each U+0958 becomes twice as long. */
START_TEST(long_form_is_not_used)
{
	char typed[PASSWORD_MAX_BYTES], buf[PASSWORD_MAX_BYTES];
	struct str s = { .p = typed };

	while (s.n + 3 <= PASSWORD_MAX_BYTES / 2) {
		memcpy(typed + s.n, "\xe0\xa5\x98", 3);
		s.n += 3;
	}
	ck_assert_uint_eq(password_nfc(s, buf).n, 2 * s.n);
	while (s.n + 3 <= PASSWORD_MAX_BYTES) {
		memcpy(typed + s.n, "\xe0\xa5\x98", 3);
		s.n += 3;
	}
	ck_assert_ptr_eq(password_nfc(s, buf).p, typed);
}
END_TEST

START_TEST(each_form_is_accepted)
{
	const struct str forms_of_it[] = { STR(COMPOSED), STR(DECOMPOSED) };
	char hash[PASSWORD_HASH_MAX], again[PASSWORD_HASH_MAX];
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(forms_of_it); i++) {
		ck_assert_int_eq(password_hash(forms_of_it[i], hash, &err), 0);
		ck_assert_int_eq(password_rehash(forms_of_it[i], STR("$old"),
						 again, &err),
				 0);
		for (size_t k = 0; k < ARRAY_LEN(forms_of_it); k++) {
			ck_assert_int_eq(password_verify(forms_of_it[k],
							 str_from(hash)),
					 PASSWORD_RIGHT);
			ck_assert_int_eq(password_verify(forms_of_it[k],
							 str_from(again)),
					 PASSWORD_RIGHT);
		}
	}
}
END_TEST

/* crypt("Gru\u0308\u00dfe aus Zu\u0308rich", "$6$rounds=1000$saltsalt") of
 * Perl: another program has hashed what was typed. */
START_TEST(hash_of_the_raw_form_is_accepted)
{
	const struct str hash =
	    STR("$6$rounds=1000$saltsalt$"
		"zcxKdI6czJksN/Ffk3FpvNp0RdbU3hDwWQoqYjFFZ8k"
		"JRQPDEz4WN4KU70YGJAMJ0swnjZepEQa7/s1zKccw11");

	ck_assert_int_eq(password_verify(STR(DECOMPOSED), hash),
			 PASSWORD_RIGHT);
	ck_assert_int_eq(password_verify(STR(COMPOSED), hash), PASSWORD_WRONG);
	ck_assert_int_eq(password_verify(STR(DECOMPOSED "!"), hash),
			 PASSWORD_WRONG);
	ck_assert_int_eq(password_verify(STR(DECOMPOSED), STR("!")),
			 PASSWORD_UNUSABLE);
}
END_TEST

/* Either form of a password may be what a rehash stores. */
START_TEST(both_forms_must_fit_the_scheme)
{
	char typed[73];

	memset(typed, 'a', sizeof(typed));
	memcpy(typed, "e\xcc\x81", 3);
	ck_assert(!password_fits_scheme((struct str){ .p = typed, .n = 73 },
					STR("$2y$05$abcdefghijklmnopqrstuu")));
	ck_assert(password_fits_scheme((struct str){ .p = typed, .n = 72 },
				       STR("$2y$05$abcdefghijklmnopqrstuu")));
}
END_TEST

static enum password_fault
fault_of(struct str password, int64_t min_length, struct str blocklist)
{
	const struct password_policy policy = { .min_length = min_length,
						.blocklist = blocklist };

	return password_check(password, &policy).fault;
}

START_TEST(new_password_is_checked_in_one_form)
{
	ck_assert_int_eq(fault_of(STR(COMPOSED), 16, STR("")), PASSWORD_FINE);
	ck_assert_int_eq(fault_of(STR(DECOMPOSED), 16, STR("")), PASSWORD_FINE);
	ck_assert_int_eq(fault_of(STR(DECOMPOSED), 17, STR("")),
			 PASSWORD_TOO_SHORT);
	ck_assert_int_eq(fault_of(STR(DECOMPOSED), 8, STR(COMPOSED)),
			 PASSWORD_LISTED);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("password_nfc");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, form_is_nfc, 0, ARRAY_LEN(forms));
	tcase_add_test(t, long_form_is_not_used);
	tcase_add_test(t, each_form_is_accepted);
	tcase_add_test(t, hash_of_the_raw_form_is_accepted);
	tcase_add_test(t, both_forms_must_fit_the_scheme);
	tcase_add_test(t, new_password_is_checked_in_one_form);
	return run_case(t);
}
