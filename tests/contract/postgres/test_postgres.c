/* SPDX-License-Identifier: MIT */
/* What is particular to the Postgres backends, on real servers. */
#include "tests/contract/postgres/rig.h"
#include "tests/support/run.h"

#include <stdio.h>

int
main(void)
{
	Suite *s = suite_create("postgres");
	int result;

	if (!postgres_server_new(&shared_place)) {
		(void)printf("1..0 # SKIP PostgreSQL is not installed\n");
		return 0;
	}
	suite_add_tcase(s, postgres_link_cases());
	suite_add_tcase(s, postgres_schema_cases());
	suite_add_tcase(s, postgres_conflict_cases());
	suite_add_tcase(s, postgres_fault_cases());
	suite_add_tcase(s, postgres_damage_cases());
	suite_add_tcase(s, postgres_idle_cases());
	suite_add_tcase(s, postgres_wait_cases());
	result = run_suite(s);
	postgres_server_free(&shared_place);
	return result;
}
