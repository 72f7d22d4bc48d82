-- SPDX-License-Identifier: MIT
-- Sweeps a page of the sessions of a shard that are due. KEYS: the indices of
-- ends and of all sessions. ARGV: now, the size of the page, `front`.
-- Deletes the sessions that are over or damaged. The others get a later time
-- in `ends`, and get back the entries that they have lost. Returns how many
-- were deleted, and the size of the page. An index of another type is left as
-- it is.
local now, most, front = unpack(ARGV)
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now,
	'LIMIT', 0, most)
local keys, ends, n = { KEYS[1], KEYS[2] }, {}, 0
for _, member in ipairs(due) do
	table.insert(keys, front .. 's:' .. string.sub(member, 20, 51))
	table.insert(keys, front .. 'u:' .. string.sub(member, 53))
end
together(keys)
for i = 1, #due do
	local s = read(keys[2 * i + 1], 77)
	ends[i] = s and ends_of(s) or now
end
-- Deletions come first, because they free memory.
for i, member in ipairs(due) do
	if ends[i] <= now then
		local entry = string.sub(member, 1, 51)
		redis.call('DEL', keys[2 * i + 1])
		redis.pcall('ZREM', keys[2 * i + 2], entry)
		redis.pcall('ZREM', KEYS[2], entry)
		n = n + redis.call('ZREM', KEYS[1], member)
	end
end
-- A server without memory refuses only a first write, and never a deletion.
for i, member in ipairs(due) do
	if ends[i] > now then
		local entry = string.sub(member, 1, 51)
		redis.call('ZREM', KEYS[1], member)
		redis.call('ZADD', KEYS[1], ends[i], member)
		redis.pcall('ZADD', keys[2 * i + 2], 0, entry)
		redis.pcall('ZADD', KEYS[2], 0, entry)
	end
end
return { n, #due }
