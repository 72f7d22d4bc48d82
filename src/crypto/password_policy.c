/* SPDX-License-Identifier: MIT */
/* What a new password must be like. */
#include "crypto/password_policy.h"

#include <stdio.h>

#include "base/secret.h"
#include "crypto/common_passwords.h"
#include "crypto/password.h"
#include "crypto/password_nfc.h"

/* Shorter names occur in many good passwords. */
#define NAME_MIN 4

/* Counts the code points of well-formed UTF-8: all bytes except continuation
 * bytes. */
static int64_t
count_characters(struct str s)
{
	int64_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80 ? 1 : 0;
	return n;
}

static bool
password_is_listed(struct str password, struct str blocklist)
{
	struct str line;

	blocklist = str_skip_bom(blocklist);
	while (str_cut(&blocklist, '\n', &line)) {
		if (str_ends(line, STR("\r")))
			line.n--;
		if (str_eq_nocase(password, line))
			return true;
	}
	return false;
}

/* Returns true if `s` begins with `prefix`, ignoring ASCII case. */
static bool
begins_with_name(struct str s, struct str prefix)
{
	return s.n >= prefix.n &&
	       str_eq_nocase((struct str){ .p = s.p, .n = prefix.n }, prefix);
}

/* Counts the characters of a password besides each occurrence of a name. */
static int64_t
count_beside(struct str password, struct str name)
{
	int64_t n = 0;

	while (password.n > 0) {
		struct str first = { .p = password.p, .n = 1 };

		if (begins_with_name(password, name)) {
			password = str_skip(password, name.n);
			continue;
		}
		n += count_characters(first);
		password = str_skip(password, 1);
	}
	return n;
}

static bool
is_like(struct str password, struct str name)
{
	if (name.n == 0)
		return false;
	if (name.n < NAME_MIN)
		return str_eq_nocase(password, name);
	return str_eq_nocase(password, name) ||
	       count_beside(password, name) < PASSWORD_BESIDE_NAME;
}

static bool
is_like_name(struct str password, const struct password_policy *policy)
{
	const struct str account = { .p = policy->email.p,
				     .n = str_find(policy->email, '@') };

	return is_like(password, policy->user) ||
	       is_like(password, policy->email) || is_like(password, account);
}

static enum password_fault
find_fault(struct str password, const struct password_policy *policy)
{
	if (password.n > PASSWORD_MAX_BYTES)
		return PASSWORD_TOO_LONG;
	if (str_find(password, '\0') < password.n || !str_is_utf8(password))
		return PASSWORD_NO_TEXT;
	if (count_characters(password) < policy->min_length)
		return PASSWORD_TOO_SHORT;
	if (is_like_name(password, policy))
		return PASSWORD_LIKE_NAME;
	if (common_password(password))
		return PASSWORD_COMMON;
	if (password_is_listed(password, policy->blocklist))
		return PASSWORD_LISTED;
	return PASSWORD_FINE;
}

struct password_verdict
password_check(struct str password, const struct password_policy *policy)
{
	char buf[PASSWORD_MAX_BYTES];
	const struct str nfc = password_nfc(password, buf);
	struct password_verdict v = { .fault = find_fault(nfc, policy) };

	if (v.fault == PASSWORD_TOO_SHORT)
		v.missing = policy->min_length - count_characters(nfc);
	secret_wipe(buf, sizeof(buf));
	return v;
}

const char *
password_refusal(const struct password_verdict *verdict,
		 const struct password_policy *policy,
		 char buf[PASSWORD_REFUSAL_MAX])
{
	switch (verdict->fault) {
	case PASSWORD_TOO_LONG:
		(void)snprintf(buf, PASSWORD_REFUSAL_MAX,
			       "This password is too long: it has more than "
			       "%d bytes.",
			       PASSWORD_MAX_BYTES);
		return buf;
	case PASSWORD_TOO_SHORT:
		(void)snprintf(
		    buf, PASSWORD_REFUSAL_MAX,
		    "This password is too short: it has %lld characters, "
		    "but must have at least %lld.",
		    (long long)(policy->min_length - verdict->missing),
		    (long long)policy->min_length);
		return buf;
	case PASSWORD_LIKE_NAME:
		return "This password is too much like the name or the e-mail "
		       "address of the user.";
	case PASSWORD_COMMON:
		return "This password is one of the most common ones.";
	case PASSWORD_LISTED:
		return "This password is on the list of refused passwords.";
	case PASSWORD_FINE:
		return NULL;
	case PASSWORD_NO_TEXT:
		break;
	}
	return "This password is not valid text.";
}
