-- SPDX-License-Identifier: MIT
-- A session token names the id of its session, so no statement looks a session
-- up by the hash of its token. Without this index a rotation, which replaces
-- that hash, changes no index.
ALTER TABLE fcgiauth.sessions DROP CONSTRAINT sessions_token_key;

-- This column has not been used since the second version.
ALTER TABLE fcgiauth.sessions DROP COLUMN grace_uses;
