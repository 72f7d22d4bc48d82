-- SPDX-License-Identifier: MIT
-- Replaces the identity in a page of the sessions of a user. KEYS: the index
-- of the user. ARGV: where to begin, the size of the page, `front`, the user,
-- the new identity as four texts, each with a NUL behind it. Returns
-- last_of() the page. Damaged sessions are skipped.
local from, most, front, user, who = unpack(ARGV)
local list, records = page(KEYS[1], from, most, front)
for i, entry in ipairs(list) do
	local s = records[i]
	local rest = s and #s <= LONGEST and user_of(s) == user and string.match(s,
		'^[^%z]*%z[^%z]*%z[^%z]*%z[^%z]*%z(.*)$', 215)
	if rest then
		call('SET', front .. 's:' .. id_of(entry),
			sub(s, 1, 214) .. who .. rest, 'KEEPTTL')
	end
end
return last_of(list, most)
