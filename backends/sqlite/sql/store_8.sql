-- SPDX-License-Identifier: MIT
-- When the user of a session last proved who they are. NULL: at created_ms, as
-- in sessions that are older than the column.
ALTER TABLE main.sessions ADD COLUMN auth_ms INTEGER;

DROP TRIGGER main.sessions_changed;

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
	OR OLD.auth_ms IS NOT NEW.auth_ms
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
