-- SPDX-License-Identifier: MIT
-- KEYS: the attempts of a key.  ARGV: now, end of a new window, end of a new
-- ban, how many are allowed, ms to keep it.  Answers the end of the ban, or
-- nothing, or a table: it is damaged.
local now, ends, count = ARGV[1], ARGV[2], 0
local s = redis.call('GET', KEYS[1])
if s then
	local stored, banned, n = string.match(s, '^(%d+) ([01]) (%d+)$')
	if not stored or #stored ~= 19 then return { 'DAMAGED' } end
	if stored > now then
		if banned == '1' then return stored end
		ends, count = stored, tonumber(n)
	end
end
local ban = count >= tonumber(ARGV[4])
if ban then ends = ARGV[3] end
redis.call('SET', KEYS[1],
	string.format('%s %d %d', ends, ban and 1 or 0, count + 1),
	'PX', ARGV[5])
return ban and ends or ''
