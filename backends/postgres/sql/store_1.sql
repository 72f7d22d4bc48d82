-- SPDX-License-Identifier: MIT
-- Sessions, regulation, denied tokens and shared secrets. Times are
-- milliseconds since the epoch. Names compare as bytes.

-- One sign-in of one user on one client. A session that was ended is deleted:
-- nothing can restore it. The columns that a check updates (last_seen_ms,
-- idle_expires_ms) are in no index, so that the row is updated in place.
-- sweep_ms is the time when the sweep checks the session; it moves sweep_ms
-- forward if it finds that the session is alive.
CREATE TABLE fcgiauth.sessions (
	id bytea PRIMARY KEY CHECK (octet_length(id) = 16),
	-- SHA-256 of the token
	token bytea NOT NULL UNIQUE CHECK (octet_length(token) = 32),
	name text COLLATE "C" NOT NULL,
	roles text NOT NULL,
	email text NOT NULL,
	full_name text NOT NULL,
	created_ms bigint NOT NULL,
	last_seen_ms bigint NOT NULL,
	idle_expires_ms bigint NOT NULL,
	expires_ms bigint NOT NULL,
	sweep_ms bigint NOT NULL,
	remember boolean NOT NULL,
	-- Texts from the client: bytes, not always UTF-8.
	address bytea NOT NULL,
	user_agent bytea NOT NULL,
	generation bigint NOT NULL,
	-- The previous token: within the grace period a client that lost a
	-- race, or the response, gets the same successor again. wrapped is
	-- that successor, encrypted with the parent. NULL: never rotated.
	parent bytea CHECK (octet_length(parent) = 32),
	wrapped bytea CHECK (octet_length(wrapped) = 32),
	rotated_ms bigint NOT NULL DEFAULT 0,
	grace_uses bigint NOT NULL DEFAULT 0 -- not used any more
) WITH (fillfactor = 70);

CREATE INDEX sessions_newest ON fcgiauth.sessions (created_ms, id);
CREATE INDEX sessions_of_user ON fcgiauth.sessions (name, created_ms, id);
CREATE INDEX sessions_sweep ON fcgiauth.sessions (sweep_ms);

-- If the number of sessions is limited, a transaction that adds a session locks
-- the row of the user. After ends_ms the row has expired.
CREATE TABLE fcgiauth.limits (
	name text COLLATE "C" PRIMARY KEY,
	ends_ms bigint NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX limits_ends ON fcgiauth.limits (ends_ms);

-- Attempts of one key. ends_ms is the end of the window or, if banned, of the
-- ban; after that time the row has expired.
CREATE TABLE fcgiauth.attempts (
	key text COLLATE "C" PRIMARY KEY,
	count bigint NOT NULL,
	banned boolean NOT NULL,
	ends_ms bigint NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX attempts_ends ON fcgiauth.attempts (ends_ms);

-- Denies the stateless tokens of a key that were issued at or before issued_ms,
-- until until_ms; after that time the row has expired.
CREATE TABLE fcgiauth.denials (
	key text COLLATE "C" PRIMARY KEY,
	issued_ms bigint NOT NULL,
	until_ms bigint NOT NULL
);

CREATE INDEX denials_ends ON fcgiauth.denials (until_ms);

CREATE TABLE fcgiauth.secrets (
	name text COLLATE "C" PRIMARY KEY,
	value bytea NOT NULL CHECK (octet_length(value) = 32)
);
