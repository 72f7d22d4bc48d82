-- SPDX-License-Identifier: MIT
-- Sessions, regulation and shared secrets. Times are milliseconds since the
-- epoch.

-- One sign-in of one user on one client. A check reads one row by its primary
-- key. A session that was ended is deleted: nothing can restore it, and a list
-- shows live sessions only.
CREATE TABLE main.sessions (
	token BLOB NOT NULL PRIMARY KEY CHECK (length(token) = 32),
	-- SHA-256 of the token
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	name TEXT NOT NULL,
	roles TEXT NOT NULL,
	email TEXT NOT NULL,
	full_name TEXT NOT NULL,
	created_ms INTEGER NOT NULL,
	last_seen_ms INTEGER NOT NULL,
	idle_expires_ms INTEGER NOT NULL,
	expires_ms INTEGER NOT NULL,
	remember INTEGER NOT NULL,
	address TEXT NOT NULL,
	user_agent TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX main.sessions_newest ON sessions (created_ms, id);
CREATE INDEX main.sessions_of_user ON sessions (name, created_ms, id);
CREATE INDEX main.sessions_dead ON sessions (min(idle_expires_ms, expires_ms));

-- Attempts of one key. `ends_ms` is the end of the window or, if `banned`, of
-- the ban; after that time the row has expired.
CREATE TABLE main.attempts (
	key TEXT NOT NULL PRIMARY KEY,
	count INTEGER NOT NULL,
	banned INTEGER NOT NULL,
	ends_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX main.attempts_ends ON attempts (ends_ms);

CREATE TABLE main.secrets (
	name TEXT NOT NULL PRIMARY KEY,
	value BLOB NOT NULL CHECK (length(value) = 32)
) WITHOUT ROWID;
