/* SPDX-License-Identifier: MIT */
/* The keys of the section [jwt], for the commands about keys and tokens. */
#ifndef CTL_KEYS_H
#define CTL_KEYS_H

#include "modes/jwt_settings.h"
#include "ctl/ctl.h"

/* Returns the settings of [jwt], whatever the mode is. */
const struct jwt_conf *keys_conf(const struct ctl *c);

/* Returns true when the mode signs tokens with these keys. */
bool keys_in_use(const struct ctl *c);

/*
 * Loads the keys. A process of root becomes the owner of the directory or of
 * the secret first. A directory that does not exist is an empty keyring; a mode
 * without keys is an error.
 */
int keys_load(const struct ctl *c, struct keyring *out,
	      struct err *err) MUST_USE;

/* Reads a key from a file that the caller names, with --alg; it is freed
 * with the arena. Prints a message when it fails. *world_readable as in
 * os/file.h. */
enum ctl_exit keys_read_key(struct ctl *c, const char *file, struct jwk **out,
			    bool *world_readable);

/* Returns the value of --alg in *out; JWS_NONE when it is not given. */
enum ctl_exit keys_alg(const struct ctl *c, enum jws_alg *out);

/* Has the key freed with the arena of the program; frees it at once on
 * failure. */
int keys_own(struct ctl *c, struct jwk *key, struct err *err) MUST_USE;

#endif
