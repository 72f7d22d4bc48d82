-- SPDX-License-Identifier: MIT
-- KEYS: t:TOKEN.  ARGV: all that is in front of the id in a session's key.
-- Outside a cluster only: it reads a key that is not among KEYS.
local id = redis.call('GET', KEYS[1])
if not id then return false end
return { id, redis.call('GET', ARGV[1] .. id .. '}') }
