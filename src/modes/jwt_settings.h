/* SPDX-License-Identifier: MIT */
/* The section [jwt], for the modes jwt and refresh, and for fcgiauthctl, which
 * uses the same keys. */
#ifndef MODES_JWT_SETTINGS_H
#define MODES_JWT_SETTINGS_H

#define JWT_TTL_MAX (30 * 86400) /* upper limit of jwt.ttl, in seconds */

#include "strategy/session_store.h"
#include "crypto/jwt.h"

enum revocation { REVOCATION_NONE, REVOCATION_STORE };

struct jwt_conf {
	int algorithm; /* index in jws_alg_names */
	const char *keys, *secret_file;
	struct str issuer, audience;
	int64_t ttl, leeway;
	int revocation; /* enum revocation */
};

extern const struct option jwt_options[];

/* Checks the rules over several of these options. */
int jwt_conf_check(const void *conf, struct err *err) MUST_USE;

/* Returns the algorithm of new keys. */
enum jws_alg jwt_conf_alg(const struct jwt_conf *conf);

struct jwt_policy jwt_conf_policy(const struct jwt_conf *conf);

/* Loads the shared secret, or the directory like keyring_load(). */
int jwt_conf_load(const struct jwt_conf *conf, enum jws_alg make_alg,
		  const struct env *env, struct arena *a, struct keyring *out,
		  struct err *err) MUST_USE;

/* Returns whether the directory does not exist yet; the service makes it. */
bool jwt_conf_is_missing(const struct jwt_conf *conf);

/* Checks whether the service would have keys: like jwt_conf_load(), but it
 * makes none. If the directory is missing and could be made, *out has no
 * keys. */
int jwt_conf_try(const struct jwt_conf *conf, const struct env *env,
		 struct arena *a, struct keyring *out,
		 struct err *err) MUST_USE;

/* Returns the section if the mode signs tokens with these keys; else NULL. */
struct settings;
const struct jwt_conf *jwt_conf_in_use(const struct settings *set);

#endif
