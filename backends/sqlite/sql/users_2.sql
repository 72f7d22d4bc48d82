-- SPDX-License-Identifier: MIT
-- Sign-in by a name in any case and by e-mail address.
CREATE INDEX main.users_name_fold ON users (name COLLATE NOCASE);
CREATE INDEX main.users_email_fold ON users (email COLLATE NOCASE)
	WHERE email <> '';
