-- SPDX-License-Identifier: MIT
-- Reads a session.  KEYS: the session.  Returns its first 4096 bytes, which
-- are more than any session has, '' if the key has another type, and false if
-- there is none.
local s = redis.pcall('GETRANGE', KEYS[1], 0, 4095)
if s == '' and redis.call('EXISTS', KEYS[1]) == 0 then return false end
return type(s) == 'string' and s or ''
