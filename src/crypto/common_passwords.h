/* SPDX-License-Identifier: MIT */
/* The built-in list of common passwords, which attackers try first. */
#ifndef CRYPTO_COMMON_PASSWORDS_H
#define CRYPTO_COMMON_PASSWORDS_H

#include "base/base.h"

/* Returns true when the password is on the list, ignoring ASCII case. */
bool common_password(struct str password);

/* The list, from common_passwords.txt: lower case, at least 8 bytes each,
 * sorted as by strcmp(). */
extern const char *const common_passwords[];
extern const size_t common_passwords_n;

#endif
