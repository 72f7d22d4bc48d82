-- SPDX-License-Identifier: MIT
-- The indices of a shard besides that of a user; follows common.lua.

-- Return an index of ends: number i, and that of a user. They are small, so
-- that Redis keeps each of them in one piece of memory.
local PARTS = 64
local function part(front, i)
	return string.format('%se:%02x', front, i)
end
local function part_of(front, user)
	return part(front, tonumber(sub(redis.sha1hex(user), 1, 2), 16) % PARTS)
end

-- Returns the 16 bytes of an id.
local function bytes_of(id)
	return (string.gsub(id, '%x%x', function(digits)
		return string.char(tonumber(digits, 16))
	end))
end

-- All sessions of a shard, in the order of their ids, are in pages, which are
-- as small. The name of a page is the id from which on it has the ids, up to
-- the next page. `pages` has the names. Returns the name of the page of an id,
-- or nil; whether it is the last page; and an error.
local PAGE, FIRST = 100, string.rep('0', 32)
local function page_of(front, id)
	local r = try('ZREVRANGEBYLEX', front .. 'pages', '+', '-', 'LIMIT', 0, 1)
	if not r[1] or r[1] <= id then return r[1], true, r.err and r end
	r = try('ZREVRANGEBYLEX', front .. 'pages', '[' .. id, '-', 'LIMIT', 0, 1)
	return r[1], false, r.err and r
end

-- Returns the page for a new session, and whether it must be begun: the first
-- one, or if the last one is full. Raises an error if the session cannot be
-- added.
local function page_for(front, id, bytes)
	local name, is_last, failed = page_of(front, id)
	if failed then -- raises the error
		call('ZREVRANGEBYLEX', front .. 'pages', '+', '-', 'LIMIT', 0, 1)
	end
	local key = front .. 'p:' .. (name or FIRST)
	local full = call('ZCARD', key) >= PAGE
	if not name then return FIRST, true end
	if full and is_last and not call('ZREVRANGEBYLEX', key, '+',
		'[' .. bytes, 'LIMIT', 0, 1)[1] then
		return id, true
	end
	return name, false
end

local function add_to_page(front, bytes, name, begins)
	if begins then call('ZADD', front .. 'pages', 0, name) end
	call('ZADD', front .. 'p:' .. name, 0, bytes)
end

-- Returns how many were deleted, or an error.
local function delete_from_page(front, id)
	local name, _, failed = page_of(front, id)
	if not name then return failed or 0 end
	local n = try('ZREM', front .. 'p:' .. name, bytes_of(id))
	if try('EXISTS', front .. 'p:' .. name) == 0 then
		try('ZREM', front .. 'pages', name)
	end
	return n
end

-- Corrects the member of the index of ends of a session whose end was written
-- by a clock that was ahead. Does nothing if the slot is being moved.
local function ends_earlier(front, id, s, ends)
	local user = user_of(s)
	if user then
		try('ZADD', part_of(front, user), 'XX', ends, bytes_of(id) .. user)
		try('ZADD', front .. 'ends', 'XX', ends,
			sub(s, 3, 21) .. id .. ':' .. user)
	end
end

-- Deletes the entry of a session from the index of its user and from that of
-- all. Returns whether neither has it any more.
local function unlist_entry(front, index, entry)
	try('ZREM', front .. 'seen', id_of(entry))
	local own = try('ZREM', index, entry)
	local n = delete_from_page(front, id_of(entry))
	if n == 0 then n = try('ZREM', front .. 'sessions', entry) end
	return type(own) == 'number' and type(n) == 'number'
end

-- Deletes the entries of a session that has been deleted. Readers skip an
-- entry without a record, so an entry that cannot be deleted does no harm. If
-- one stays, the member of the index of ends stays too, and the sweep deletes
-- both. A session that an earlier version has created is in `sessions` and
-- `ends`.
local function unlist(front, user, entry)
	if unlist_entry(front, front .. 'u:' .. user, entry)
		and try('ZREM', part_of(front, user),
			bytes_of(id_of(entry)) .. user) ~= 1 then
		try('ZREM', front .. 'ends', entry .. ':' .. user)
	end
end

-- Ends the session whose record is `s`. If the slot is being moved and the
-- indices are on the other server, the sweep deletes the entries.
local function end_session(front, id, s)
	local user = user_of(s)
	call('DEL', front .. 's:' .. id)
	if user and pcall(together, { front .. 'u:' .. user,
		front .. 'pages', part_of(front, user) }) then
		unlist(front, user, sub(s, 3, 21) .. id)
	end
end
