-- SPDX-License-Identifier: MIT
-- Returns how many members of the indices of ends of a shard are due. KEYS: an
-- index of all sessions, on whose server they are. ARGV: now, `front`.
local n = call('ZCOUNT', ARGV[2] .. 'ends', '-inf', ARGV[1])
for i = 0, PARTS - 1 do
	n = n + call('ZCOUNT', part(ARGV[2], i), '-inf', ARGV[1])
end
return n
