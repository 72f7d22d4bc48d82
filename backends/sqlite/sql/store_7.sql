-- SPDX-License-Identifier: MIT
-- Fewer bytes a session. An id begins with the time of its session, so the
-- primary key has the order of a list. An index of a table without a rowid ends
-- with the primary key, so the sessions of a user have that order, too.
DROP INDEX main.sessions_newest;
DROP INDEX main.sessions_of_user;
CREATE INDEX main.sessions_of_user ON sessions (name);
