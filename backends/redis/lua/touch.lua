-- SPDX-License-Identifier: MIT
-- Moves the times of a session forward. KEYS: the session. ARGV: the new
-- last_seen_ms and idle_expires_ms, the latest last_seen_ms that a correct
-- clock can have written, the id, `front`. Returns 1, 0 if nothing was
-- changed, or a damaged record.
--
-- The change feed reports each change of the record. So the time is stored in
-- `seen` if idle_expires_ms follows from it, and if the record was written
-- less than a quarter of the idle time before. While the slot is being moved,
-- `seen` must not be created on the second server.
local s = call('GETRANGE', KEYS[1], 0, 4095)
if s == '' and call('EXISTS', KEYS[1]) == 0 then return 0 end
local _, digits = find(s, '^1%d+')
if not digits or digits < 118 or #s < 219 or #s > 4095 then return s end
local id, front = ARGV[4], ARGV[5]
local record, whole = s, pcall(together, { KEYS[1], front .. 'seen' })
if whole then s = current(front, id, s) end
local expires, idle = sub(s, 22, 40), sub(s, 60, 78)
local seen, now = sub(s, 41, 59), ARGV[1]
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
local was = sub(record, 41, 59)
local span = sub(record, 60, 78) - was
if whole and not back and seen > was and span >= 600000
	and seen - was <= span / 4 and times_at(record, seen) == seen .. idle
	and type(try('ZADD', front .. 'seen', seen, id)) == 'number' then
	return 1
end
call('SETRANGE', KEYS[1], 40, seen .. idle)
if whole then try('ZREM', front .. 'seen', id) end
if back then ends_earlier(front, id, s, idle) end
return 1
