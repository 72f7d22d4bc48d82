-- SPDX-License-Identifier: MIT
-- The mark of the password hash that a session was made with.

-- A keyed digest of the hash (src/strategy/password_mark.h). NULL: unknown, in
-- sessions that are older than the column.
ALTER TABLE main.sessions ADD COLUMN
	mark BLOB CHECK (length(mark) = 16);
