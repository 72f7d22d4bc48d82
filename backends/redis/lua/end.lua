-- SPDX-License-Identifier: MIT
-- Deletes a record, even a damaged one. KEYS: the record. Returns its text,
-- '' if it has another type, and false if there is none. Needs no memory.
local s = redis.pcall('GETRANGE', KEYS[1], 0, 4095)
if s == '' and redis.call('EXISTS', KEYS[1]) == 0 then return false end
redis.call('DEL', KEYS[1])
return type(s) == 'string' and s or ''
