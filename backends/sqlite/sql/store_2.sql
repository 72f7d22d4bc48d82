-- SPDX-License-Identifier: MIT
-- Refresh rotation and denied tokens.

-- `parent` is the token before this one, to answer the same successor to
-- whoever lost the race or the answer; `wrapped` is that successor, readable
-- only with the parent.  NULL: never rotated.
ALTER TABLE main.sessions ADD COLUMN
	generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE main.sessions ADD COLUMN
	parent BLOB CHECK (length(parent) = 32);
ALTER TABLE main.sessions ADD COLUMN
	wrapped BLOB CHECK (length(wrapped) = 32);
ALTER TABLE main.sessions ADD COLUMN
	rotated_ms INTEGER NOT NULL DEFAULT 0;
-- Not used any more.
ALTER TABLE main.sessions ADD COLUMN
	grace_uses INTEGER NOT NULL DEFAULT 0;

-- Stateless tokens of a key, issued at or before `issued_ms`, until
-- `until_ms`; after it the row means nothing any more.
CREATE TABLE main.denials (
	key TEXT NOT NULL PRIMARY KEY,
	issued_ms INTEGER NOT NULL,
	until_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX main.denials_ends ON denials (until_ms);
