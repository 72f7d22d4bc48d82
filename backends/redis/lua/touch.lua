-- SPDX-License-Identifier: MIT
-- KEYS: a session.  ARGV: last seen, end when idle, what no clock that is
-- right has seen yet; its id, `front`.  What is damaged is answered as it is.
-- At most what is longer than any session.
local s = redis.call('GETRANGE', KEYS[1], 0, 4095)
if s == '' and redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local _, digits = string.find(s, '^1%d+')
if not digits or digits < 118 or #s < 219 or #s > 4095 then return s end
local expires, idle = string.sub(s, 22, 40), string.sub(s, 60, 78)
local seen, now = string.sub(s, 41, 59), ARGV[1]
-- What was over then stays over; equal is not forward.
if expires <= now or idle <= now then return 0 end
local back = false
if seen > ARGV[3] then
	seen, idle = now, ARGV[2]
	back = true
elseif seen >= now and idle >= ARGV[2] then
	return 0
end
if seen < now then seen = now end
if idle < ARGV[2] then idle = ARGV[2] end
redis.call('SETRANGE', KEYS[1], 40, seen .. idle)
if back then ends_earlier(ARGV[5], ARGV[4], s, idle) end
return 1
