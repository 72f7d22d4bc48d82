-- SPDX-License-Identifier: MIT
-- When the user of a session last proved who they are. NULL: at created_ms, as
-- in sessions that are older than the column.
ALTER TABLE fcgiauth.sessions ADD COLUMN auth_ms bigint;
