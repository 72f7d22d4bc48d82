-- SPDX-License-Identifier: MIT
-- Moves the times of a session forward. KEYS: the session. ARGV: the new
-- last_seen_ms and idle_expires_ms, the latest last_seen_ms that a correct
-- clock can have written, the id, `front`. Returns 1, 0 if nothing was
-- changed, or a damaged record.
local s = redis.call('GETRANGE', KEYS[1], 0, 4095)
if s == '' and redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local _, digits = string.find(s, '^1%d+')
if not digits or digits < 118 or #s < 219 or #s > 4095 then return s end
local expires, idle = string.sub(s, 22, 40), string.sub(s, 60, 78)
local seen, now = string.sub(s, 41, 59), ARGV[1]
-- A session that had ended at that time is not revived.
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
