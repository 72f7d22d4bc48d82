/* SPDX-License-Identifier: MIT */
/*
 * One form for a password that keyboards and systems encode differently: an
 * umlaut is one character, or a letter and a combining mark. The form is NFC
 * (Unicode Standard Annex 15), which changes nothing that people can see.
 */
#ifndef CRYPTO_PASSWORD_NFC_H
#define CRYPTO_PASSWORD_NFC_H

#include "crypto/password.h"

/*
 * Returns the form NFC of a password. It is in `buf`, which the caller must
 * wipe. The result is `password` itself, with the same pointer, if that is in
 * this form already, is not UTF-8, or has a form that is longer than
 * PASSWORD_MAX_BYTES.
 */
struct str password_nfc(struct str password, char buf[PASSWORD_MAX_BYTES]);

#endif
