/* SPDX-License-Identifier: MIT */
/* Properties of the PostgreSQL backends, on real servers. */
#include "tests/contract/postgres/fixture.h"
#include "tests/support/run.h"

#include <stdio.h>

int
main(void)
{
	int result;

	if (!postgres_server_new(&shared_server))
		return skip_all("PostgreSQL is not installed");
	result = RUN_CASES(postgres_conn_cases(), postgres_schema_cases(),
			   postgres_conflict_cases(), postgres_fault_cases(),
			   postgres_damage_cases(), postgres_idle_cases(),
			   postgres_wait_cases(), postgres_login_lock_cases(),
			   postgres_feed_cases(), postgres_elsewhere_cases(),
			   postgres_name_cases());
	postgres_server_free(&shared_server);
	return result;
}
