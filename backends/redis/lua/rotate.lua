-- SPDX-License-Identifier: MIT
-- Rotates a refresh token. KEYS: the session. ARGV: now, the generation of
-- the presented token, its hash, the earliest and the latest beginning of a
-- grace period that is not over (earliest '': there is no grace period), the
-- hash of the successor, the wrapped successor, the new idle_expires_ms, the
-- id, `front`. Returns the word of an enum rotate_answer, and the record
-- unless it is GONE.
local now, generation, presented, since, till, next, wrapped, ends, id, front =
	unpack(ARGV)
local s = call('GETRANGE', KEYS[1], 0, LONGEST)
if s == '' and call('EXISTS', KEYS[1]) == 0 then return { 'GONE' } end
local _, digits = find(s, '^1%d+')
if not digits or digits < 118 or #s < 219 or #s > 4095 then
	return { 'DAMAGED', s }
end
local whole = pcall(together, { KEYS[1], front .. 'seen' })
if whole then s = current(front, id, s) end
local expires, idle = sub(s, 22, 40), sub(s, 60, 78)
local stored, token = sub(s, 98, 107), sub(s, 119, 150)
if expires <= now or idle <= now or stored == '4294967295' then
	return { 'GONE' }
end
if generation > stored then return { 'FUTURE', s } end

if presented == token then
	if ends > expires then ends = expires end
	local change = now .. ends .. now
		.. string.format('%010d', tonumber(stored) + 1)
		.. sub(s, 108, 117) .. '1' .. next .. token .. wrapped
	call('SETRANGE', KEYS[1], 40, change)
	if whole then try('ZREM', front .. 'seen', id) end
	if ends < idle then ends_earlier(front, id, s, ends) end
	return { 'DONE', sub(s, 1, 40) .. change .. sub(s, 215) }
end

if since ~= '' and sub(s, 118, 118) == '1'
	and presented == sub(s, 151, 182)
	and sub(s, 79, 97) >= since
	and sub(s, 79, 97) <= till then
	return { 'GRACE', s }
end

end_session(front, id, s)
return { 'REUSED', s }
