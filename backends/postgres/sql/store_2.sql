-- SPDX-License-Identifier: MIT
-- Which password hash a session was made with.

-- A keyed digest of the hash (src/strategy/password_mark.h).  NULL: not known, in
-- sessions of before there was the column.
ALTER TABLE fcgiauth.sessions ADD COLUMN
	mark bytea CHECK (octet_length(mark) = 16);
