-- SPDX-License-Identifier: MIT
-- Sessions, regulation, denied tokens and shared secrets.  Times are
-- milliseconds since the epoch.  Names compare as bytes.

-- One login of one user on one client.  A session that was ended is deleted:
-- nothing can bring it back.  What a check moves (last_seen_ms,
-- idle_expires_ms) is in no index, so that its row is changed in place; hence
-- sweep_ms, when the sweeper shall look at the session, which moves it on when
-- it finds that the session lives.
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
	-- What the client sent: bytes, not always UTF-8.
	address bytea NOT NULL,
	user_agent bytea NOT NULL,
	generation bigint NOT NULL,
	-- The token before this one, to answer the same successor to whoever
	-- lost the race or the answer; wrapped is that successor, readable only
	-- with the parent.  NULL: never rotated.
	parent bytea CHECK (octet_length(parent) = 32),
	wrapped bytea CHECK (octet_length(wrapped) = 32),
	rotated_ms bigint NOT NULL DEFAULT 0,
	grace_uses bigint NOT NULL DEFAULT 0 -- not used any more
) WITH (fillfactor = 70);

CREATE INDEX sessions_newest ON fcgiauth.sessions (created_ms, id);
CREATE INDEX sessions_of_user ON fcgiauth.sessions (name, created_ms, id);
CREATE INDEX sessions_sweep ON fcgiauth.sessions (sweep_ms);

-- Who adds a session while their number is limited holds the row of the user.
-- After ends_ms it means nothing any more.
CREATE TABLE fcgiauth.limits (
	name text COLLATE "C" PRIMARY KEY,
	ends_ms bigint NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX limits_ends ON fcgiauth.limits (ends_ms);

-- Attempts of one key.  ends_ms is the end of the window, or, once banned, of
-- the ban; after it the row means nothing any more.
CREATE TABLE fcgiauth.attempts (
	key text COLLATE "C" PRIMARY KEY,
	count bigint NOT NULL,
	banned boolean NOT NULL,
	ends_ms bigint NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX attempts_ends ON fcgiauth.attempts (ends_ms);

-- Stateless tokens of a key, issued at or before issued_ms, until until_ms;
-- after it the row means nothing any more.
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
