-- SPDX-License-Identifier: MIT
-- KEYS: attempts or a denial.  ARGV: now.  A record that lives on answers its
-- end, in a table; one that is over, or damaged, is deleted and answered.
local s, now = redis.pcall('GETRANGE', KEYS[1], 0, 4095), ARGV[1]
if s == '' and redis.call('EXISTS', KEYS[1]) == 0 then return false end
local ends = type(s) == 'string' and string.sub(s, 1, 19) or ''
if #ends == 19 and not string.find(ends, '%D')
	and ends <= '9223372036854775807' and ends > now then return { ends } end
redis.call('DEL', KEYS[1])
return type(s) == 'string' and s or ''
