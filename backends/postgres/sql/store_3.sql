-- SPDX-License-Identifier: MIT
-- Networks from which a user has signed in, as keyed hashes: failed sign-ins
-- from other networks do not ban the user there. After until_ms the row has
-- expired.
CREATE TABLE fcgiauth.known_networks (
	name text COLLATE "C" NOT NULL,
	network bytea NOT NULL CHECK (octet_length(network) = 16),
	until_ms bigint NOT NULL,
	PRIMARY KEY (name, network)
);

CREATE INDEX known_networks_ends ON fcgiauth.known_networks (until_ms);
