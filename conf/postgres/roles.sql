-- SPDX-License-Identifier: MIT
-- fcgiauth in PostgreSQL: this creates a database and two roles. Run it once,
-- as a role that may create roles and databases:
--
--	psql -f roles.sql postgres
--
-- fcgiauth_owner creates and changes the tables. Only `fcgiauthctl store
-- migrate` needs this role, with a configuration of its own:
--
--	[store]
--	driver = postgres
--	conninfo = host=db.example.com dbname=fcgiauth user=fcgiauth_owner
--
-- fcgiauth is the role of the daemon, and of all other commands of
-- fcgiauthctl. It reads and writes rows, and cannot create, change or drop
-- tables.
--
-- The roles have no passwords yet. Set them with \password in psql, or
-- configure another method in pg_hba.conf (peer, certificates). If you are
-- not a superuser, add `GRANT fcgiauth_owner TO current_user` after the
-- creation of that role.

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

-- The daemon may use tables of later migrations without another GRANT.
ALTER DEFAULT PRIVILEGES FOR ROLE fcgiauth_owner IN SCHEMA fcgiauth
	GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO fcgiauth;

-- With these limits the server cancels a statement before the daemon stops
-- waiting for it, also behind a pooler that does not pass on options.
ALTER ROLE fcgiauth SET statement_timeout = '1750ms';
ALTER ROLE fcgiauth SET lock_timeout = '1750ms';
ALTER ROLE fcgiauth SET idle_in_transaction_session_timeout = '10s';
