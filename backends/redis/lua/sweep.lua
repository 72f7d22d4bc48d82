-- SPDX-License-Identifier: MIT
-- Sweeps a page of the sessions of a shard that are due. KEYS: `ends` and
-- `sessions`. ARGV: now, the size of the page, `front`.
-- Deletes the sessions that are over or damaged. The others get a later time
-- in the index of ends, and get back the entries that they have lost. Returns
-- how many were deleted, and the size of the page. An index of another type is
-- left as it is.
local now, most, front = unpack(ARGV)
local keys, due, n = { KEYS[1], KEYS[2] }, {}, 0

-- `parse` returns the entry and the user of a member.
local function take(index, parse)
	for _, member in ipairs(call('ZRANGEBYSCORE', index, '-inf', now,
		'LIMIT', 0, most - #due)) do
		local entry, user = parse(member)
		local d = { index = index, member = member, entry = entry,
			id = id_of(entry), user = front .. 'u:' .. user }
		table.insert(due, d)
		table.insert(keys, front .. 's:' .. d.id)
		table.insert(keys, d.user)
	end
end

take(KEYS[1], function(member)
	return sub(member, 1, 51), sub(member, 53)
end)
for i = 0, PARTS - 1 do
	take(part(front, i), function(member)
		local time, id = 0, ''
		for k = 1, 16 do
			local byte = string.byte(member, k) or 0
			if k <= 6 then time = 256 * time + byte end
			id = id .. string.format('%02x', byte)
		end
		return string.format('%019.0f', time) .. id, sub(member, 17)
	end)
end
together(keys)
for _, d in ipairs(due) do
	local s = session(front, d.id, 77)
	d.ends = s and ends_of(s) or now
end
-- Deletions come first, because they free memory.
for _, d in ipairs(due) do
	if d.ends <= now then
		call('DEL', front .. 's:' .. d.id)
		unlist_entry(front, d.user, d.entry)
		n = n + call('ZREM', d.index, d.member)
	end
end
-- A server without memory refuses only a first write, and never a deletion.
for _, d in ipairs(due) do
	if d.ends > now then
		call('ZREM', d.index, d.member)
		call('ZADD', d.index, d.ends, d.member)
		try('ZADD', d.user, 0, d.entry)
		if d.index == KEYS[1] then
			try('ZADD', KEYS[2], 0, d.entry)
		else
			pcall(function()
				local bytes = sub(d.member, 1, 16)
				add_to_page(front, bytes,
					page_for(front, d.id, bytes))
			end)
		end
	end
end
return { n, #due }
