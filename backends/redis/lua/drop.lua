-- SPDX-License-Identifier: MIT
-- KEYS: the index of ends.  ARGV: now, and members to remove that are still
-- due: one that was given another time meanwhile stays.
local n = 0
for i = 2, #ARGV do
	local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
	if score and tonumber(score) <= tonumber(ARGV[1]) then
		n = n + redis.call('ZREM', KEYS[1], ARGV[i])
	end
end
return n
