-- SPDX-License-Identifier: MIT
-- KEYS: the index of a user.  ARGV: where to begin, how many, `front`.  Answers
-- entries, each with its session behind it: a text that is none when it is
-- damaged, nothing when it is not there.
local list, records = page(KEYS[1], unpack(ARGV))
local out = {}
for i, entry in ipairs(list) do
	table.insert(out, entry)
	table.insert(out, records[i])
end
return out
