-- SPDX-License-Identifier: MIT
-- Users. Names are case-sensitive, roles are separated by ',', and times are
-- in seconds since the epoch.
CREATE TABLE main.users (
	name TEXT NOT NULL PRIMARY KEY,
	hash TEXT NOT NULL,
	roles TEXT NOT NULL,
	email TEXT NOT NULL,
	full_name TEXT NOT NULL,
	disabled INTEGER NOT NULL,
	created INTEGER NOT NULL,
	changed INTEGER NOT NULL
) WITHOUT ROWID;
