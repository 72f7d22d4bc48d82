-- SPDX-License-Identifier: MIT
-- Deletes a record that is over or damaged.  KEYS: attempts or a denial.  ARGV:
-- now.  Returns the deleted record, false if there is none, and a table with
-- its end if it is not over.
local s, now = redis.pcall('GETRANGE', KEYS[1], 0, 4095), ARGV[1]
if s == '' and redis.call('EXISTS', KEYS[1]) == 0 then return false end
local ends = type(s) == 'string' and string.sub(s, 1, 19) or ''
if #ends == 19 and not string.find(ends, '%D')
	and ends <= '9223372036854775807' and ends > now then return { ends } end
redis.call('DEL', KEYS[1])
return type(s) == 'string' and s or ''
