/* SPDX-License-Identifier: MIT */
/* Which language a browser prefers, and the plural forms of languages. */
#include "tests/support/run.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "pages/language.h"
#include "pages/plural.h"

static const char *const languages[] = { "en", "de", "fr", "zh", "pt" };

static const struct {
	const char *accept, *best; /* NULL: none */
} rows[] = {
	{ "de", "de" },
	{ "DE", "de" },
	{ "de-CH", "de" },
	{ "zh-CN", "zh" },
	{ "zh-Hant-TW;q=0.9", "zh" },
	{ "pt-BR,pt;q=0.9,en;q=0.8", "pt" },
	{ "sv, de;q=0.3, fr;q=0.5", "fr" },
	{ "de;q=0.5,fr;q=0.5", "de" },
	{ "fr ; q=0.2 , de ;q=0.201", "de" },
	{ "de;q=0,fr;q=0.001", "fr" },
	{ "de;q=0", NULL },
	{ "de;q=1.000", "de" },
	{ "de;Q=0.4,fr;q=0.3", "de" },
	/* Malformed parts are skipped. */
	{ "de;q=2,fr;q=0.1", "fr" },
	{ "de;q=1.001,fr;q=0.1", "fr" },
	{ "de;q=0.1234,fr;q=0.1", "fr" },
	{ "de;q=,fr;q=0.1", "fr" },
	{ "de;q=-1,fr;q=0.1", "fr" },
	{ "de;x=1,fr;q=0.1", "fr" },
	{ "d,e,;,;;,=,-,fr", "fr" },
	{ "\x01\xff,fr", "fr" },
	{ "deutsch", NULL },
	{ "", NULL },
	{ "*", NULL },
	{ "sv", NULL },
};

START_TEST(best_language_is_found)
{
	size_t best = 99;
	bool found = language_negotiate(str_from(rows[_i].accept), languages,
					ARRAY_LEN(languages), &best);

	ck_assert_uint_lt(best, ARRAY_LEN(languages));
	ck_assert_msg(found == (rows[_i].best != NULL), "row %d", _i);
	ck_assert_str_eq(languages[best], found ? rows[_i].best : languages[0]);
}
END_TEST

START_TEST(long_header_is_bounded)
{
	char text[1024] = "";
	size_t best;

	for (int i = 0; i < 32; i++)
		(void)strcat(text, "sv,");
	(void)strcat(text, "de");
	ck_assert(!language_negotiate(str_from(text), languages,
				      ARRAY_LEN(languages), &best));
	ck_assert(language_negotiate(str_from(text + 3), languages,
				     ARRAY_LEN(languages), &best));
}
END_TEST

/* The forms of the numbers in `numbers`, as the CLDR has them. */
static const struct {
	const char *language, *form; /* NULL: "other" */
	int numbers[8]; /* with -1 at the end */
} forms[] = {
	{ "en", "one", { 1, -1 } },
	{ "en", NULL, { 0, 2, 11, 21, 101, -1 } },
	{ "tr", "one", { 1, -1 } },
	{ "fr", "one", { 0, 1, -1 } },
	{ "fr", NULL, { 2, 100, -1 } },
	{ "pt", "one", { 0, 1, -1 } },
	{ "ja", NULL, { 0, 1, 2, 5, -1 } },
	{ "cs", "one", { 1, -1 } },
	{ "cs", "few", { 2, 3, 4, -1 } },
	{ "cs", NULL, { 0, 5, 21, 22, 102, -1 } },
	{ "pl", "one", { 1, -1 } },
	{ "pl", "few", { 2, 4, 22, 34, 102, -1 } },
	{ "pl", "many", { 0, 5, 11, 12, 14, 21, 112, -1 } },
	{ "uk", "one", { 1, 21, 101, -1 } },
	{ "uk", "few", { 2, 4, 22, 104, -1 } },
	{ "uk", "many", { 0, 5, 11, 12, 14, 111, 113, -1 } },
	{ "ar", "zero", { 0, -1 } },
	{ "ar", "one", { 1, -1 } },
	{ "ar", "two", { 2, -1 } },
	{ "ar", "few", { 3, 10, 103, 110, -1 } },
	{ "ar", "many", { 11, 99, 111, 199, -1 } },
	{ "ar", NULL, { 100, 101, 102, 200, -1 } },
	{ "xx", "one", { 1, -1 } },
};

static bool
is_listed(const char *language, const char *form)
{
	const char *const *all = plural_forms(language);

	while (*all != NULL && strcmp(*all, form) != 0)
		all++;
	return *all != NULL;
}

START_TEST(plural_form_is_that_of_the_language)
{
	for (const int *n = forms[_i].numbers; *n >= 0; n++) {
		const char *form = plural_form(forms[_i].language, *n);

		if (forms[_i].form == NULL) {
			ck_assert_ptr_null(form);
			continue;
		}
		ck_assert_ptr_nonnull(form);
		ck_assert_str_eq(form, forms[_i].form);
		ck_assert(is_listed(forms[_i].language, form));
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("language");

	tcase_add_loop_test(t, best_language_is_found, 0, ARRAY_LEN(rows));
	tcase_add_test(t, long_header_is_bounded);
	tcase_add_loop_test(t, plural_form_is_that_of_the_language, 0,
			    ARRAY_LEN(forms));
	return run_case(t);
}
