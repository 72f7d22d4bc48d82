-- SPDX-License-Identifier: MIT
-- KEYS: the indices of a user, of all sessions, of ends.  ARGV: the user, where
-- to begin, how many to look at, `front`, and perhaps an id that stays.  Ends
-- them, newest first; answers how many were there, and where to go on, empty at
-- the end.  Of a damaged one nobody knows that it is another's.
-- Needs no memory, and works on a server that has none left.
local user, from, most, front, except = unpack(ARGV)
local list, records = page(KEYS[1], from, most, front)
local n = 0
for i, entry in ipairs(list) do
	local s, id = records[i], id_of(entry)
	if id ~= except and (not s or (user_of(s) or user) == user) then
		if s then n = n + redis.call('DEL', front .. 's:' .. id) end
		unlist(front, user, entry)
	elseif id ~= except then
		redis.pcall('ZREM', KEYS[1], entry)
	end
end
return { n, last_of(list, most) }
