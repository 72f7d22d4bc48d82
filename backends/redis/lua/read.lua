-- SPDX-License-Identifier: MIT
-- KEYS: a session.  Answers it, or a text that is none when it is damaged.
-- At most what is longer than any session.
local s = redis.pcall('GETRANGE', KEYS[1], 0, 4095)
if s == '' and redis.call('EXISTS', KEYS[1]) == 0 then return false end
return type(s) == 'string' and s or ''
