-- SPDX-License-Identifier: MIT
-- Records of accounts. Names are case-sensitive, and times are in milliseconds
-- since the epoch.
CREATE TABLE main.account (
	name TEXT NOT NULL PRIMARY KEY,
	handle BLOB NOT NULL UNIQUE
		CHECK (typeof(handle) = 'blob' AND length(handle) = 32),
	must_change INTEGER NOT NULL CHECK (must_change IN (0, 1)),
	verified_email TEXT NOT NULL CHECK (length(verified_email) <= 256),
	notify INTEGER NOT NULL CHECK (notify IN (0, 1, 2)),
	since_ms INTEGER NOT NULL CHECK (typeof(since_ms) = 'integer')
) WITHOUT ROWID;

-- A secret is removed when it is taken. The kinds are 1 ticket, 2 reset, 4
-- invite, 8 e-mail, 16 reset by mail. If alone is 1, a newer one of the user and
-- of the kind replaces it.
CREATE TABLE main.one_time (
	hash BLOB NOT NULL
		CHECK (typeof(hash) = 'blob' AND length(hash) = 32),
	kind INTEGER NOT NULL CHECK (typeof(kind) = 'integer'),
	name TEXT NOT NULL,
	data TEXT NOT NULL CHECK (length(data) <= 8192),
	alone INTEGER NOT NULL CHECK (alone IN (0, 1)),
	created_ms INTEGER NOT NULL CHECK (typeof(created_ms) = 'integer'),
	expires_ms INTEGER NOT NULL CHECK (typeof(expires_ms) = 'integer'),
	PRIMARY KEY (hash, kind)
) WITHOUT ROWID;
CREATE UNIQUE INDEX main.one_time_alone ON one_time (name, kind)
	WHERE alone = 1;
CREATE INDEX main.one_time_user ON one_time (name);
CREATE INDEX main.one_time_expires ON one_time (expires_ms);

CREATE TABLE main.outbox (
	id BLOB NOT NULL PRIMARY KEY
		CHECK (typeof(id) = 'blob' AND length(id) = 16),
	name TEXT NOT NULL,
	recipient TEXT NOT NULL CHECK (length(recipient) <= 254),
	kind TEXT NOT NULL CHECK (length(kind) <= 32),
	body TEXT NOT NULL CHECK (length(body) <= 16384),
	created_ms INTEGER NOT NULL CHECK (typeof(created_ms) = 'integer'),
	next_ms INTEGER NOT NULL CHECK (typeof(next_ms) = 'integer'),
	expires_ms INTEGER NOT NULL CHECK (typeof(expires_ms) = 'integer'),
	tries INTEGER NOT NULL CHECK (typeof(tries) = 'integer')
) WITHOUT ROWID;
CREATE INDEX main.outbox_next ON outbox (next_ms);
CREATE INDEX main.outbox_expires ON outbox (expires_ms);
CREATE INDEX main.outbox_user ON outbox (name);
