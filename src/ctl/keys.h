/* SPDX-License-Identifier: MIT */
/* The keys of the section [jwt], for the commands about keys and tokens. */
#ifndef CTL_KEYS_H
#define CTL_KEYS_H

#include "modes/jwt_settings.h"
#include "ctl/ctl.h"

/* What [jwt] says, whatever the mode. */
const struct jwt_conf *keys_conf(const struct ctl *c);

/* Does the mode sign tokens with these keys? */
bool keys_in_use(const struct ctl *c);

/*
 * Started as root, becomes the owner of the directory, or of the secret; then
 * loads.  A directory that is not there yet is an empty keyring; a mode without
 * keys is an error.
 */
int keys_load(const struct ctl *c, struct keyring *out, struct err *err)
    MUST_USE;

/* A key out of a file of the caller's choice, with --alg; freed with the
 * arena.  Says what is wrong itself.  *world_readable as in os/file.h. */
enum ctl_exit keys_read_key(struct ctl *c, const char *file, struct jwk **out,
			    bool *world_readable);

/* --alg; JWS_NONE when it was not given. */
enum ctl_exit keys_alg(const struct ctl *c, enum jws_alg *out);

/* Frees the key with the arena of the program, or at once. */
int keys_own(struct ctl *c, struct jwk *key, struct err *err) MUST_USE;

#endif
