-- SPDX-License-Identifier: MIT
-- The changes that processes tell each other (backends/sqlite/feed.c). They are
-- written by triggers, so that what another program or an older version of the
-- service changes is told as well.

-- `kind` 1: the session with the id `what` has ended or changed. 2: tokens of
-- the key `what` were denied. A reader takes any other kind for a change of
-- everything. Rows are read in the order of `seq`, and the oldest are removed.
-- `tag` tells two rows with the same number apart, when rows were removed by
-- hand or the file was restored.
CREATE TABLE main.changes (
	-- Above this limit SQLite would no longer count upwards.
	seq INTEGER NOT NULL PRIMARY KEY CHECK (seq < 4611686018427387904),
	kind INTEGER NOT NULL,
	what,
	tag BLOB NOT NULL DEFAULT (randomblob(8))
);

-- The table is never empty, so that a reader always has a last row.
INSERT INTO main.changes (kind) VALUES (0);

CREATE TRIGGER main.sessions_deleted AFTER DELETE ON sessions
BEGIN
	INSERT INTO changes (kind, what) VALUES (1, OLD.id);
END;

-- REPLACE deletes a row without the trigger above.
CREATE TRIGGER main.sessions_replaced BEFORE INSERT ON sessions
WHEN EXISTS (SELECT 1 FROM sessions WHERE id = NEW.id)
BEGIN
	INSERT INTO changes (kind, what) VALUES (1, NEW.id);
END;

-- Everything but a touch, which only moves times forward, and a rotation, which
-- keeps the old token as the parent: what was verified before stays valid, as
-- an access token names the session and not its refresh token.
CREATE TRIGGER main.sessions_changed AFTER UPDATE ON sessions
WHEN OLD.id IS NOT NEW.id
	OR OLD.name IS NOT NEW.name
	OR OLD.roles IS NOT NEW.roles
	OR OLD.email IS NOT NEW.email
	OR OLD.full_name IS NOT NEW.full_name
	OR OLD.mark IS NOT NEW.mark
	OR OLD.created_ms IS NOT NEW.created_ms
	OR OLD.expires_ms IS NOT NEW.expires_ms
	OR OLD.remember IS NOT NEW.remember
	OR (OLD.token IS NOT NEW.token AND OLD.token IS NOT NEW.parent)
	OR OLD.idle_expires_ms > NEW.idle_expires_ms
	OR typeof(NEW.idle_expires_ms) <> 'integer'
BEGIN
	INSERT INTO changes (kind, what) VALUES (1, OLD.id);
	INSERT INTO changes (kind, what)
		SELECT 1, NEW.id WHERE OLD.id IS NOT NEW.id;
END;

CREATE TRIGGER main.denials_added AFTER INSERT ON denials
BEGIN
	INSERT INTO changes (kind, what) VALUES (2, NEW.key);
END;

CREATE TRIGGER main.denials_changed AFTER UPDATE ON denials
BEGIN
	INSERT INTO changes (kind, what) VALUES (2, NEW.key);
END;
