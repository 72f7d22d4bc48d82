-- SPDX-License-Identifier: MIT
-- Users. Names compare as bytes, roles are separated by ',', and times are in
-- seconds since the epoch.
CREATE TABLE fcgiauth.users (
	name text COLLATE "C" PRIMARY KEY,
	hash text NOT NULL,
	roles text NOT NULL,
	email text NOT NULL,
	full_name text NOT NULL,
	disabled boolean NOT NULL,
	created bigint NOT NULL,
	changed bigint NOT NULL
);
