-- SPDX-License-Identifier: MIT
-- Ends a session, even a damaged one. KEYS: the session. ARGV: its id,
-- `front`. Returns whether it existed. Needs no memory.
local s = read(KEYS[1], LONGEST)
if not s then return 0 end
end_session(ARGV[2], ARGV[1], s)
return 1
