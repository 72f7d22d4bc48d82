/* SPDX-License-Identifier: MIT */
/* The plural forms of whole numbers in the languages of the pages, by the rules
 * of the Unicode CLDR. The form of the millions in the Romance languages is
 * left out: no page shows such a number. */
#ifndef PAGES_PLURAL_H
#define PAGES_PLURAL_H

#include "base/base.h"

/* Returns the form of a number: "zero", "one", "two", "few" or "many"; NULL is
 * the form "other". An unknown language has the forms of English. */
const char *plural_form(const char *language, int64_t n);

/* Returns the forms that a language has besides "other", with NULL at the
 * end. */
const char *const *plural_forms(const char *language);

#endif
