/* SPDX-License-Identifier: MIT */
/* The built-in list of common passwords. */
#include "crypto/common_passwords.h"

#include <string.h>

#include "crypto/password.h"

const char *const common_passwords[] = {
#include "crypto/common_passwords.inc"
};

const size_t common_passwords_n = ARRAY_LEN(common_passwords);

bool
common_password(struct str password)
{
	char lower[PASSWORD_MAX_BYTES + 1];
	size_t low = 0, high = common_passwords_n;

	if (password.n > PASSWORD_MAX_BYTES)
		return false;
	for (size_t i = 0; i < password.n; i++) {
		char c = password.p[i];

		lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
	}
	lower[password.n] = '\0';
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(lower, common_passwords[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}
