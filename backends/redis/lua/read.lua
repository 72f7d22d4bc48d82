-- SPDX-License-Identifier: MIT
-- Reads a session. KEYS: the session. Returns its record, '' if the key has
-- another type, and false if there is none.
return read(KEYS[1], LONGEST)
