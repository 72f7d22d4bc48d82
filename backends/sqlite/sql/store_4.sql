-- SPDX-License-Identifier: MIT
-- Networks from which a user has signed in, as keyed hashes: failed sign-ins
-- from other networks do not ban the user there. After `until_ms` the row has
-- expired.
CREATE TABLE main.known_networks (
	name TEXT NOT NULL,
	network BLOB NOT NULL CHECK (length(network) = 16),
	until_ms INTEGER NOT NULL,
	PRIMARY KEY (name, network)
) WITHOUT ROWID;

CREATE INDEX main.known_networks_ends ON known_networks (until_ms);
