/* SPDX-License-Identifier: MIT */
/* Loads keys from the section [jwt] or from a file. */
#include "ctl/keys.h"

#include "strategy/registry.h"
#include "base/buf.h"
#include "os/owner.h"
#include "os/file.h"

#include <assert.h>

static const char section[] = "jwt";

const struct jwt_conf *
keys_conf(const struct ctl *c)
{
	const void *conf = settings_mode_conf(&c->settings, section);

	/* the mode needs no library, so it is always compiled in */
	assert(conf != NULL);
	return conf;
}

bool
keys_in_use(const struct ctl *c)
{
	return jwt_conf_in_use(&c->settings) != NULL;
}

int
keys_load(const struct ctl *c, struct keyring *out, struct err *err)
{
	const struct jwt_conf *conf = keys_conf(c);
	const char *place =
	    conf->secret_file != NULL ? conf->secret_file : conf->keys;

	if (!keys_in_use(c))
		return err_set(err, ERR_CONFIG,
			       "[auth] mode = %s: there are no keys and no "
			       "signed tokens in this mode; a sign-in makes a "
			       "session",
			       ctl_mode(c)->driver.name);
	if (owner_become(&place, 1, err) != 0)
		return -1;
	if (jwt_conf_is_missing(conf)) {
		*out = (struct keyring){ .n = 0 };
		return 0;
	}
	return jwt_conf_load(conf, JWS_NONE, &c->env, c->arena, out, err);
}

enum ctl_exit
keys_alg(const struct ctl *c, enum jws_alg *out)
{
	struct buf known;

	*out = jws_alg_from_name(ctl_value(c, FLAG_ALG));
	if (*out != JWS_NONE || !ctl_given(c, FLAG_ALG))
		return CTL_DONE;
	buf_init(&known, c->arena, 512);
	for (size_t i = 0; jws_alg_names[i] != NULL; i++)
		buf_printf(&known, " %s", jws_alg_names[i]);
	return ctl_refuse("not an algorithm: %s; known are:%.*s",
			  c->args->value[FLAG_ALG], STR_ARG(buf_str(&known)));
}

static void
keys_free_key(void *key)
{
	jwk_free(key);
}

int
keys_own(struct ctl *c, struct jwk *key, struct err *err)
{
	if (arena_defer(c->arena, keys_free_key, key) != 0) {
		jwk_free(key);
		return err_nomem(err);
	}
	return 0;
}

enum ctl_exit
keys_read_key(struct ctl *c, const char *file, struct jwk **out,
	      bool *world_readable)
{
	enum jws_alg alg = JWS_NONE;
	enum ctl_exit status = keys_alg(c, &alg);
	struct str bytes = STR("");
	struct jwk *key = NULL;
	struct err err;

	if (status != CTL_DONE)
		return status;
	if (file_read(file, JWK_FILE_MAX, c->arena, &bytes, world_readable,
		      &err) != 0 ||
	    jwk_from_bytes(bytes, alg, &key, &err) != 0 ||
	    keys_own(c, key, &err) != 0)
		return ctl_refuse("%s: %s", file, err.msg);
	*out = key;
	return CTL_DONE;
}
