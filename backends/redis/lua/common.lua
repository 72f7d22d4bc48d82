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
local sub, find = string.sub, string.find
local call, try = redis.call, redis.pcall

-- Raises an error if the slot is being moved and one of the keys is not here.
local function together(keys)
	call('EXISTS', unpack(keys))
end

-- Returns the bytes of a record up to `last`, '' if the key has another type,
-- and false if there is no key. Raises an error if the server refuses to read
-- it, because the record may be good.
local function read(key, last)
	local s = try('GETRANGE', key, 0, last)
	if type(s) ~= 'string' then
		if find(s.err, 'WRONGTYPE', 1, true) then return '' end
		s = call('GETRANGE', key, 0, last) -- raises the error
	end
	if s == '' and call('EXISTS', key) == 0 then return false end
	return s
end

-- Returns the earlier of the two ends of a session, or nil if it is damaged.
local function ends_of(s)
	local a, b = sub(s, 22, 40), sub(s, 60, 78)
	if b < a then a, b = b, a end
	if #a == 19 and not find(a .. b, '%D')
		and b <= '9223372036854775807' then return a end
end

-- Returns the user of a session, or nil if it is damaged.
local function user_of(s)
	return string.match(s, '^([^%z]+)%z', 215)
end

local function id_of(entry)
	return sub(entry, 20)
end

-- Returns last_seen_ms and idle_expires_ms, as in a record, of a session that
-- was seen at `at` after its record was written: its idle time begins again,
-- and its end stays.
local function times_at(s, at)
	local ends, idle = sub(s, 22, 40), sub(s, 60, 78)
	if idle < ends then
		local till = string.format('%019.0f',
			at - sub(s, 41, 59) + idle)
		idle = till < ends and till or ends
	end
	return at .. idle
end

-- Returns a record, or its first 78 bytes or more, with the times that follow
-- from `seen`; and whether `seen` could not be read.
local function current(front, id, s)
	if not s or #s < 78 or find(sub(s, 22, 78), '%D') then
		return s
	end
	local t = try('ZSCORE', front .. 'seen', id)
	if type(t) == 'table' then
		return s, not find(t.err, 'WRONGTYPE', 1, true)
	end
	local at = t and string.format('%019.0f', t)
	if at and at > sub(s, 41, 59) and at <= '0009007199254740992' then
		s = sub(s, 1, 40) .. times_at(s, at) .. sub(s, 79)
	end
	return s
end

-- Returns the bytes of the current record of a session up to `last`, '' or
-- false as read() does. Raises an error if `seen` is on another server.
local function session(front, id, last)
	local key = front .. 's:' .. id
	local s, unsure = current(front, id, read(key, last))
	if unsure then together({ key, front .. 'seen' }) end
	return s
end

-- Returns at most `most` entries of an index below `from`, newest first, and
-- their records.
local function page(index, from, most, front)
	local list = call('ZREVRANGEBYLEX', index, from, '-',
		'LIMIT', 0, most)
	local keys, records = { index }, {}
	for i, entry in ipairs(list) do
		keys[i + 1] = front .. 's:' .. id_of(entry)
	end
	together(keys)
	for i, entry in ipairs(list) do
		records[i] = session(front, id_of(entry), LONGEST)
	end
	return list, records
end

-- Returns the entry below which the next page begins, or '' after the last
-- page.
local function last_of(list, most)
	return #list == tonumber(most) and list[#list] or ''
end
