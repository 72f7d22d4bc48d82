/* SPDX-License-Identifier: MIT */
/* Finds rules that can never decide because an earlier rule matches all their
 * requests. */
#include "auth/rules.h"

#include "base/str.h"
#include "conf/problems.h"
#include "http/path.h"

/* Returns true when `words` (empty: everything) include all of `of`. */
static bool
has_all(const struct words *words, const struct words *of)
{
	if (words->n == 0)
		return true;
	for (size_t i = 0; i < of->n; i++) {
		if (!words_have(words, of->v[i]))
			return false;
	}
	return of->n > 0;
}

/* Works like has_all() for methods, where GET includes HEAD. */
static bool
has_methods(const struct words *words, const struct words *of)
{
	if (words->n == 0)
		return true;
	for (size_t i = 0; i < of->n; i++) {
		if (!words_have(words, of->v[i]) &&
		    !(str_eq(of->v[i], STR("HEAD")) &&
		      words_have(words, STR("GET"))))
			return false;
	}
	return of->n > 0;
}

static bool
has_paths(const struct rule_settings *rule, const struct rule_settings *of)
{
	if (rule->path_regex.n > 0)
		return str_eq(rule->path_regex, of->path_regex) &&
		       str_eq(rule->path, of->path);
	return rule->path.n == 0 ||
	       (of->path.n > 0 && path_below(of->path, rule->path));
}

static bool
hides(const struct rule_settings *rule, const struct rule_settings *later)
{
	return has_all(&rule->host, &later->host) && has_paths(rule, later) &&
	       has_methods(&rule->method, &later->method) &&
	       has_all(&rule->network, &later->network);
}

void
rules_warn_hidden(const struct settings *set, struct problems *problems)
{
	for (size_t i = 1; i < set->rules.n; i++) {
		const struct rule_settings *later = &set->rules.v[i];
		const struct place at = { .file = set->file,
					  .line = later->line,
					  .section = STR("rule"),
					  .name = later->name };
		size_t k = 0;

		while (k < i && !hides(&set->rules.v[k], later))
			k++;
		if (k == i)
			continue;
		problems_warn(problems, &at,
			      "never decides: [rule %.*s] in line %u comes "
			      "first and matches all requests of this one",
			      STR_ARG(str_clip(set->rules.v[k].name, 64)),
			      set->rules.v[k].line);
	}
}
