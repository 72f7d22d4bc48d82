-- SPDX-License-Identifier: MIT
-- Lists a page of the sessions of a user, newest first. KEYS: the index of
-- the user. ARGV: where to begin, the size of the page, `front`. Returns
-- each entry and its record, which is false if there is none.
local list, records = page(KEYS[1], unpack(ARGV))
local out = {}
for i, entry in ipairs(list) do
	table.insert(out, entry)
	table.insert(out, records[i])
end
return out
