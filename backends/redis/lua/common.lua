-- SPDX-License-Identifier: MIT
-- Precedes the scripts on sessions, and reap.lua. All keys of a shard begin
-- with `front`. The key of a session is front .. 's:' .. id.
--
-- A script reads all that it needs before its first write. While a cluster
-- moves the slot, some keys are on another server and seem not to exist.
-- together() then raises an error, and nothing has been changed. A script
-- that ends sessions deletes their records first, and then the entries that it
-- can delete.
local LONGEST = 4095 -- a session is shorter

-- Raises an error if the slot is being moved and one of the keys is not here.
local function together(keys)
	redis.call('EXISTS', unpack(keys))
end

-- Returns the bytes of a record up to `last`, '' if the key has another type,
-- and false if there is no key. Raises an error if the server refuses to read
-- it, because the record may be good.
local function read(key, last)
	local s = redis.pcall('GETRANGE', key, 0, last)
	if type(s) ~= 'string' then
		if string.find(s.err, 'WRONGTYPE', 1, true) then return '' end
		s = redis.call('GETRANGE', key, 0, last) -- raises the error
	end
	if s == '' and redis.call('EXISTS', key) == 0 then return false end
	return s
end

-- Returns the earlier of the two ends of a session, or nil if it is damaged.
local function ends_of(s)
	local a, b = string.sub(s, 22, 40), string.sub(s, 60, 78)
	if b < a then a, b = b, a end
	if #a == 19 and not string.find(a .. b, '%D')
		and b <= '9223372036854775807' then return a end
end

-- Returns the user of a session, or nil if it is damaged.
local function user_of(s)
	return string.match(s, '^([^%z]+)%z', 215)
end

local function id_of(entry)
	return string.sub(entry, 20)
end

-- Corrects the member of `ends` of a session whose end was written by a clock
-- that was ahead. Does nothing if the slot is being moved.
local function ends_earlier(front, id, s, ends)
	local user = user_of(s)
	if user then
		redis.pcall('ZADD', front .. 'ends', 'XX', ends,
			string.sub(s, 3, 21) .. id .. ':' .. user)
	end
end

-- Returns at most `most` entries of an index below `from`, newest first, and
-- their records.
local function page(index, from, most, front)
	local list = redis.call('ZREVRANGEBYLEX', index, from, '-',
		'LIMIT', 0, most)
	local keys, records = { index }, {}
	for i, entry in ipairs(list) do
		keys[i + 1] = front .. 's:' .. id_of(entry)
	end
	together(keys)
	for i = 1, #list do records[i] = read(keys[i + 1], LONGEST) end
	return list, records
end

-- Returns the entry below which the next page begins, or '' after the last
-- page.
local function last_of(list, most)
	return #list == tonumber(most) and list[#list] or ''
end

-- Deletes the entries of a session that has been deleted. Readers skip an
-- entry without a record, so an entry that cannot be deleted does no harm. If
-- one stays, the member of `ends` stays too, and the sweep deletes both.
local function unlist(front, user, entry)
	local clean = true
	for _, index in ipairs({ 'u:' .. user, 'sessions' }) do
		local n = redis.pcall('ZREM', front .. index, entry)
		clean = clean and type(n) == 'number'
	end
	if clean then
		redis.pcall('ZREM', front .. 'ends', entry .. ':' .. user)
	end
end

-- Ends the session whose record is `s`. If the slot is being moved and the
-- indices are on the other server, the sweep deletes the entries.
local function end_session(front, id, s)
	local user = user_of(s)
	redis.call('DEL', front .. 's:' .. id)
	if user and pcall(together, { front .. 'u:' .. user,
		front .. 'sessions', front .. 'ends' }) then
		unlist(front, user, string.sub(s, 3, 21) .. id)
	end
end
