-- SPDX-License-Identifier: MIT
-- KEYS: the index of a user.  ARGV: where to begin, how many to look at,
-- `front`, the user, and the identity that the sessions get: texts with a NUL
-- behind each.  Answers where to go on, empty at the end.  What is damaged is
-- passed over.
local from, most, front, user, who = unpack(ARGV)
local list, records = page(KEYS[1], from, most, front)
for i, entry in ipairs(list) do
	local s = records[i]
	local rest = s and #s <= LONGEST and user_of(s) == user and string.match(s,
		'^[^%z]*%z[^%z]*%z[^%z]*%z[^%z]*%z(.*)$', 215)
	if rest then
		redis.call('SET', front .. 's:' .. id_of(entry),
			string.sub(s, 1, 214) .. who .. rest, 'KEEPTTL')
	end
end
return last_of(list, most)
