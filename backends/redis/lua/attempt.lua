-- SPDX-License-Identifier: MIT
-- Counts one attempt. KEYS: the attempts of a key. ARGV: now, the end of a
-- new window, the end of a new ban, the maximum of a window, the expiry in ms,
-- the latest possible ends of a window and of a ban. What ends later was
-- written before a clock was set back, and is over. Returns the new record,
-- or a table if the record is damaged.
local now, ends, count = ARGV[1], ARGV[2], 0
local s = redis.call('GET', KEYS[1])
if s then
	local stored, banned, n = string.match(s, '^(%d+) ([01]) (%d+)$')
	if not stored or #stored ~= 19 then return { 'DAMAGED' } end
	if stored > now then
		if banned == '1' and stored <= ARGV[7] then return s end
		if banned == '0' and stored <= ARGV[6] then
			ends, count = stored, tonumber(n)
		end
	end
end
local ban = count >= tonumber(ARGV[4])
if ban then ends = ARGV[3] end
s = string.format('%s %d %d', ends, ban and 1 or 0, count + 1)
redis.call('SET', KEYS[1], s, 'PX', ARGV[5])
return s
