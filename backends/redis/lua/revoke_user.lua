-- SPDX-License-Identifier: MIT
-- Ends a page of the sessions of a user, newest first. KEYS: the indices of
-- the user, of all sessions and of ends. ARGV: the user, where to begin, the
-- size of the page, `front`, the id of a session that stays, or ''. Returns
-- how many records existed, and last_of() the page. Ends a damaged session
-- too, because it may be one of this user. Needs no memory.
local user, from, most, front, except = unpack(ARGV)
local list, records = page(KEYS[1], from, most, front)
local n = 0
for i, entry in ipairs(list) do
	local s, id = records[i], id_of(entry)
	if id ~= except and (not s or (user_of(s) or user) == user) then
		if s then n = n + call('DEL', front .. 's:' .. id) end
		unlist(front, user, entry)
	elseif id ~= except then
		try('ZREM', KEYS[1], entry)
	end
end
return { n, last_of(list, most) }
