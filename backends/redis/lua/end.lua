-- SPDX-License-Identifier: MIT
-- KEYS: a record.  ARGV: perhaps the name of a user and a NUL; a session of
-- another one stays.  Deletes it, damaged or not, and answers what it was.
-- Needs no memory, and works on a server that has none left.
local s, name = redis.pcall('GETRANGE', KEYS[1], 0, 4095), ARGV[1]
if s == '' and redis.call('EXISTS', KEYS[1]) == 0 then return false end
if type(s) ~= 'string' then s = '' end
if name and #s > 218 and string.sub(s, 215, 214 + #name) ~= name then
	return false
end
redis.call('DEL', KEYS[1])
return s
