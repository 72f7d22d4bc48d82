-- SPDX-License-Identifier: MIT
-- Sign-in by a name in any case and by e-mail address. The collation "C" folds
-- ASCII letters only.
CREATE INDEX users_name_fold ON fcgiauth.users (lower(name));
CREATE INDEX users_email_fold ON fcgiauth.users (lower(email COLLATE "C"))
	WHERE email <> '';
