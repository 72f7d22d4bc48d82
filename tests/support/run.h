/* SPDX-License-Identifier: MIT */
/* The main part of the test programs: runs their cases and prints TAP, one line
 * per test. */
#ifndef TESTS_RUN_H
#define TESTS_RUN_H

#include "base/base.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The limit ends only a test that hangs; slow machines and sanitizers stay far
 * below. */
#define TEST_LIMIT_S 600

/* Check prints the same name for each run of a test that is in a loop. These
 * functions add the index of the loop, as in `a_test[3]`, or the label that a
 * function returns for it. */
#undef tcase_add_loop_test
#define tcase_add_loop_test(t, test, from, to) add_loop_test(t, test, from, to)
void add_loop_test(TCase *t, const TTest *test, int from, int to);
typedef const char *loop_label(int i);
void label_loops(loop_label *fn); /* of the tests that are added after it */
void free_loops(void);

static inline TCase *
new_case(const char *name)
{
	TCase *t = tcase_create(name);

	tcase_set_timeout(t, TEST_LIMIT_S);
	return t;
}

/* Runs the cases; returns the exit status for main(). */
static inline int
run_cases(TCase *const *cases, size_t n)
{
	Suite *suite = suite_create("tests");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < n; i++)
		suite_add_tcase(suite, cases[i]);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	if (srunner_ntests_run(runner) == 0) {
		(void)fprintf(stderr, "CK_RUN_CASE: must be the name of a case"
				      " of this program\n");
		failed = 1;
	}
	srunner_free(runner);
	free_loops();
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define RUN_CASES(...)                                                         \
	run_cases((TCase *const[]){ __VA_ARGS__ },                             \
		  ARRAY_LEN(((TCase *const[]){ __VA_ARGS__ })))

static inline int
run_case(TCase *t)
{
	return run_cases(&t, 1);
}

/* The same for a program whose requirements are missing. */
static inline int
skip_all(const char *why)
{
	(void)printf("1..0 # SKIP %s\n", why);
	return EXIT_SUCCESS;
}

#endif
