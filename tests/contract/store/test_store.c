/* SPDX-License-Identifier: MIT */
/* The contract suite of the session stores. */
#include "tests/contract/store/fixture.h"
#include "tests/support/run.h"

#include <stdio.h>

int
main(void)
{
	int result;

	if (kinds_start() != 0)
		return skip_all("the server is not installed");
	label_loops(fixture_name);
	result = RUN_CASES(store_session_cases(), store_list_cases(),
			   store_regulation_cases(), store_login_cases(),
			   store_thread_cases(), store_process_cases(),
			   store_rotation_cases(), store_grace_cases(),
			   store_race_cases(), store_denial_cases(),
			   store_mark_cases(), store_model_cases(),
			   store_output_cases(), store_refused_cases(),
			   store_feed_cases(), store_feed_wait_cases(),
			   store_find_cases());
	kinds_stop();
	return result;
}
