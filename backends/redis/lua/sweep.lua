-- SPDX-License-Identifier: MIT
-- KEYS: the indices of ends and of all sessions of a shard.  ARGV: now, how
-- many to look at, `front`.  Sessions that are due are deleted when they are
-- over, or damaged, else due later, and in their indices.  Answers how many are
-- gone, and how many were due.  An index that cannot be changed, as one of
-- another type, keeps none of them from it.
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
-- First what gives memory back.
for i, member in ipairs(due) do
	if ends[i] <= now then
		local entry = string.sub(member, 1, 51)
		redis.call('DEL', keys[2 * i + 1])
		redis.pcall('ZREM', keys[2 * i + 2], entry)
		redis.pcall('ZREM', KEYS[2], entry)
		n = n + redis.call('ZREM', KEYS[1], member)
	end
end
-- A server without memory refuses a script's first change only, and removing
-- is never refused.
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
