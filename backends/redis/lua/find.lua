-- SPDX-License-Identifier: MIT
-- Reads a session as read.lua does. ARGV: the id, `front`, the time now. A key
-- outlives its session by a minute. If it does not, somebody has shortened its
-- life, and the session that is returned ends with its key: the server may
-- delete the key long after that, and would report its end only then.
local s = current(ARGV[2], ARGV[1], read(KEYS[1], LONGEST))
local left = s and try('PTTL', KEYS[1]) -- may not be permitted
if type(left) ~= 'number' or left < 0 or left >= 60000 or not ends_of(s) then
	return s
end
local last = string.format('%019.0f', ARGV[3] + left)
if sub(s, 22, 40) <= last then return s end
return sub(s, 1, 21) .. last .. sub(s, 41)
