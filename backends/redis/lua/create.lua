-- SPDX-License-Identifier: MIT
-- KEYS: a session, and the indices of its user, of all sessions, of ends.
-- ARGV: the record, its entry, the user, when it ends, ms to keep it, how many
-- the user may have (0: any number), now, `front`.  Ends the oldest that are
-- too many and answers how many of them were alive, or -1: there is such a
-- session, or -2: the user has more than one script may look at; nothing has
-- happened.
local record, new, user, ends, keep, most, now, front = unpack(ARGV)
local gone, alive, over = {}, {}, 0
most = tonumber(most)
if redis.call('EXISTS', KEYS[1]) == 1 then return -1 end
-- What is no index fails here, before the first change.
for i = 2, 4 do redis.call('ZCARD', KEYS[i]) end
local count = redis.call('ZCARD', KEYS[2])
if most > 0 and count >= most then
	if count > 1000 then return -2 end
	local list = redis.call('ZREVRANGEBYLEX', KEYS[2], '+', '-')
	for i = #list, 1, -1 do
		local s = read(front .. 's:' .. id_of(list[i]), LONGEST)
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
-- What needs memory comes first: it is refused, and nothing has happened.
redis.call('SET', KEYS[1], record, 'PX', keep)
redis.call('ZADD', KEYS[2], 0, new)
redis.call('ZADD', KEYS[3], 0, new)
redis.call('ZADD', KEYS[4], ends, new .. ':' .. user)
for _, entry in ipairs(gone) do
	redis.call('DEL', front .. 's:' .. id_of(entry))
	unlist(front, user, entry)
end
return over
