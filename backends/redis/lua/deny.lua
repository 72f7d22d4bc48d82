-- SPDX-License-Identifier: MIT
-- Adds a denial, and never shortens one. KEYS: the denial of a key. ARGV:
-- its end, the latest time of issue that it denies. Returns 1, or a damaged
-- record, which it leaves as it is.
local till, issued = ARGV[1], ARGV[2]
local s = redis.call('GET', KEYS[1])
if s then
	if #s ~= 38 or not string.find(s, '^%d+$') then return s end
	if string.sub(s, 1, 19) > till then till = string.sub(s, 1, 19) end
	if string.sub(s, 20) > issued then issued = string.sub(s, 20) end
end
redis.call('SET', KEYS[1], till .. issued)
return 1
