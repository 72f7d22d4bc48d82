-- SPDX-License-Identifier: MIT
-- Writes a page of the times in `seen` into the records. KEYS: `seen`. ARGV:
-- the time up to which they are due, the size of the page, `front`. Returns
-- the size of the page.
local till, most, front = unpack(ARGV)
local due = call('ZRANGEBYSCORE', KEYS[1], '-inf', till,
	'LIMIT', 0, most)
local keys, times = { KEYS[1] }, {}
for i, id in ipairs(due) do keys[i + 1] = front .. 's:' .. id end
together(keys)
for i, id in ipairs(due) do
	local s = read(keys[i + 1], 77)
	local is = current(front, id, s)
	times[i] = is ~= s and sub(is, 41, 78)
end
for i, id in ipairs(due) do
	if times[i] then call('SETRANGE', keys[i + 1], 40, times[i]) end
	call('ZREM', KEYS[1], id)
end
return #due
