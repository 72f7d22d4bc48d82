/* SPDX-License-Identifier: MIT */
/* The section [jwt]. */
#include "modes/jwt_settings.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "strategy/registry.h"
#include "os/owner.h"

static const char section[] = "jwt";

static const char *const revocations[] = { "none", "store", NULL };

const struct option jwt_options[] = {
	OPTION(ENUM, struct jwt_conf, algorithm, .def = "HS256",
	       .words = jws_alg_names,
	       .help =
		   "Algorithm of new keys; existing keys keep theirs. HS256, "
		   "HS384 and HS512 use one secret, which every service that "
		   "checks tokens must have; the others have a public key, "
		   "which GET /auth/jwks.json returns."),
	OPTION(PATH, struct jwt_conf, keys, .def = "/var/lib/fcgiauth/keys",
	       .help =
		   "Directory of the keys. If it is missing or empty, a first "
		   "key is created. No other user may have access to it."),
	OPTION(PATH, struct jwt_conf, secret_file,
	       .help = "A file whose bytes are the only secret. It replaces "
		       "the directory if several services share a secret. HS "
		       "algorithms only; all bytes count, also a newline at "
		       "the end."),
	OPTION(STR, struct jwt_conf, issuer, .def = "fcgiauth", .min = 1,
	       .max = 256, .flags = OPTION_REQUIRED,
	       .help = "The claim iss: tokens of another issuer are refused."),
	OPTION(STR, struct jwt_conf, audience, .def = "fcgiauth", .min = 1,
	       .max = 256, .flags = OPTION_REQUIRED,
	       .help = "The claim aud: tokens for another audience are "
		       "refused. Services that share a key and an audience "
		       "share their users."),
	OPTION(SECONDS, struct jwt_conf, ttl, .def = "10m", .min = 1,
	       .max = JWT_TTL_MAX,
	       .help = "Lifetime of an access token. In mode jwt a browser is "
		       "signed out after this time, and a stolen token works "
		       "until then unless revocation is store."),
	OPTION(SECONDS, struct jwt_conf, leeway, .def = "30s", .min = 0,
	       .max = JWT_LEEWAY_MAX,
	       .help = "Accepted difference between clocks: a token is "
		       "accepted this long after its end (exp) and before its "
		       "beginning (iat, nbf)."),
	OPTION(
	    ENUM, struct jwt_conf, revocation, .def = "none",
	    .words = revocations,
	    .help =
		"none: a check does not ask the store; an access token works "
		"until it expires, also after its session has ended. store: "
		"the access tokens of an ended session are refused at once. "
		"In mode jwt the store keeps which tokens were revoked, and a "
		"session for each sign-in, which can be listed and ended; with "
		"none, nothing is stored, and signing out only deletes the "
		"cookie. In mode refresh a check asks for the session. The "
		"answers are kept in memory, see [cache]. While the store "
		"cannot answer, checks are answered 503, except of tokens in "
		"memory as long as the change feed is proven. Revoking all "
		"tokens of a user in mode jwt also revokes those of hosts "
		"whose clock is ahead, by at most leeway."),
	OPTION_END,
};

int
jwt_conf_check(const void *conf, struct err *err)
{
	const struct jwt_conf *set = conf;

	if (set->secret_file != NULL && !jws_alg_is_hmac(jwt_conf_alg(set)))
		return err_set(err, ERR_CONFIG,
			       "secret_file: needs an HS algorithm");
	if (set->secret_file == NULL && set->keys == NULL)
		return err_set(err, ERR_CONFIG,
			       "keys or secret_file must be set");
	return 0;
}

enum jws_alg
jwt_conf_alg(const struct jwt_conf *conf)
{
	return jws_alg_from_name(str_from(jws_alg_names[conf->algorithm]));
}

struct jwt_policy
jwt_conf_policy(const struct jwt_conf *conf)
{
	return (struct jwt_policy){ .issuer = conf->issuer,
				    .audience = conf->audience,
				    .ttl = conf->ttl,
				    .leeway = conf->leeway };
}

int
jwt_conf_load(const struct jwt_conf *conf, enum jws_alg make_alg,
	      const struct env *env, struct arena *a, struct keyring *out,
	      struct err *err)
{
	if (conf->secret_file != NULL)
		return keyring_load_secret(conf->secret_file,
					   jwt_conf_alg(conf), a, out, err);
	return keyring_load(conf->keys, make_alg, env, a, out, err);
}

bool
jwt_conf_is_missing(const struct jwt_conf *conf)
{
	struct stat st;

	return conf->secret_file == NULL && lstat(conf->keys, &st) != 0 &&
	       errno == ENOENT;
}

int
jwt_conf_try(const struct jwt_conf *conf, const struct env *env,
	     struct arena *a, struct keyring *out, struct err *err)
{
	if (!jwt_conf_is_missing(conf))
		return jwt_conf_load(conf, JWS_NONE, env, a, out, err);
	if (owner_check_folder(conf->keys, err) != 0)
		return -1;
	*out = (struct keyring){ .n = 0 };
	return 0;
}

const struct jwt_conf *
jwt_conf_in_use(const struct settings *set)
{
	const struct auth_mode_ops *mode =
	    registry_mode(set->mode.driver->name);

	bool uses = strcmp(mode->driver.name, section) == 0;

	for (size_t i = 0; i < MODE_ALSO_MAX; i++)
		uses = uses || (mode->also[i] != NULL &&
				strcmp(mode->also[i], section) == 0);
	return uses ? settings_mode_conf(set, section) : NULL;
}
