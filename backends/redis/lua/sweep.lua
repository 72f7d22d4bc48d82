-- SPDX-License-Identifier: MIT
-- Sweeps a page of the sessions of a shard that are due. KEYS: the indices of
-- ends and of all sessions. ARGV: now, the size of the page, `front`.
-- Deletes the sessions that are over or damaged. The others get a later time
-- in `ends`, and get back the entries that they have lost. Returns how many
-- were deleted, and the size of the page. An index of another type is left as
-- it is.
local now, most, front = unpack(ARGV)
local due = call('ZRANGEBYSCORE', KEYS[1], '-inf', now,
	'LIMIT', 0, most)
local keys, ends, n = { KEYS[1], KEYS[2] }, {}, 0
for _, member in ipairs(due) do
	table.insert(keys, front .. 's:' .. sub(member, 20, 51))
	table.insert(keys, front .. 'u:' .. sub(member, 53))
end
together(keys)
for i = 1, #due do
	local s = session(front, sub(due[i], 20, 51), 77)
	ends[i] = s and ends_of(s) or now
end
-- Deletions come first, because they free memory.
for i, member in ipairs(due) do
	if ends[i] <= now then
		local entry = sub(member, 1, 51)
		call('DEL', keys[2 * i + 1])
		try('ZREM', front .. 'seen', id_of(entry))
		try('ZREM', keys[2 * i + 2], entry)
		try('ZREM', KEYS[2], entry)
		n = n + call('ZREM', KEYS[1], member)
	end
end
-- A server without memory refuses only a first write, and never a deletion.
for i, member in ipairs(due) do
	if ends[i] > now then
		local entry = sub(member, 1, 51)
		call('ZREM', KEYS[1], member)
		call('ZADD', KEYS[1], ends[i], member)
		try('ZADD', keys[2 * i + 2], 0, entry)
		try('ZADD', KEYS[2], 0, entry)
	end
end
return { n, #due }
