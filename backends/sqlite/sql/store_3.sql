-- SPDX-License-Identifier: MIT
-- Which password hash a session was made with.

-- A keyed digest of the hash (src/strategy/password_mark.h).  NULL: not known, in
-- sessions of before there was the column.
ALTER TABLE main.sessions ADD COLUMN
	mark BLOB CHECK (length(mark) = 16);
