/* SPDX-License-Identifier: MIT */
/* The contract suite of the factor stores. */
#include "tests/contract/factors/fixture.h"
#include "tests/support/run.h"

int
main(void)
{
	int result;

	if (kind_start() != 0)
		return skip_all("the server is not installed");
	result = RUN_CASES(factors_account_cases(), factors_one_time_cases(),
			   factors_outbox_cases(), factors_race_cases(),
			   factors_refused_cases());
	kind_stop();
	return result;
}
