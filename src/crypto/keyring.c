/* SPDX-License-Identifier: MIT */
/* Loads and changes the keys of a service. */
#include "crypto/keyring.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/env.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "crypto/jws_oracle.h"
#include "crypto/keyring_dir.h"

static void
keyring_free_key(void *key)
{
	jwk_free(key);
}

/* Gives the key to the arena, or frees it on failure. */
static int
own(struct arena *a, struct jwk *key, struct err *err)
{
	if (arena_defer(a, keyring_free_key, key) != 0) {
		jwk_free(key);
		return err_nomem(err);
	}
	return 0;
}

static int
keyring_parse_key(const struct keyring_name *name, struct str bytes,
		  struct arena *a, struct jwk **out, struct err *err)
{
	struct jwk *key;

	if ((jws_alg_is_hmac(name->alg) ?
		 jwk_from_secret(bytes, name->alg, &key, err) :
		 jwk_from_pem(bytes, name->alg, &key, err)) != 0 ||
	    own(a, key, err) != 0)
		return -1;
	if (strcmp(key->kid, name->kid) != 0)
		return err_set(err, ERR_CONFIG,
			       "must be named after its key, which is %s",
			       key->kid);
	if (name->state != KEY_RETIRING && !key->can_sign)
		return err_set(err, ERR_CONFIG,
			       "a public key cannot be %s, only retiring",
			       key_state_name(name->state));
	*out = key;
	return 0;
}

static int
load_key(int dir, const struct keyring_name *name, struct arena *a,
	 struct keyring_entry *out, struct err *err)
{
	char file[KEYRING_NAME_MAX];
	struct str bytes;

	keyring_name_write(name, file);
	if (keyring_read(dir, file, KEYRING_KEY_FILE, a, &bytes, err) != 0 ||
	    keyring_parse_key(name, bytes, a, &out->key, err) != 0)
		return err_context(err, "%s", file);
	out->file = arena_cstr(a, str_from(file));
	if (out->file == NULL)
		return err_nomem(err);
	out->state = name->state;
	out->since = name->since;
	return 0;
}

/* Sorts keys oldest first, so that a listing does not depend on the order of
 * the file system. */
static void
sort(struct keyring_names *names)
{
	for (size_t i = 1; i < names->n; i++) {
		struct keyring_name one = names->v[i], *at = &names->v[i];

		while (at > names->v && (at[-1].since > one.since ||
					 (at[-1].since == one.since &&
					  strcmp(at[-1].kid, one.kid) > 0))) {
			*at = at[-1];
			at--;
		}
		*at = one;
	}
}

static int
check_active(const struct keyring *r, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->v[i].state == KEY_ACTIVE ? 1 : 0;
	if (r->n > 0 && n == 0)
		return err_set(err, ERR_CONFIG,
			       "no key is active: rename one, KID.ALG.STATE."
			       "SINCE.pem, so that its STATE is active");
	if (n > 1)
		return err_set(err, ERR_CONFIG,
			       "%zu keys are active: rename all but one, KID."
			       "ALG.STATE.SINCE.pem, so that their STATE is "
			       "retiring",
			       n);
	return 0;
}

static int
load_all(int dir, const struct keyring_names *names, struct arena *a,
	 struct keyring *out, struct err *err)
{
	struct keyring *r = arena_alloc(a, sizeof(*r));

	if (r == NULL)
		return err_nomem(err);
	for (r->n = 0; r->n < names->n; r->n++) {
		if (load_key(dir, &names->v[r->n], a, &r->v[r->n], err) != 0)
			return -1;
		if (r->v[r->n].state == KEY_ACTIVE)
			r->signer = r->v[r->n].key;
	}
	if (check_active(r, err) != 0)
		return -1;
	*out = *r;
	return 0;
}

static int
write_key(int dir, const struct jwk *key, enum key_state state,
	  const struct env *env, struct keyring_name *out, struct err *err)
{
	struct arena *a = arena_new(2 * (size_t)JWK_FILE_MAX);
	struct keyring_name name = { .alg = key->alg,
				     .state = state,
				     .since = env_wall(env) };
	char file[KEYRING_NAME_MAX];
	struct str bytes;
	int rc = -1;

	if (a == NULL)
		return err_nomem(err);
	memcpy(name.kid, key->kid, sizeof(name.kid));
	keyring_name_write(&name, file);
	if (name.since < 0)
		(void)err_set(err, ERR_INTERNAL, "the clock is before 1970");
	else if ((key->can_sign ? jwk_private_bytes(key, a, &bytes, err) :
				  jwk_public_pem(key, a, &bytes, err)) == 0)
		rc = keyring_dir_write(dir, file, bytes, env, err);
	arena_free(a);
	if (rc == 0)
		*out = name;
	return rc;
}

static void
audit_first(const struct log *log, const struct jwk *key)
{
	const struct log_field fields[] = {
		F_CSTR("kid", key->kid),
		F_CSTR("alg", jws_alg_name(key->alg)),
		F_CSTR("state", key_state_name(KEY_ACTIVE)),
	};

	log_event(log, LOG_INFO, "audit", "key_generated", fields,
		  ARRAY_LEN(fields));
}

static int
make_first(int dir, enum jws_alg alg, const struct env *env,
	   struct keyring_name *out, struct err *err)
{
	struct jwk *key;
	int rc;

	if (jwk_generate(alg, &key, err) != 0)
		return -1;
	rc = write_key(dir, key, KEY_ACTIVE, env, out, err);
	if (rc == 0)
		audit_first(env->log, key);
	jwk_free(key);
	return rc;
}

static int
load_locked(int dir, enum jws_alg make_alg, const struct env *env,
	    struct arena *a, struct keyring *out, struct err *err)
{
	struct keyring_names names;

	if (keyring_dir_list(dir, &names, err) != 0)
		return -1;
	if (names.n == 0 && make_alg != JWS_NONE) {
		if (make_first(dir, make_alg, env, &names.v[0], err) != 0)
			return -1;
		names.n = 1;
	}
	sort(&names);
	return load_all(dir, &names, a, out, err);
}

/* An open and locked key directory. */
struct keyring_place {
	int dir, lock;
};

static int
place_open(const char *directory, bool make, enum keyring_lock kind,
	   struct keyring_place *p, struct err *err)
{
	p->dir = keyring_dir_open(directory, make, err);
	if (p->dir < 0)
		return -1;
	if (keyring_dir_lock(p->dir, kind, &p->lock, err) != 0) {
		(void)close(p->dir);
		return -1;
	}
	return 0;
}

static void
place_close(const struct keyring_place *p)
{
	if (p->lock >= 0)
		(void)close(p->lock);
	(void)close(p->dir);
}

static bool
keyring_is_empty(int dir)
{
	struct keyring_names names;
	struct err err;

	return keyring_dir_list(dir, &names, &err) == 0 && names.n == 0;
}

int
keyring_load(const char *directory, enum jws_alg make_alg,
	     const struct env *env, struct arena *a, struct keyring *out,
	     struct err *err)
{
	const bool make = make_alg != JWS_NONE;
	struct keyring_place p;
	int rc = place_open(directory, make, KEYRING_READ, &p, err);

	/* The exclusive lock is needed only for making a key. */
	if (rc == 0 && make && keyring_is_empty(p.dir)) {
		place_close(&p);
		rc = place_open(directory, make, KEYRING_WRITE, &p, err);
	}
	if (rc == 0) {
		rc = load_locked(p.dir, make_alg, env, a, out, err);
		place_close(&p);
	}
	return rc == 0 ? 0 : err_context(err, "%s", directory);
}

int
keyring_load_secret(const char *file, enum jws_alg alg, struct arena *a,
		    struct keyring *out, struct err *err)
{
	struct keyring *r = arena_alloc(a, sizeof(*r));
	struct str bytes;

	if (r == NULL)
		return err_nomem(err);
	if (keyring_read(AT_FDCWD, file, KEYRING_SECRET_FILE, a, &bytes, err) !=
		0 ||
	    jwk_from_secret(bytes, alg, &r->v[0].key, err) != 0 ||
	    own(a, r->v[0].key, err) != 0)
		return err_context(err, "%s", file);
	r->v[0].state = KEY_ACTIVE;
	r->n = 1;
	r->signer = r->v[0].key;
	*out = *r;
	return 0;
}

const struct jwk *
keyring_find(const struct keyring *r, struct str kid)
{
	for (size_t i = 0; i < r->n; i++) {
		if (str_eq(kid, str_from(r->v[i].key->kid)))
			return r->v[i].key;
	}
	return NULL;
}

json_t *
keyring_jwks(const struct keyring *r)
{
	json_t *keys = json_array();

	for (size_t i = 0; keys != NULL && i < r->n; i++) {
		const struct jwk *key = r->v[i].key;

		if (jws_alg_is_hmac(key->alg))
			continue;
		if (json_array_append_new(keys, jwk_public_json(key)) != 0) {
			json_decref(keys);
			return NULL;
		}
	}
	return json_pack("{s:o}", "keys", keys);
}

/* Returns 0 when a new key may be added in this state. */
static int
check_new(int dir, const struct jwk *key, enum key_state state, struct err *err)
{
	struct keyring_names names;

	if (keyring_dir_list(dir, &names, err) != 0)
		return -1;
	if (names.n > 0 && state == KEY_ACTIVE)
		return err_set(err, ERR_CONFIG,
			       "another process has added an active key");
	if (names.n == KEYRING_MAX)
		return err_set(err, ERR_CONFIG,
			       "there are already %d keys, the maximum",
			       KEYRING_MAX);
	for (size_t i = 0; i < names.n; i++) {
		if (strcmp(names.v[i].kid, key->kid) == 0)
			return err_set(err, ERR_CONFIG, "key %s already exists",
				       key->kid);
	}
	return 0;
}

int
keyring_add(const char *directory, const struct jwk *key, enum key_state state,
	    const struct env *env, struct err *err)
{
	struct keyring_name name;
	struct keyring_place p;
	int rc = place_open(directory, true, KEYRING_WRITE, &p, err);

	if (rc == 0) {
		rc = check_new(p.dir, key, state, err);
		if (rc == 0)
			rc = write_key(p.dir, key, state, env, &name, err);
		place_close(&p);
	}
	return rc == 0 ? 0 : err_context(err, "%s", directory);
}

static int
rename_entry(int dir, const struct keyring_entry *entry, enum key_state state,
	     const struct env *env, struct err *err)
{
	struct keyring_name name = { .alg = entry->key->alg,
				     .state = state,
				     .since = env_wall(env) };
	char file[KEYRING_NAME_MAX];

	assert(entry->file != NULL);
	if (state != KEY_RETIRING && !entry->key->can_sign)
		return err_set(err, ERR_CONFIG,
			       "a public key cannot be %s, only retiring",
			       key_state_name(state));
	memcpy(name.kid, entry->key->kid, sizeof(name.kid));
	keyring_name_write(&name, file);
	if (renameat(dir, entry->file, dir, file) != 0)
		return err_set(err, ERR_CONFIG, "cannot rename %s: %s",
			       entry->file, strerror(errno));
	return keyring_dir_sync(dir, err);
}

/* Returns 0 when the file was not renamed or removed since it was loaded. */
static int
check_still(int dir, const struct keyring_entry *entry, struct err *err)
{
	if (faccessat(dir, entry->file, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return err_set(err, ERR_CONFIG,
			       "key %s was changed by another process",
			       entry->key->kid);
	return 0;
}

int
keyring_rotate(const char *directory, const struct keyring_entry *old,
	       const struct keyring_entry *next, const struct env *env,
	       struct err *err)
{
	struct keyring_place p;
	int rc = place_open(directory, false, KEYRING_WRITE, &p, err);

	if (rc == 0) {
		if (old != NULL)
			rc = check_still(p.dir, old, err);
		if (rc == 0)
			rc = rename_entry(p.dir, next, KEY_ACTIVE, env, err);
		if (rc == 0 && old != NULL)
			rc = rename_entry(p.dir, old, KEY_RETIRING, env, err);
		place_close(&p);
	}
	return rc == 0 ? 0 : err_context(err, "%s", directory);
}

int
keyring_remove(const char *directory, const struct keyring_entry *entry,
	       struct err *err)
{
	struct keyring_place p;
	int rc = place_open(directory, false, KEYRING_WRITE, &p, err);

	if (rc == 0) {
		assert(entry->file != NULL);
		if (unlinkat(p.dir, entry->file, 0) != 0)
			rc = err_set(err, ERR_CONFIG, "cannot remove %s: %s",
				     entry->file, strerror(errno));
		else
			rc = keyring_dir_sync(p.dir, err);
		place_close(&p);
	}
	return rc == 0 ? 0 : err_context(err, "%s", directory);
}
