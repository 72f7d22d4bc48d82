-- SPDX-License-Identifier: MIT
-- Reads a session as read.lua does. ARGV: the time now. A key outlives its
-- session by a minute. If it does not, somebody has shortened its life, and the
-- session that is returned ends with its key: the server may delete the key
-- long after that, and would report its end only then.
local s = read(KEYS[1], LONGEST)
local left = s and redis.pcall('PTTL', KEYS[1]) -- may not be permitted
if type(left) ~= 'number' or left < 0 or left >= 60000 or not ends_of(s) then
	return s
end
local last = string.format('%019.0f', ARGV[1] + left)
if string.sub(s, 22, 40) <= last then return s end
return string.sub(s, 1, 21) .. last .. string.sub(s, 41)
