/* SPDX-License-Identifier: MIT */
/* fcgiauthctl key. */
#include "ctl/output.h"
#include "ctl/keys.h"

#include <stdio.h>

/* The time, in seconds, for which verifiers may use their copy of the JWKS. */
#define JWKS_LIFE 3600

#define TAKEN_UP "running daemons take this up at SIGHUP"

static json_t *
entry_json(const struct keyring_entry *e)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:b}", "kid", e->key->kid, "alg",
			 jws_alg_name(e->key->alg), "state",
			 key_state_name(e->state), "since",
			 e->file == NULL ? json_null() :
					   json_integer((json_int_t)e->since),
			 "private", (int)e->key->can_sign);
}

static enum ctl_exit
key_list_json(struct ctl *c, const struct keyring *keys)
{
	const char *secret_file = keys_conf(c)->secret_file;
	json_t *array = json_array();

	for (size_t i = 0; i < keys->n; i++) {
		if (json_array_append_new(array, entry_json(&keys->v[i])) !=
		    0) {
			json_decref(array);
			return ctl_refuse("out of memory");
		}
	}
	return output_json(json_pack(
		   "{s:o, s:o}", "keys", array, "secret_file",
		   secret_file == NULL ?
		       json_null() :
		       output_json_text(c->arena, str_from(secret_file)))) ==
		       0 ?
		   CTL_DONE :
		   ctl_refuse("out of memory");
}

static enum ctl_exit
key_list_text(struct ctl *c, const struct keyring *keys)
{
	static const char *const heads[] = { "KID", "ALG", "STATE", "SINCE",
					     "KIND" };
	struct table table;

	table_init(&table, c->arena, heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < keys->n; i++) {
		const struct keyring_entry *e = &keys->v[i];

		table_add(&table,
			  (const struct str[]){
			      str_from(e->key->kid),
			      str_from(jws_alg_name(e->key->alg)),
			      str_from(key_state_name(e->state)),
			      output_time(c->arena, e->since),
			      e->key->can_sign ? STR("private") : STR("public"),
			  });
	}
	if (table_print(&table) != 0)
		return ctl_refuse("out of memory");
	if (keys_conf(c)->secret_file != NULL)
		ctl_warn("[jwt] secret_file: this is one shared secret; there "
			 "is nothing to rotate");
	return CTL_DONE;
}

enum ctl_exit
key_list(struct ctl *c)
{
	struct keyring keys;
	struct err err;

	if (keys_load(c, &keys, &err) != 0)
		return ctl_refuse("%s", err.msg);
	return ctl_given(c, FLAG_JSON) ? key_list_json(c, &keys) :
					 key_list_text(c, &keys);
}

/* Loads the keys for a command that changes the directory. */
static enum ctl_exit
open_keys(struct ctl *c, struct keyring *keys)
{
	struct err err;

	if (keys_conf(c)->secret_file != NULL)
		return ctl_refuse(
		    "[jwt] secret_file = %s: the one secret is in "
		    "that file, and other programs share it; "
		    "change it in all places at once",
		    keys_conf(c)->secret_file);
	if (keys_load(c, keys, &err) != 0)
		return ctl_refuse("%s", err.msg);
	return CTL_DONE;
}

static void
audit_key(const struct ctl *c, const char *event, const struct jwk *key,
	  const char *state)
{
	ctl_audit(c, event,
		  (const struct log_field[]){
		      F_CSTR("kid", key->kid),
		      F_CSTR("alg", jws_alg_name(key->alg)),
		      F_CSTR("state", state) },
		  3);
}

static const struct keyring_entry *
find_entry(const struct keyring *keys, struct str kid)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (str_eq(kid, str_from(keys->v[i].key->kid)))
			return &keys->v[i];
	}
	return NULL;
}

/* Returns the oldest key in this state: the keys are sorted by age. */
static const struct keyring_entry *
first_entry(const struct keyring *keys, enum key_state state)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (keys->v[i].state == state)
			return &keys->v[i];
	}
	return NULL;
}

/* Makes a new key for --alg or the configured algorithm. */
static enum ctl_exit
make_key(struct ctl *c, struct jwk **out)
{
	enum jws_alg alg;
	enum ctl_exit status = keys_alg(c, &alg);
	struct err err;

	if (status != CTL_DONE)
		return status;
	if (alg == JWS_NONE)
		alg = jwt_conf_alg(keys_conf(c));
	if (jwk_generate(alg, out, &err) != 0 || keys_own(c, *out, &err) != 0)
		return ctl_refuse("%s", err.msg);
	return CTL_DONE;
}

/* If two processes add the first key at the same time, only one key becomes
 * active. */
static int
add_private(const struct ctl *c, const struct jwk *key, bool first,
	    enum key_state *state, struct err *err)
{
	const char *directory = keys_conf(c)->keys;

	*state = KEY_ACTIVE;
	if (first && keyring_add(directory, key, *state, &c->env, err) == 0)
		return 0;
	*state = KEY_PENDING;
	return keyring_add(directory, key, *state, &c->env, err);
}

/* Adds a key as pending; but the first private key becomes active, and a public
 * key is retiring, as it never signs. */
static enum ctl_exit
add_key(const struct ctl *c, const struct keyring *keys, const struct jwk *key,
	const char *event)
{
	enum key_state state = KEY_RETIRING;
	struct err err;
	int added;

	if (!key->can_sign && keys->n == 0)
		return ctl_refuse("a public key cannot be the first one, as "
				  "it cannot sign; first, run: fcgiauthctl "
				  "key generate");
	added = key->can_sign ?
		    add_private(c, key, keys->n == 0, &state, &err) :
		    keyring_add(keys_conf(c)->keys, key, state, &c->env, &err);
	if (added != 0)
		return ctl_refuse("%s", err.msg);
	audit_key(c, event, key, key_state_name(state));
	(void)printf("%s: %s, %s; " TAKEN_UP "\n", key->kid,
		     jws_alg_name(key->alg), key_state_name(state));
	return CTL_DONE;
}

enum ctl_exit
key_generate(struct ctl *c)
{
	struct keyring keys;
	struct jwk *key = NULL;
	enum ctl_exit status = open_keys(c, &keys);

	if (status == CTL_DONE)
		status = make_key(c, &key);
	return status == CTL_DONE ? add_key(c, &keys, key, "key_generated") :
				    status;
}

enum ctl_exit
key_import(struct ctl *c)
{
	struct keyring keys;
	struct jwk *key = NULL;
	bool world_readable = false;
	/* The file is read first, with the rights of the caller. */
	enum ctl_exit status =
	    keys_read_key(c, c->operand, &key, &world_readable);
	struct err err;

	if (status == CTL_DONE && jwk_check_primes(key, &err) != 0)
		status = ctl_refuse("%s: %s", c->operand, err.msg);
	if (status == CTL_DONE)
		status = open_keys(c, &keys);
	if (status == CTL_DONE && world_readable && key->can_sign)
		ctl_warn("warning: %s: every user of this machine may read "
			 "this key",
			 c->operand);
	if (status == CTL_DONE && key->renamed)
		ctl_warn("warning: %s: the kid of this key is not kept: here "
			 "the kid of a key is its thumbprint (RFC 7638), and "
			 "tokens with another kid are refused",
			 c->operand);
	return status == CTL_DONE ? add_key(c, &keys, key, "key_imported") :
				    status;
}

/* A secret is never published, so no verifier can lack it. */
static bool
is_published(const struct jwk *key)
{
	return !jws_alg_is_hmac(key->alg);
}

static enum ctl_exit
rotate_to(const struct ctl *c, const struct keyring *keys,
	  const struct keyring_entry *next)
{
	const struct keyring_entry *old = first_entry(keys, KEY_ACTIVE);
	struct err err;

	if (keyring_rotate(keys_conf(c)->keys, old, next, &c->env, &err) != 0)
		return ctl_refuse("%s", err.msg);
	audit_key(c, "key_rotated", next->key, key_state_name(KEY_ACTIVE));
	if (old != NULL)
		audit_key(c, "key_rotated", old->key,
			  key_state_name(KEY_RETIRING));
	(void)printf("%s: %s, active; " TAKEN_UP "\n", next->key->kid,
		     jws_alg_name(next->key->alg));
	return CTL_DONE;
}

/* Makes a new key and signs with it: there was no pending key. */
static enum ctl_exit
rotate_to_new(struct ctl *c)
{
	const char *directory = keys_conf(c)->keys;
	const struct keyring_entry *next;
	struct jwk *key = NULL;
	struct keyring keys;
	enum ctl_exit status = make_key(c, &key);
	struct err err;

	if (status != CTL_DONE)
		return status;
	if (keyring_add(directory, key, KEY_PENDING, &c->env, &err) != 0 ||
	    keys_load(c, &keys, &err) != 0)
		return ctl_refuse("%s", err.msg);
	audit_key(c, "key_generated", key, key_state_name(KEY_PENDING));
	next = find_entry(&keys, str_from(key->kid));
	if (next == NULL || next->state != KEY_PENDING)
		return ctl_refuse("another process changed key %s meanwhile",
				  key->kid);
	status = rotate_to(c, &keys, next);
	if (status == CTL_DONE && is_published(key))
		ctl_warn("warning: nobody has seen this key before: programs "
			 "that check tokens by a copy of jwks.json may refuse "
			 "its tokens for up to %d s; to avoid that, run key "
			 "generate %d s before key rotate",
			 JWKS_LIFE, JWKS_LIFE);
	if (status != CTL_DONE && keyring_remove(directory, next, &err) == 0)
		audit_key(c, "key_removed", key, key_state_name(KEY_PENDING));
	return status;
}

enum ctl_exit
key_rotate(struct ctl *c)
{
	const struct keyring_entry *next;
	struct keyring keys;
	enum ctl_exit status = open_keys(c, &keys);
	int64_t wait;

	if (status != CTL_DONE)
		return status;
	if (keys.n == 0)
		return ctl_refuse("%s: there is no key yet; run: fcgiauthctl "
				  "key generate",
				  keys_conf(c)->keys);
	ctl_hold_signals();
	next = first_entry(&keys, KEY_PENDING);
	if (next == NULL)
		return rotate_to_new(c);
	wait = next->since + JWKS_LIFE - env_wall(&c->env);
	if (wait > 0 && is_published(next->key) && !ctl_given(c, FLAG_NOW))
		ctl_warn("warning: %s: programs that check tokens by a copy of "
			 "jwks.json may not know it for another %lld s",
			 next->key->kid, (long long)wait);
	return rotate_to(c, &keys, next);
}

/* Returns the seconds until no valid token of the key can exist any more and
 * all daemons know its successor. */
static int64_t
retiring_left(const struct ctl *c, const struct keyring_entry *e)
{
	const struct jwt_conf *conf = keys_conf(c);

	return e->since + conf->ttl + conf->leeway + JWKS_LIFE -
	       env_wall(&c->env);
}

enum ctl_exit
key_retire(struct ctl *c)
{
	const struct keyring_entry *e;
	struct keyring keys;
	enum ctl_exit status = open_keys(c, &keys);
	int64_t wait;
	struct err err;

	if (status != CTL_DONE)
		return status;
	e = find_entry(&keys, str_from(c->operand));
	if (e == NULL)
		return ctl_refuse("no such key: %s", c->operand);
	if (e->state == KEY_ACTIVE)
		return ctl_refuse("%s is the key that signs; first, run: "
				  "fcgiauthctl key rotate",
				  c->operand);
	wait = e->state == KEY_RETIRING ? retiring_left(c, e) : 0;
	if (wait > 0 && !ctl_given(c, FLAG_NOW))
		return ctl_refuse("%s: tokens that it signed may be in use "
				  "for another %lld s; with --now it is "
				  "removed, and these are refused at once",
				  c->operand, (long long)wait);
	ctl_hold_signals();
	if (keyring_remove(keys_conf(c)->keys, e, &err) != 0)
		return ctl_refuse("%s", err.msg);
	audit_key(c, "key_removed", e->key, key_state_name(e->state));
	(void)printf("%s: removed; " TAKEN_UP "\n", c->operand);
	return CTL_DONE;
}
