/* SPDX-License-Identifier: MIT */
/* Mistakes in rules, and the line that the message names. */
#include "auth/rules.h"

#include "base/network.h"
#include "tests/unit/conf/drivers.h"

static const struct {
	struct str ini;
	const char *problem;
} mistakes[] = {
	{ LIT("[rule a]\nhost = a\nrequire = user nobody\n"),
	  "t.ini:3: [rule a] require: must be a list of public, user, "
	  "user:NAME and role:NAME, or deny alone" },
	{ LIT("[server]\npath = /a\nlocations = /a/ b\n"),
	  "t.ini:3: [server] locations: must be an absolute, decoded "
	  "path" },
	{ LIT("[rule a]\nrequire = deny user\n"),
	  "t.ini:2: [rule a] require: " },
	{ LIT("[rule a]\nrequire = role:\n"), "t.ini:2: [rule a] require: " },
	{ LIT("[rule a]\nrequire = role:a,b\n"),
	  "t.ini:2: [rule a] require: " },
	{ LIT("\n[rule a]\npath_regex = /(\nrequire = user\n"),
	  "t.ini:3: [rule a] path_regex: missing closing parenthesis, at "
	  "offset 2" },
	{ LIT("[rule a]\npath_regex = /\\C\nrequire = user\n"),
	  "t.ini:2: [rule a] path_regex: " },
	{ LIT("[rule a]\npath = admin\nrequire = user\n"),
	  "t.ini:2: [rule a] path: must be an absolute, decoded "
	  "path (no %, \\, #, ;" },
	{ LIT("[rule a]\npath = //a\nrequire = user\n"),
	  "t.ini:2: [rule a] path: must be" },
	{ LIT("[rule a]\npath = /a//\nrequire = user\n"),
	  "t.ini:2: [rule a] path: must be" },
	{ LIT("[rule a]\npath = /a/../b\nrequire = user\n"),
	  "t.ini:2: [rule a] path: must be" },
	{ LIT("[rule a]\npath = /a/.\nrequire = user\n"),
	  "t.ini:2: [rule a] path: must be" },
	{ LIT("[rule a]\npath = /%61\nrequire = user\n"),
	  "t.ini:2: [rule a] path: must be" },
	{ LIT("[rule a]\npath = /a;b\nrequire = user\n"),
	  "t.ini:2: [rule a] path: must be" },
	{ LIT("[rule a]\npath = /a#b\nrequire = user\n"),
	  "t.ini:2: [rule a] path: must be" },
	{ LIT("[rule a]\npath = /a\\b\nrequire = user\n"),
	  "t.ini:2: [rule a] path: must be" },
	{ LIT("[rule a]\npath = /a/*\nrequire = user\n"),
	  "t.ini:2: [rule a] path: must not have a wildcard" },
	{ LIT("[rule a]\npath = /a?b\nrequire = user\n"),
	  "t.ini:2: [rule a] path: must not have a wildcard" },
};

START_TEST(mistakes_name_their_line)
{
	struct rules *rules = NULL;
	struct parsed p;

	parse(&p, mistakes[_i].ini);
	ck_assert_msg(p.rc == 0, "%s", first_problem(&p));
	ck_assert_int_eq(rules_compile(&p.settings, p.arena, &rules,
				       &p.problems),
			 -1);
	ck_assert_ptr_null(rules);
	ck_assert_uint_eq(p.problems.count, 1);
	ck_assert_msg(str_starts(str_from(first_problem(&p)),
				 str_from(mistakes[_i].problem)),
		      "row %d: %s", _i, first_problem(&p));
	arena_free(p.arena);
}
END_TEST

START_TEST(all_mistakes_are_reported)
{
	struct rules *rules = NULL;
	struct parsed p;

	parse(&p, STR("[rule a]\npath = x\nrequire = y\n"
		      "[rule b]\npath_regex = [\nrequire = user\n"));
	ck_assert_int_eq(p.rc, 0);
	ck_assert_int_eq(rules_compile(&p.settings, p.arena, &rules,
				       &p.problems),
			 -1);
	ck_assert_uint_eq(p.problems.count, 3);
	arena_free(p.arena);
}
END_TEST

START_TEST(out_of_memory_is_a_problem)
{
	struct rules *rules = NULL;
	struct parsed p;
	unsigned step;

	for (step = 0; step < 1000; step++) {
		parse(&p, STR("[rule a]\nhost = x\nnetwork = ::1\n"
			      "path_regex = /a\nrequire = user\n"));
		ck_assert_int_eq(p.rc, 0);
		arena_fail_after(p.arena, step);
		if (rules_compile(&p.settings, p.arena, &rules, &p.problems) ==
		    0)
			break;
		ck_assert_uint_ge(p.problems.count, 1);
		ck_assert_ptr_null(rules);
		arena_free(p.arena);
	}
	ck_assert_uint_gt(step, 3);
	ck_assert_ptr_nonnull(rules);
	arena_free(p.arena);
}
END_TEST

static const struct {
	const char *text;
	bool ok;
} networks[] = {
	{ "10.0.0.0/8", true },
	{ "10.0.0.1/8", false },
	{ "10.0.0.1/32", true },
	{ "10.0.0.1", true },
	{ "0.0.0.0/0", true },
	{ "10.0.0.0/33", false },
	{ "10.0.0.0/", false },
	{ "10.0.0.0/-1", false },
	{ "10.0.0.0/8/8", false },
	{ "10.0.0/8", false },
	{ "10.0.0.0/255.0.0.0", false },
	{ "", false },
	{ "/8", false },
	{ "::/0", true },
	{ "::1", true },
	{ "2001:db8::/32", true },
	{ "2001:db8::1/32", false },
	{ "2001:db8::/129", false },
	{ "[::1]", false },
	{ "fe80::%eth0/64", false },
	{ "::ffff:10.0.0.0/104", true },
	{ "::ffff:10.0.0.0/8", false },
	{ "::ffff:0:0/96", true },
	{ "::ffff:0:0/95", false },
	{ "localhost", false },
	{ "10.0.0.0/08", true },
	{ "10.0.0.0/0008", false },
};

START_TEST(networks_are_read)
{
	struct network n;

	for (size_t i = 0; i < ARRAY_LEN(networks); i++) {
		ck_assert_msg(network_parse(str_from(networks[i].text), &n) ==
				  networks[i].ok,
			      "row %zu: %s", i, networks[i].text);
	}
}
END_TEST

/* Rules that no request can reach, with the line of the warning or 0. */
static const struct {
	const char *rules;
	unsigned line;
} hidden[] = {
	{ "[rule a]\nrequire = user\n[rule b]\npath = /x\nrequire = deny\n",
	  3 },
	{ "[rule a]\npath = /x\nrequire = user\n"
	  "[rule b]\npath = /x/y\nrequire = deny\n",
	  4 },
	{ "[rule a]\npath = /x/\nrequire = user\n"
	  "[rule b]\npath = /x\nrequire = deny\n",
	  0 },
	{ "[rule a]\npath = /x\nrequire = user\n"
	  "[rule b]\npath = /xy\nrequire = deny\n",
	  0 },
	{ "[rule a]\npath = /x\nrequire = user\n"
	  "[rule b]\npath_regex = /x/y\nrequire = deny\n",
	  0 },
	{ "[rule a]\npath_regex = /x\nrequire = user\n"
	  "[rule b]\npath_regex = /x\nrequire = deny\n",
	  4 },
	{ "[rule a]\nmethod = GET\nrequire = user\n"
	  "[rule b]\nmethod = HEAD\nrequire = deny\n",
	  4 },
	{ "[rule a]\nmethod = GET\nrequire = user\n"
	  "[rule b]\nmethod = GET POST\nrequire = deny\n",
	  0 },
	{ "[rule a]\nmethod = GET\nrequire = user\n"
	  "[rule b]\nrequire = deny\n",
	  0 },
	{ "[rule a]\nhost = a.x b.x\nrequire = user\n"
	  "[rule b]\nhost = b.x\npath = /\nrequire = deny\n",
	  4 },
	{ "[rule a]\nhost = a.x\nrequire = user\n"
	  "[rule b]\nhost = a.x b.x\nrequire = deny\n",
	  0 },
	{ "[rule a]\nnetwork = 10.0.0.0/8\nrequire = user\n"
	  "[rule b]\nrequire = deny\n",
	  0 },
	{ "[rule a]\nnetwork = 10.0.0.0/8 ::1\nrequire = user\n"
	  "[rule b]\nnetwork = ::1\npath = /x\nrequire = deny\n",
	  4 },
};

START_TEST(unreachable_rules_cause_a_warning)
{
	static const char decides[] = "warning: [rule b] never decides: "
				      "[rule a] in line 1 ";
	struct parsed p;
	struct rules *out;
	const char *text = NULL;

	parse(&p, str_from(hidden[_i].rules));
	ck_assert_int_eq(p.rc, 0);
	/* removes the warning about hosts without a name */
	p.problems.first_warning = NULL;
	p.problems.last_warning = &p.problems.first_warning;
	ck_assert_int_eq(rules_compile(&p.settings, p.arena, &out, &p.problems),
			 0);
	if (p.problems.first_warning != NULL)
		text = p.problems.first_warning->text;
	ck_assert_msg((text != NULL) == (hidden[_i].line != 0), "row %d: %s",
		      _i, text != NULL ? text : "no warning");
	if (text != NULL) {
		ck_assert_ptr_null(p.problems.first_warning->next);
		ck_assert_uint_eq(strtoul(text + strlen("t.ini:"), NULL, 10),
				  hidden[_i].line);
		ck_assert_msg(strstr(text, decides) != NULL, "row %d: %s", _i,
			      text);
	}
	arena_free(p.arena);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("rule_mistakes");

	tcase_add_loop_test(t, mistakes_name_their_line, 0,
			    ARRAY_LEN(mistakes));
	tcase_add_test(t, all_mistakes_are_reported);
	tcase_add_test(t, out_of_memory_is_a_problem);
	tcase_add_test(t, networks_are_read);
	tcase_add_loop_test(t, unreachable_rules_cause_a_warning, 0,
			    ARRAY_LEN(hidden));
	return run_case(t);
}
