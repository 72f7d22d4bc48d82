-- SPDX-License-Identifier: MIT
-- Replaces a mark in a page of the sessions of a user. KEYS: the index of the
-- user. ARGV: where to begin, the size of the page, `front`, the user, a NUL
-- and the old mark, the new mark. Returns last_of() the page. Damaged
-- sessions are skipped.
local from, most, front, user, old, new = unpack(ARGV)
local list, records = page(KEYS[1], from, most, front)
for i, entry in ipairs(list) do
	local s = records[i]
	if s and #s <= LONGEST and user_of(s) == user
		and sub(s, -#old) == old then
		call('SETRANGE', front .. 's:' .. id_of(entry), #s - #new,
			new)
	end
end
return last_of(list, most)
