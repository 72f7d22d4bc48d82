-- SPDX-License-Identifier: MIT
-- Sessions with fewer and smaller indexes. No statement needs them to be
-- correct, and programs that know the old ones go on working.
--
-- Sessions are listed by their id, which begins with the time. The primary key
-- serves to list those of all users.
CREATE INDEX IF NOT EXISTS sessions_user ON fcgiauth.sessions (name, id);
DROP INDEX IF EXISTS fcgiauth.sessions_of_user;
DROP INDEX IF EXISTS fcgiauth.sessions_newest;

-- A tenth of a page is room enough to update sessions in place, because the
-- server removes what is outdated when it next reads the page.
ALTER TABLE fcgiauth.sessions SET (fillfactor = 90);
