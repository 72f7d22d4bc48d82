-- SPDX-License-Identifier: MIT
-- Counts the live sessions of a shard, and their users. KEYS: `ends`. ARGV:
-- now, `front`. A session whose time in an index of ends is not over is alive;
-- those of the others are in their records.
local now, front = unpack(ARGV)
local keys, due, users, n, nusers = { KEYS[1] }, {}, {}, 0, 0

local function add(user)
	n = n + 1
	if not users[user] then nusers = nusers + 1 end
	users[user] = true
end

-- `parse` returns the id and the user of a member.
local function take(index, parse)
	for _, member in ipairs(call('ZRANGEBYSCORE', index, '(' .. now,
		'+inf')) do
		local _, user = parse(member)
		add(user)
	end
	for _, member in ipairs(call('ZRANGEBYSCORE', index, '-inf', now)) do
		local id, user = parse(member)
		table.insert(due, { id = id, user = user })
	end
end

take(KEYS[1], function(member)
	return sub(member, 20, 51), sub(member, 53)
end)
for i = 0, PARTS - 1 do
	take(part(front, i), function(member)
		return string.gsub(sub(member, 1, 16), '.', function(byte)
			return string.format('%02x', string.byte(byte))
		end), sub(member, 17)
	end)
end
for _, d in ipairs(due) do
	local s = session(front, d.id, 77)
	local at = s and ends_of(s)
	if at and at > now then add(d.user) end
end
return { n, nusers }
