-- SPDX-License-Identifier: MIT
-- fcgiauth in PostgreSQL: a database and two roles, made once, by somebody who
-- may create roles and databases:
--
--	psql -f roles.sql postgres
--
-- fcgiauth_owner makes and changes the tables.  Only `fcgiauthctl store
-- migrate` needs it, with a configuration of its own:
--
--	[store]
--	driver = postgres
--	conninfo = host=db.example.com dbname=fcgiauth user=fcgiauth_owner
--
-- fcgiauth is the daemon's, and fcgiauthctl's otherwise.  It reads and writes
-- rows, and can neither create, change nor drop anything.
--
-- Neither has a password yet: give them one with \password in psql, or let
-- pg_hba.conf know them otherwise (peer, certificates).  Where you are no
-- superuser, say `GRANT fcgiauth_owner TO current_user` behind its creation.

\set ON_ERROR_STOP on

CREATE ROLE fcgiauth_owner LOGIN;
CREATE ROLE fcgiauth LOGIN;

CREATE DATABASE fcgiauth OWNER fcgiauth_owner TEMPLATE template0
	ENCODING 'UTF8';
REVOKE ALL ON DATABASE fcgiauth FROM PUBLIC;
GRANT CONNECT ON DATABASE fcgiauth TO fcgiauth;

\connect fcgiauth

REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA fcgiauth AUTHORIZATION fcgiauth_owner;
GRANT USAGE ON SCHEMA fcgiauth TO fcgiauth;

-- What a migration makes later is the daemon's to use without another GRANT.
ALTER DEFAULT PRIVILEGES FOR ROLE fcgiauth_owner IN SCHEMA fcgiauth
	GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO fcgiauth;

-- Behind a pooler that lets no options through, the server gives up by these
-- before the daemon does.
ALTER ROLE fcgiauth SET statement_timeout = '1750ms';
ALTER ROLE fcgiauth SET lock_timeout = '1750ms';
ALTER ROLE fcgiauth SET idle_in_transaction_session_timeout = '10s';
