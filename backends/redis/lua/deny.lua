-- SPDX-License-Identifier: MIT
-- KEYS: the denial of a key.  ARGV: until when, of tokens issued when.
-- What is damaged is answered as it is, and not lost.
local till, issued = ARGV[1], ARGV[2]
local s = redis.call('GET', KEYS[1])
if s then
	if #s ~= 38 or not string.find(s, '^%d+$') then return s end
	if string.sub(s, 1, 19) > till then till = string.sub(s, 1, 19) end
	if string.sub(s, 20) > issued then issued = string.sub(s, 20) end
end
redis.call('SET', KEYS[1], till .. issued)
return 1
