-- SPDX-License-Identifier: MIT
-- KEYS: t:TOKEN.  ARGV: all that is in front of the id in a session's key.
-- Outside a cluster only: it reads a key that is not among KEYS.
local id = redis.call('GET', KEYS[1])
if not id then return false end
local key = ARGV[1] .. id .. '}'
-- At most what is longer than any session.
local s = redis.call('GETRANGE', key, 0, 4095)
if s == '' and redis.call('EXISTS', key) == 0 then return { id, false } end
return { id, s }
