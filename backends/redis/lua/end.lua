-- SPDX-License-Identifier: MIT
-- KEYS: a record.  Deletes it, damaged or not, and answers what it was.
-- Needs no memory, and works on a server that has none left.
local s = redis.pcall('GETRANGE', KEYS[1], 0, 4095)
if s == '' and redis.call('EXISTS', KEYS[1]) == 0 then return false end
redis.call('DEL', KEYS[1])
return type(s) == 'string' and s or ''
