-- SPDX-License-Identifier: MIT
-- Reads a session. KEYS: the session. ARGV: its id, `front`. Returns its
-- current record, '' if the key has another type, and false if there is none.
local s = current(ARGV[2], ARGV[1], read(KEYS[1], LONGEST))
return s
