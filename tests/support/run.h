/* SPDX-License-Identifier: MIT */
/* Runs check suites and prints TAP, one line a case. */
#ifndef TESTS_RUN_H
#define TESTS_RUN_H

#include "base/base.h"

#include <check.h>
#include <stdlib.h>

/* Exit status of main(). */
static inline int
run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
