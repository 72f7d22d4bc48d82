-- SPDX-License-Identifier: MIT
-- Networks where a user has signed in, as keyed hashes: failed logins from
-- elsewhere do not keep the user out there.  After `until_ms` the row means
-- nothing any more.
CREATE TABLE main.known_networks (
	name TEXT NOT NULL,
	network BLOB NOT NULL CHECK (length(network) = 16),
	until_ms INTEGER NOT NULL,
	PRIMARY KEY (name, network)
) WITHOUT ROWID;

CREATE INDEX main.known_networks_ends ON known_networks (until_ms);
