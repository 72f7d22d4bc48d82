-- SPDX-License-Identifier: MIT
-- Stores a network of a user. KEYS: the networks of the user. ARGV: the
-- network, its end, how many others stay, the expiry in ms. A damaged record
-- is replaced.
local new, s, others = ARGV[1], redis.call('GET', KEYS[1]) or '', {}
if #s % 51 ~= 0 or not string.find(s, '^[%da-f]*$') then s = '' end
for i = 1, #s, 51 do
	local entry = string.sub(s, i, i + 50)
	if string.sub(entry, 20) ~= new then table.insert(others, entry) end
end
table.sort(others, function(a, b) return a > b end)
s = ARGV[2] .. new
for i = 1, math.min(#others, tonumber(ARGV[3])) do s = s .. others[i] end
redis.call('SET', KEYS[1], s, 'PX', ARGV[4])
return 1
