/* SPDX-License-Identifier: MIT */
/* Plural forms. */
#include "pages/plural.h"

#include <string.h>

static const char *
only_one(int64_t n)
{
	return n == 1 ? "one" : NULL;
}

static const char *
up_to_one(int64_t n)
{
	return n <= 1 ? "one" : NULL;
}

static const char *
none(int64_t n)
{
	(void)n;
	return NULL;
}

static const char *
czech(int64_t n)
{
	if (n == 1)
		return "one";
	return n >= 2 && n <= 4 ? "few" : NULL;
}

/* Returns true for 2 to 4, 22 to 24 and so on, but not for 12 to 14. */
static bool
ends_with_few(int64_t n)
{
	return n % 10 >= 2 && n % 10 <= 4 && (n % 100 < 12 || n % 100 > 14);
}

static const char *
polish(int64_t n)
{
	if (n == 1)
		return "one";
	return ends_with_few(n) ? "few" : "many";
}

static const char *
ukrainian(int64_t n)
{
	if (n % 10 == 1 && n % 100 != 11)
		return "one";
	return ends_with_few(n) ? "few" : "many";
}

static const char *
arabic(int64_t n)
{
	static const char *const small[] = { "zero", "one", "two" };

	if (n <= 2)
		return small[n];
	if (n % 100 >= 3 && n % 100 <= 10)
		return "few";
	return n % 100 >= 11 ? "many" : NULL;
}

#define FORMS_MAX 6

static const struct plural_rule {
	const char *language;
	const char *(*form)(int64_t n);
	const char *forms[FORMS_MAX];
} rules[] = {
	{ "ar", arabic, { "zero", "one", "two", "few", "many", NULL } },
	{ "cs", czech, { "one", "few", NULL } },
	{ "fr", up_to_one, { "one", NULL } },
	{ "ja", none, { NULL } },
	{ "ko", none, { NULL } },
	{ "pl", polish, { "one", "few", "many", NULL } },
	{ "pt", up_to_one, { "one", NULL } },
	{ "uk", ukrainian, { "one", "few", "many", NULL } },
	{ "zh", none, { NULL } },
	{ NULL, only_one, { "one", NULL } },
};

static const struct plural_rule *
rule_of(const char *language)
{
	const struct plural_rule *r = rules;

	while (r->language != NULL && strcmp(r->language, language) != 0)
		r++;
	return r;
}

const char *
plural_form(const char *language, int64_t n)
{
	return rule_of(language)->form(n);
}

const char *const *
plural_forms(const char *language)
{
	return rule_of(language)->forms;
}
