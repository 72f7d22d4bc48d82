-- SPDX-License-Identifier: MIT
-- KEYS: a session.  ARGV: its id, `front`.  Ends it, damaged or not; answers
-- whether it was there.
-- Needs no memory, and works on a server that has none left.
local s = read(KEYS[1], LONGEST)
if not s then return 0 end
forget(ARGV[2], ARGV[1], s)
return 1
