-- SPDX-License-Identifier: MIT
-- Deletes a record that is over or damaged. KEYS: attempts or a denial.
-- ARGV: now. Returns the deleted record, false if there is none, and a table
-- with its end if it is not over.
local s, now = read(KEYS[1], LONGEST), ARGV[1]
if not s then return false end
local ends = sub(s, 1, 19)
if #ends == 19 and not find(ends, '%D')
	and ends <= '9223372036854775807' and ends > now then return { ends } end
call('DEL', KEYS[1])
return s
