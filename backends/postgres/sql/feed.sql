-- SPDX-License-Identifier: MIT
-- The change feed: triggers send notifications on the channel `fcgiauth`, which
-- exists in each database by itself. A notification is a letter, and
--
--	s  the ids of sessions, each as 32 hexadecimal digits
--	u  the name of a user
--	d  the key of a denial
--	a  nothing: everything may have changed
--	p  any text: nothing has changed
--
-- A notification makes commits wait for each other. Therefore creations,
-- touches and rotations send none. The triggers also fire for a session with
-- session_replication_role = replica.
--
-- The script may run again: it brings any state of the triggers to this one.

-- On a server that has no notifications this fails before there are triggers.
SELECT pg_catalog.pg_notify('fcgiauth', 'p');

-- A notification has less than 8000 bytes: 240 ids.
CREATE OR REPLACE FUNCTION fcgiauth.feed_deleted() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
	n bigint := (SELECT count(*) FROM gone);
BEGIN
	IF n > 10000 THEN
		PERFORM pg_catalog.pg_notify('fcgiauth', 'a');
	ELSIF n > 0 THEN
		PERFORM pg_catalog.pg_notify('fcgiauth',
			's' || pg_catalog.string_agg(hex, ''))
		FROM (SELECT pg_catalog.encode(id, 'hex') AS hex,
			(pg_catalog.row_number() OVER () - 1) / 240 AS part
			FROM gone) AS g
		GROUP BY part;
	END IF;
	RETURN NULL;
END $$;

-- A subscription of logical replication executes no trigger of a statement,
-- except for TRUNCATE.
CREATE OR REPLACE FUNCTION fcgiauth.feed_replicated() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_catalog.pg_notify('fcgiauth',
		's' || pg_catalog.encode(OLD.id, 'hex'));
	RETURN NULL;
END $$;

-- Equal notifications of one transaction are sent once: one for each user.
CREATE OR REPLACE FUNCTION fcgiauth.feed_updated() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	IF pg_catalog.octet_length(OLD.name) < 7000 THEN
		PERFORM pg_catalog.pg_notify('fcgiauth', 'u' || OLD.name);
	ELSE
		PERFORM pg_catalog.pg_notify('fcgiauth', 'a');
	END IF;
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION fcgiauth.feed_truncated() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_catalog.pg_notify('fcgiauth', 'a');
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION fcgiauth.feed_denied() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	IF pg_catalog.octet_length(NEW.key) < 7000 THEN
		PERFORM pg_catalog.pg_notify('fcgiauth', 'd' || NEW.key);
	ELSE
		PERFORM pg_catalog.pg_notify('fcgiauth', 'a');
	END IF;
	RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS feed_deleted ON fcgiauth.sessions;
DROP TRIGGER IF EXISTS feed_replicated ON fcgiauth.sessions;
DROP TRIGGER IF EXISTS feed_updated ON fcgiauth.sessions;
DROP TRIGGER IF EXISTS feed_truncated ON fcgiauth.sessions;
DROP TRIGGER IF EXISTS feed_denied ON fcgiauth.denials;

CREATE TRIGGER feed_deleted AFTER DELETE ON fcgiauth.sessions
	REFERENCING OLD TABLE AS gone
	FOR EACH STATEMENT EXECUTE FUNCTION fcgiauth.feed_deleted();

CREATE TRIGGER feed_replicated AFTER DELETE ON fcgiauth.sessions
	FOR EACH ROW WHEN (pg_catalog.current_setting(
		'session_replication_role') = 'replica')
	EXECUTE FUNCTION fcgiauth.feed_replicated();

-- A touch moves idle_expires_ms forward. A rotation replaces the token and
-- counts the generation.
CREATE TRIGGER feed_updated AFTER UPDATE ON fcgiauth.sessions
	FOR EACH ROW WHEN (OLD.id <> NEW.id OR OLD.name <> NEW.name
		OR OLD.roles <> NEW.roles OR OLD.email <> NEW.email
		OR OLD.full_name <> NEW.full_name
		OR OLD.mark IS DISTINCT FROM NEW.mark
		OR OLD.created_ms <> NEW.created_ms
		OR OLD.auth_ms IS DISTINCT FROM NEW.auth_ms
		OR OLD.expires_ms > NEW.expires_ms
		OR (OLD.generation = NEW.generation
			AND (OLD.token <> NEW.token
				OR OLD.idle_expires_ms > NEW.idle_expires_ms)))
	EXECUTE FUNCTION fcgiauth.feed_updated();

CREATE TRIGGER feed_truncated AFTER TRUNCATE ON fcgiauth.sessions
	FOR EACH STATEMENT EXECUTE FUNCTION fcgiauth.feed_truncated();

CREATE TRIGGER feed_denied AFTER INSERT OR UPDATE ON fcgiauth.denials
	FOR EACH ROW EXECUTE FUNCTION fcgiauth.feed_denied();

ALTER TABLE fcgiauth.sessions
	ENABLE ALWAYS TRIGGER feed_deleted,
	ENABLE ALWAYS TRIGGER feed_replicated,
	ENABLE ALWAYS TRIGGER feed_updated,
	ENABLE ALWAYS TRIGGER feed_truncated;
ALTER TABLE fcgiauth.denials ENABLE ALWAYS TRIGGER feed_denied;
