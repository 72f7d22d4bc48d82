-- SPDX-License-Identifier: MIT
-- Creates a session. KEYS: the session, and the indices of its user, of all
-- sessions and `ends`. ARGV: the record, its entry, the user, its end, the
-- expiry in ms, the maximum of sessions of the user (0: none), now, `front`,
-- and the 16 bytes of the id, or '' if the entry has another time than the id.
-- Then the indices of earlier versions are used, which have the entry.
-- Ends the oldest sessions above the maximum, and returns how many of them
-- were alive. Returns -1 if the id exists, and -2 if the user has more than
-- 1000 entries; then nothing has been changed.
local record, new, user, ends, keep, most, now, front, id =
	unpack(ARGV)
local gone, alive, over = {}, {}, 0
most = tonumber(most)
if call('EXISTS', KEYS[1]) == 1 then return -1 end
-- A key of another type raises an error here, before the first write.
local name, begins
local index, member = KEYS[4], new .. ':' .. user
if id ~= '' then
	index, member = part_of(front, user), id .. user
	name, begins = page_for(front, id_of(new), id)
end
for _, key in ipairs({ KEYS[2], KEYS[3], index }) do call('ZCARD', key) end
local count = call('ZCARD', KEYS[2])
if most > 0 and count >= most then
	if count > 1000 then return -2 end
	local list = call('ZREVRANGEBYLEX', KEYS[2], '+', '-')
	for i = #list, 1, -1 do
		local s = session(front, id_of(list[i]), LONGEST)
		local at = s and ends_of(s)
		if not at or at <= now then
			table.insert(gone, list[i])
		elseif user_of(s) == user then
			table.insert(alive, list[i])
		end
	end
	over = math.max(#alive + 1 - most, 0)
	for i = 1, over do table.insert(gone, alive[i]) end
end
-- A server without memory refuses the first write, which must therefore be one
-- that needs memory.
call('SET', KEYS[1], record, 'PX', keep)
call('ZADD', KEYS[2], 0, new)
if id == '' then
	call('ZADD', KEYS[3], 0, new)
else
	add_to_page(front, id, name, begins)
end
call('ZADD', index, ends, member)
for _, entry in ipairs(gone) do
	call('DEL', front .. 's:' .. id_of(entry))
	unlist(front, user, entry)
end
return over
