/* SPDX-License-Identifier: MIT */
/* The rows that a foreign table may return. */
#include "tests/contract/postgres/foreign_shapes.h"

#define N	   "'a' AS name, 'h' AS password_hash, "
#define IS_NULL	   "disabled is NULL"
#define NEITHER	   "disabled is neither true nor false"
#define CONTROL	   " is too long or has control characters"
#define NO_ROLE(r) "'" r "' in roles is not a valid role"
#define X13	   "xxxxxxxxxxxxx"
#define X65	   X13 X13 X13 X13 X13
#define S40	   ";;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;"

const struct foreign_shape foreign_shapes[] = {
	{ "'a' AS name, 'h' AS password_hash", false, "", "" },
	{ "'h' AS password_hash, 'a' AS name", false, "", "" },
	{ "'a'::name AS name, 'h'::varchar(9) AS password_hash", false, "",
	  "" },
	{ "'a'::char(20) AS name, 'h'::char(60) AS password_hash", false, "",
	  "" },
	{ N "true AS disabled", true, "", "" },
	{ N "false AS disabled", false, "", "" },
	{ N "0 AS disabled", false, "", "" },
	{ N "1::smallint AS disabled", true, "", "" },
	{ N "'t' AS disabled", true, "", "" },
	{ N "'No' AS disabled", false, "", "" },
	{ N "'FALSE' AS disabled", false, "", "" },
	{ N "'off' AS disabled", false, "", "" },
	{ N "'n' AS disabled", false, "", "" },
	{ N "'True' AS disabled", true, "", "" },
	{ N "'yes' AS disabled", true, "", "" },
	{ N "'ON' AS disabled", true, "", "" },
	{ N "'y' AS disabled", true, "", "" },
	{ N "'tru' AS disabled", true, "", NEITHER },
	{ N "'of' AS disabled", true, "", NEITHER },
	{ N "'fa' AS disabled", true, "", NEITHER },
	{ N "B'1' AS disabled", true, "", "" },
	{ N "NULL AS disabled", true, "", IS_NULL },
	{ N "NOT NULL::boolean AS disabled", true, "", IS_NULL },
	{ N "NULL::int AS disabled", true, "", IS_NULL },
	{ N "NULL::timestamp AS disabled", true, "", IS_NULL },
	{ N "'' AS disabled", true, "", NEITHER },
	{ N "' '::char(2) AS disabled", true, "", NEITHER },
	{ N "'x'::bytea AS disabled", true, "", NEITHER },
	{ N "'NaN'::float AS disabled", true, "", NEITHER },
	{ N "NULL::timestamp IS NOT NULL AS disabled", false, "", "" },
	{ N "2 AS disabled", true, "", NEITHER },
	{ N "now() AS disabled", true, "", NEITHER },
	{ N "'-' AS disabled", true, "", NEITHER },
	{ N "'a, b,c d\te' AS roles", false, "a,b,c,d,e", "" },
	{ N "'a,a,,a' AS roles", false, "a", "" },
	{ N "' ' AS roles", false, "", "" },
	{ N "'app:admin' AS roles", false, "app:admin", "" },
	{ N "ARRAY['a','b'] AS roles", false, "a,b", "" },
	{ N "ARRAY['a',NULL,'NULL']::varchar[] AS roles", false, "a,NULL", "" },
	{ N "ARRAY[]::text[] AS roles", false, "", "" },
	{ N "NULL::text[] AS roles", false, "", "" },
	{ N "(SELECT array_agg(g) FROM (VALUES ('x'), ('y')) v (g)) AS roles",
	  false, "x,y", "" },
	{ N "ARRAY['a b'] AS roles", true, "", NO_ROLE("\"a") },
	{ N "ARRAY[['a'],['b']] AS roles", true, "", NO_ROLE("{a}") },
	{ N "'[\"a\",\"b\"]'::json AS roles", true, "", NO_ROLE("[\"a\"") },
	{ N "'a;b' AS roles", true, "", NO_ROLE("a;b") },
	{ N "repeat('x', 65) AS roles", true, "", NO_ROLE(X65) },
	{ N "'{' AS roles", true, "", NO_ROLE("{") },
	{ N "'{a' AS roles", true, "", NO_ROLE("{a") },
	{ N "'a}' AS roles", true, "", NO_ROLE("a}") },
	{ N "'NULL' AS roles", false, "NULL", "" },
	{ N "'\"NULL\"' AS roles", true, "", NO_ROLE("\"NULL\"") },
	{ N "repeat(';', 81) AS roles", true, "", NO_ROLE(S40 S40) },
	{ N "(SELECT string_agg('r' || i, ',') FROM generate_series(1, 500)"
	    " s (i)) AS roles",
	  true, "", "roles has more than 1024 bytes" },
	{ N "E'a@b\\r\\nX: y' AS email", true, "", "email" CONTROL },
	{ N "E'\\x1b[2J' AS full_name", true, "", "full_name" CONTROL },
	{ N "repeat('x', 2e7::int) AS full_name", true, "",
	  "full_name" CONTROL },
};

const size_t foreign_nshapes = ARRAY_LEN(foreign_shapes);

const struct foreign_mistake foreign_mistakes[] = {
	{ "SELECT login AS name FROM app.people WHERE login = $1", NULL,
	  "there is no column password_hash" },
	{ "SELECT password_hash FROM app.people WHERE login = $1", NULL,
	  "there is no column name" },
	{ "SELECT login AS name, password_hash, gone AS disable"
	  " FROM app.people WHERE login = $1",
	  NULL, "unknown column disable" },
	{ "SELECT login AS name, password_hash, login AS name"
	  " FROM app.people WHERE login = $1",
	  NULL, "name is there twice" },
	{ "SELECT $1 AS name, password_hash FROM app.people"
	  " WHERE lower(login) = lower($1)",
	  NULL, "name is $1 as it was typed" },
	{ "SELECT password_hash, coalesce($1, login) AS name FROM app.people"
	  " WHERE login = $1",
	  NULL, "name is $1 as it was typed" },
	{ "SELECT login AS name, password_hash FROM app.people", NULL,
	  "parameters" },
	{ "SELECT login AS name, password_hash FROM app.people"
	  " WHERE login = $1 AND mail = $2",
	  NULL, "parameters" },
	{ "SELECT login AS name, password_hash FROM app.people"
	  " WHERE login = $2",
	  NULL, "query" },
	{ "SELEC 1", NULL, "syntax error" },
	{ "SELECT login AS name, nosuch AS password_hash FROM app.people"
	  " WHERE login = $1",
	  NULL, "nosuch" },
	{ "SELECT 'a' AS name, 'b' AS password_hash WHERE $1 = 'a';"
	  " DROP TABLE app.people",
	  NULL, "multiple commands" },
	{ "DELETE FROM app.people WHERE login = $1", NULL, "returns no rows" },
	{ "SELECT 'a' AS name, 'b' AS password_hash WHERE $1 = 7", NULL,
	  "22P02" },
	{ FOREIGN_QUERY,
	  "UPDATE app.people SET password_hash = $2 WHERE login = $1",
	  "has 2 parameters" },
	{ FOREIGN_QUERY, "UPDATE app.people SET nosuch = $2 WHERE login = $1",
	  "nosuch" },
	{ FOREIGN_QUERY, "SELECT 1; SELECT 2", "multiple commands" },
	{ "", "UPDATE app.people SET password_hash = $2", "without query" },
};

const size_t foreign_nmistakes = ARRAY_LEN(foreign_mistakes);
