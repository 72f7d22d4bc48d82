-- SPDX-License-Identifier: MIT
-- The primary key of a session is its id. A session token names the id, so no
-- statement looks a session up by the hash of its token. A rotation, which
-- replaces that hash, now changes the row in place and no index.

CREATE TABLE main.sessions_by_id (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	-- SHA-256 of the token
	token BLOB NOT NULL CHECK (length(token) = 32),
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
	user_agent TEXT NOT NULL,
	generation INTEGER NOT NULL DEFAULT 0,
	-- The previous token: within the grace period a client that lost a
	-- race, or the response, gets the same successor again. `wrapped` is
	-- that successor, encrypted with the parent. NULL: never rotated.
	parent BLOB CHECK (length(parent) = 32),
	wrapped BLOB CHECK (length(wrapped) = 32),
	rotated_ms INTEGER NOT NULL DEFAULT 0,
	-- A keyed digest of the password hash that the session was made with
	-- (src/strategy/password_mark.h). NULL: unknown.
	mark BLOB CHECK (length(mark) = 16)
) WITHOUT ROWID;

INSERT INTO main.sessions_by_id (id, token, name, roles, email, full_name,
	created_ms, last_seen_ms, idle_expires_ms, expires_ms, remember,
	address, user_agent, generation, parent, wrapped, rotated_ms, mark)
SELECT id, token, name, roles, email, full_name,
	created_ms, last_seen_ms, idle_expires_ms, expires_ms, remember,
	address, user_agent, generation, parent, wrapped, rotated_ms, mark
FROM main.sessions;

DROP TABLE main.sessions;
ALTER TABLE main.sessions_by_id RENAME TO sessions;

CREATE INDEX main.sessions_newest ON sessions (created_ms, id);
CREATE INDEX main.sessions_of_user ON sessions (name, created_ms, id);
CREATE INDEX main.sessions_dead ON sessions (min(idle_expires_ms, expires_ms));
