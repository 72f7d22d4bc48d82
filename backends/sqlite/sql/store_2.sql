-- SPDX-License-Identifier: MIT
-- Rotation of refresh tokens, and denied tokens.

-- `parent` is the previous token: within the grace period a client that lost a
-- race, or the response, gets the same successor again. `wrapped` is that
-- successor, encrypted with the parent. NULL: never rotated.
ALTER TABLE main.sessions ADD COLUMN
	generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE main.sessions ADD COLUMN
	parent BLOB CHECK (length(parent) = 32);
ALTER TABLE main.sessions ADD COLUMN
	wrapped BLOB CHECK (length(wrapped) = 32);
ALTER TABLE main.sessions ADD COLUMN
	rotated_ms INTEGER NOT NULL DEFAULT 0;
-- No longer used.
ALTER TABLE main.sessions ADD COLUMN
	grace_uses INTEGER NOT NULL DEFAULT 0;

-- Denies the stateless tokens of a key that were issued at or before
-- `issued_ms`, until `until_ms`; after that time the row has expired.
CREATE TABLE main.denials (
	key TEXT NOT NULL PRIMARY KEY,
	issued_ms INTEGER NOT NULL,
	until_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX main.denials_ends ON denials (until_ms);
