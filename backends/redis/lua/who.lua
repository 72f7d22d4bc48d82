-- SPDX-License-Identifier: MIT
-- KEYS: a session.  ARGV: a name, and the identity that those of that name
-- get; each text of both ends with a NUL.
-- What is damaged is passed over.
local s = redis.pcall('GETRANGE', KEYS[1], 0, 4095)
if type(s) ~= 'string' or #s > 4095
	or string.sub(s, 215, 214 + #ARGV[1]) ~= ARGV[1] then return 0 end
local rest = string.match(s, '^[^%z]*%z[^%z]*%z[^%z]*%z[^%z]*%z(.*)$', 215)
if not rest then return 0 end
redis.call('SET', KEYS[1], string.sub(s, 1, 214) .. ARGV[2] .. rest, 'KEEPTTL')
return 1
