-- SPDX-License-Identifier: MIT
-- KEYS: any record.  ARGV: now, and where in it the times are at the first of
-- which it is over.  A record that lives on answers that time, in a table;
-- one that is over, or damaged, is deleted and answered.
local s, now = redis.pcall('GETRANGE', KEYS[1], 0, 4095), ARGV[1]
if s == '' and redis.call('EXISTS', KEYS[1]) == 0 then return false end
local ends
for i = 2, #ARGV do
	local t = type(s) == 'string'
		and string.sub(s, ARGV[i], ARGV[i] + 18) or ''
	if #t < 19 or not string.find(t, '^%d+$')
		or t > '9223372036854775807' then t = now end
	if not ends or t < ends then ends = t end
end
if ends > now then return { ends } end
redis.call('DEL', KEYS[1])
return type(s) == 'string' and s or ''
