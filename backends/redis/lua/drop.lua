-- SPDX-License-Identifier: MIT
-- Deletes members of the index of ends that are still due. KEYS: the index.
-- ARGV: now, the members. Returns how many were deleted.
local n = 0
for i = 2, #ARGV do
	local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
	if score and tonumber(score) <= tonumber(ARGV[1]) then
		n = n + redis.call('ZREM', KEYS[1], ARGV[i])
	end
end
return n
