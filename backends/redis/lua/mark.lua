-- SPDX-License-Identifier: MIT
-- KEYS: a session.  ARGV: a name with a NUL behind it, the mark that a session
-- of that name has to have, with a NUL in front, and the one that it gets.
-- What is damaged is passed over.
local s = redis.pcall('GETRANGE', KEYS[1], 0, 4095)
if type(s) ~= 'string' or #s > 4095
	or string.sub(s, 215, 214 + #ARGV[1]) ~= ARGV[1] then return 0 end
if string.sub(s, -#ARGV[2]) ~= ARGV[2] then return 0 end
redis.call('SETRANGE', KEYS[1], #s - #ARGV[3], ARGV[3])
return 1
