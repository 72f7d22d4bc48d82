-- SPDX-License-Identifier: MIT
-- Lists the sessions of a shard, newest first. KEYS: `pages`. ARGV: where to
-- begin in `pages` and in a page, the maximum, `front`. Returns the 16 bytes of
-- each id.
local below, first, most, front = unpack(ARGV)
local out = {}
most = tonumber(most)

-- Adds the ids of a page. Other members do not end it.
local function add(key)
	while #out < most do
		local want = most - #out
		local list = redis.call('ZREVRANGEBYLEX', key, first, '-',
			'LIMIT', 0, want)
		for _, one in ipairs(list) do
			if #one == 16 then table.insert(out, one) end
		end
		if #list < want then return end
		first = '(' .. list[want]
	end
end

while #out < most do
	local name = redis.call('ZREVRANGEBYLEX', KEYS[1], below, '-',
		'LIMIT', 0, 1)[1]
	if not name then break end
	add(front .. 'p:' .. name)
	below, first = '(' .. name, '+'
end
return out
