/* SPDX-License-Identifier: MIT */
/* Passwords that everybody tries first. */
#ifndef CRYPTO_COMMON_PASSWORDS_H
#define CRYPTO_COMMON_PASSWORDS_H

#include "base/base.h"

/* On the built-in list, without regard to ASCII case. */
bool common_password(struct str password);

/* common_passwords.txt: lower case, at least 8 bytes each, sorted by strcmp(). */
extern const char *const common_passwords[];
extern const size_t common_passwords_n;

#endif
