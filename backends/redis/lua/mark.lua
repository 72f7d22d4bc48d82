-- SPDX-License-Identifier: MIT
-- KEYS: the index of a user.  ARGV: where to begin, how many to look at,
-- `front`, the user, the mark that a session has to have, with a NUL in front,
-- and the one that it gets.  Answers where to go on, empty at the end.  What is
-- damaged is passed over.
local from, most, front, user, old, new = unpack(ARGV)
local list, records = page(KEYS[1], from, most, front)
for i, entry in ipairs(list) do
	local s = records[i]
	if s and #s <= LONGEST and user_of(s) == user
		and string.sub(s, -#old) == old then
		redis.call('SETRANGE', front .. 's:' .. id_of(entry), #s - #new,
			new)
	end
end
return last_of(list, most)
