-- SPDX-License-Identifier: MIT
-- KEYS: the index of a user.  ARGV: the new entry, how many there may be (0:
-- any number), and entries of sessions that are no more.  Marks the oldest
-- that are too many, and answers all that are marked: they have to go.
local new, over = ARGV[1], -tonumber(ARGV[2])
for i = 3, #ARGV do redis.call('ZREM', KEYS[1], ARGV[i]) end
redis.call('ZADD', KEYS[1], 0, new)
if over == 0 then return {} end
over = over + redis.call('ZLEXCOUNT', KEYS[1], '[0', '+')
if over > 0 then
	-- One more: the new one may be among the oldest, but stays.
	local oldest = redis.call('ZRANGEBYLEX', KEYS[1], '[0', '+',
		'LIMIT', 0, over + 1)
	for _, entry in ipairs(oldest) do
		if entry ~= new and over > 0 then
			redis.call('ZREM', KEYS[1], entry)
			redis.call('ZADD', KEYS[1], 0, '-' .. entry)
			over = over - 1
		end
	end
end
return redis.call('ZRANGEBYLEX', KEYS[1], '-', '(0')
