-- SPDX-License-Identifier: MIT
-- Returns how many members of the indices of ends of a shard are due. KEYS:
-- `pages`, on whose server they are. ARGV: now, `front`. The indices of ends
-- are `ends` and those of part() in indices.lua.
local n = redis.call('ZCOUNT', ARGV[2] .. 'ends', '-inf', ARGV[1])
for i = 0, 63 do
	n = n + redis.call('ZCOUNT', string.format('%se:%02x', ARGV[2], i),
		'-inf', ARGV[1])
end
return n
