/* SPDX-License-Identifier: MIT */
/* The contract suite of the session stores. */
#include "tests/contract/store/rig.h"
#include "tests/support/run.h"

#include <stdio.h>

int
main(void)
{
	Suite *s = suite_create("store");
	int result;

	if (kinds_start() != 0) {
		(void)printf("1..0 # SKIP the server is not installed\n");
		return 0;
	}
	suite_add_tcase(s, store_session_cases());
	suite_add_tcase(s, store_list_cases());
	suite_add_tcase(s, store_regulation_cases());
	suite_add_tcase(s, store_thread_cases());
	suite_add_tcase(s, store_process_cases());
	suite_add_tcase(s, store_rotation_cases());
	suite_add_tcase(s, store_grace_cases());
	suite_add_tcase(s, store_race_cases());
	suite_add_tcase(s, store_denial_cases());
	suite_add_tcase(s, store_mark_cases());
	suite_add_tcase(s, store_output_cases());
	suite_add_tcase(s, store_refused_cases());
	result = run_suite(s);
	kinds_stop();
	return result;
}
