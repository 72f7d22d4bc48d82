-- SPDX-License-Identifier: MIT
-- Undoes one attempt. KEYS: the attempts of a key. ARGV: the end of the
-- window in which the attempt was counted. Returns 1, or 0 if that window is
-- over or has become a ban.
local s = redis.call('GET', KEYS[1])
if not s then return 0 end
local stored, n = string.match(s, '^(%d+) 0 (%d+)$')
if stored ~= ARGV[1] or tonumber(n) < 1 then return 0 end
redis.call('SET', KEYS[1], string.format('%s 0 %d', stored, tonumber(n) - 1),
	'KEEPTTL')
return 1
