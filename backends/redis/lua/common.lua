-- SPDX-License-Identifier: MIT
-- In front of the scripts on sessions.  `front` is what all keys of a shard
-- begin with; of an id the session's key is front .. 's:' .. id.
--
-- A script reads all that it needs before its first change.  While a cluster
-- moves the slot some keys are on another server and look as if they did not
-- exist: together() fails then, and nothing has happened.  What ends sessions
-- deletes them first, and then their entries, as far as it can.
local LONGEST = 4095 -- more than any session

local function together(keys)
	redis.call('EXISTS', unpack(keys))
end

-- A session, or its first bytes: '' when it is damaged, false when there is
-- none.
local function read(key, last)
	local s = redis.pcall('GETRANGE', key, 0, last)
	if type(s) ~= 'string' then
		if string.find(s.err, 'WRONGTYPE', 1, true) then return '' end
		s = redis.call('GETRANGE', key, 0, last) -- fails again
	end
	if s == '' and redis.call('EXISTS', key) == 0 then return false end
	return s
end

-- The earlier of its two ends; nil when it is damaged.
local function ends_of(s)
	local a, b = string.sub(s, 22, 40), string.sub(s, 60, 78)
	if b < a then a, b = b, a end
	if #a == 19 and not string.find(a .. b, '%D')
		and b <= '9223372036854775807' then return a end
end

-- Nil when it is damaged.
local function user_of(s)
	return string.match(s, '^([^%z]+)%z', 215)
end

local function id_of(entry)
	return string.sub(entry, 20)
end

-- A session whose end was written by a clock that was ahead: the sweep looks at
-- it when it ends now, unless its slot is being moved.
local function ends_earlier(front, id, s, ends)
	local user = user_of(s)
	if user then
		redis.pcall('ZADD', front .. 'ends', 'XX', ends,
			string.sub(s, 3, 21) .. id .. ':' .. user)
	end
end

-- The newest of an index below `from`, and the sessions that they lead to.
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

-- Where the next page begins; '' when that was the last.
local function last_of(list, most)
	return #list == tonumber(most) and list[#list] or ''
end

-- Takes a session that is gone out of all indices: readers pass over an entry
-- without a session, so what is refused ends nothing and keeps nothing alive.
-- `ends` is last: what stays in another index is left to the sweep.
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

-- Ends a session, as it was read.  While its slot is moved its indices may be
-- on the other server; then the sweep removes its entries.
local function forget(front, id, s)
	local user = user_of(s)
	redis.call('DEL', front .. 's:' .. id)
	if user and pcall(together, { front .. 'u:' .. user,
		front .. 'sessions', front .. 'ends' }) then
		unlist(front, user, string.sub(s, 3, 21) .. id)
	end
end
