-- SPDX-License-Identifier: MIT
-- Ends all but the newest live sessions in a page of the sessions of a user.
-- KEYS: the indices of the user, of all sessions and of ends. ARGV: the user,
-- where to begin, the size of the page, `front`, now, how many live sessions
-- stay. Returns how many more may stay, how many live sessions were ended,
-- and last_of() the page.
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
		call('DEL', front .. 's:' .. id_of(entry))
		unlist(front, user, entry)
		if alive then ended = ended + 1 end
	end
end
return { room, ended, last_of(list, most) }
