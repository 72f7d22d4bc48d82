-- SPDX-License-Identifier: MIT
-- KEYS: the indices of a user, of all sessions, of ends.  ARGV: the user, where
-- to begin, how many to look at, `front`, now, how many of the living stay.
-- Keeps so many, the newest, and ends the others; answers how many more may
-- stay, how many of the living were ended, and where to go on, empty at the
-- end.
local user, from, most, front, now, room = unpack(ARGV)
local list, records = page(KEYS[1], from, most, front)
local ended = 0
room = tonumber(room)
for i, entry in ipairs(list) do
	local s = records[i]
	local at = s and ends_of(s)
	local alive = at and at > now
	local own = not alive or user_of(s) == user
	if alive and own and room > 0 then
		room = room - 1
	elseif own then
		redis.call('DEL', front .. 's:' .. id_of(entry))
		unlist(front, user, entry)
		if alive then ended = ended + 1 end
	end
end
return { room, ended, last_of(list, most) }
