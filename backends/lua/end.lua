-- SPDX-License-Identifier: MIT
-- KEYS: a record.  ARGV: perhaps the name of a user and a NUL; a session of
-- another one stays.  Deletes it, damaged or not, and answers what it was.
-- Needs no memory, and works on a server that has none left.
local s, name = redis.pcall('GET', KEYS[1]), ARGV[1]
if not s then return false end
if type(s) ~= 'string' then s = '' end
if name and #s > 218 and string.sub(s, 215, 214 + #name) ~= name then
	return false
end
redis.call('DEL', KEYS[1])
return s
