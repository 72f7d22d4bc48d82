-- SPDX-License-Identifier: MIT
-- Records of accounts. Names compare as bytes, and times are in milliseconds
-- since the epoch.
CREATE TABLE fcgiauth.account (
	name text COLLATE "C" PRIMARY KEY,
	handle bytea NOT NULL UNIQUE CHECK (octet_length(handle) = 32),
	must_change boolean NOT NULL,
	verified_email text NOT NULL
		CHECK (octet_length(verified_email) <= 256),
	notify smallint NOT NULL CHECK (notify IN (0, 1, 2)),
	since_ms bigint NOT NULL
);

-- A secret is removed when it is taken. The kinds are 1 ticket, 2 reset, 4
-- invite, 8 e-mail, 16 reset by mail. If alone is true, a newer one of the user
-- and of the kind replaces it.
CREATE TABLE fcgiauth.one_time (
	hash bytea NOT NULL CHECK (octet_length(hash) = 32),
	kind bigint NOT NULL,
	name text COLLATE "C" NOT NULL,
	data text NOT NULL CHECK (octet_length(data) <= 8192),
	alone boolean NOT NULL,
	created_ms bigint NOT NULL,
	expires_ms bigint NOT NULL,
	PRIMARY KEY (hash, kind)
);
CREATE UNIQUE INDEX one_time_alone ON fcgiauth.one_time (name, kind)
	WHERE alone;
CREATE INDEX one_time_user ON fcgiauth.one_time (name);
CREATE INDEX one_time_expires ON fcgiauth.one_time (expires_ms);

CREATE TABLE fcgiauth.outbox (
	id bytea PRIMARY KEY CHECK (octet_length(id) = 16),
	name text COLLATE "C" NOT NULL,
	recipient text NOT NULL CHECK (octet_length(recipient) <= 254),
	kind text NOT NULL CHECK (octet_length(kind) <= 32),
	body text NOT NULL CHECK (octet_length(body) <= 16384),
	created_ms bigint NOT NULL,
	next_ms bigint NOT NULL,
	expires_ms bigint NOT NULL,
	tries bigint NOT NULL
);
CREATE INDEX outbox_next ON fcgiauth.outbox (next_ms);
CREATE INDEX outbox_expires ON fcgiauth.outbox (expires_ms);
CREATE INDEX outbox_user ON fcgiauth.outbox (name);
