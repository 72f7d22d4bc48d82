/* SPDX-License-Identifier: MIT */
/* The options of users in PostgreSQL. */
#include "backends/postgres/users_options.h"

#define STATEMENT_MAX 8192

const struct option postgres_users_options[] = {
	POSTGRES_OPTIONS,
	OPTION(STR, struct users_postgres_conf, query, .max = STATEMENT_MAX,
	       .flags = OPTION_FOREIGN,
	       .help =
		   "For users in an existing table: a statement that "
		   "returns the user whose name is $1, in the columns "
		   "name and password_hash and, optionally, email, "
		   "full_name, roles (words separated by commas or blanks, "
		   "or an array) and disabled (a boolean, 0 or 1). Rename "
		   "other columns with AS. "
		   "Without the column disabled all users are enabled. "
		   "With it, users with NULL cannot sign in: select an "
		   "expression that is never NULL, such as is_active IS NOT "
		   "TRUE AS disabled, or disabled_at IS NOT NULL AS disabled. "
		   "The name must be selected from the table, and must be "
		   "equal to $1, including case: $1 AS name is refused. "
		   "More than one row is an error, unless case or email is "
		   "set. Users with an invalid role or text cannot sign in; "
		   "the reason is logged. Empty means the table of the "
		   "service, which fcgiauthctl store migrate creates and "
		   "fcgiauthctl user fills."),
	OPTION(STR, struct users_postgres_conf, update_hash,
	       .max = STATEMENT_MAX,
	       .help =
		   "With query: a statement that sets the password hash of "
		   "user $1 to $2 if it still is $3. With it, weaker "
		   "hashes are replaced at the sign-in by Argon2id "
		   "($argon2id$), in the table of the other program: if that "
		   "program checks passwords itself and cannot read Argon2id, "
		   "its users cannot sign in there any more. The guide "
		   "moving.md lists the programs that can. Empty, the "
		   "default, means that nothing is written."),
	USERS_OPTION_CASE(
	    struct users_postgres_conf,
	    "See the same option of sqlite. With query, the statement itself "
	    "must find users in this way: for fold, compare lower(name) with "
	    "lower($1). It may then return several rows, one for each user "
	    "that matches. It must also find each user by the exact name."),
	USERS_OPTION_EMAIL(
	    struct users_postgres_conf,
	    "See the same option of sqlite. With query, the statement itself "
	    "must also find users by their address: compare lower(email) with "
	    "lower($1). It must return the column email; otherwise nobody is "
	    "found by an address."),
	OPTION_END
};
