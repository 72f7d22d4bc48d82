/* SPDX-License-Identifier: MIT */
/* Key directories: creating, loading, changing. */
#include "tests/unit/crypto/keyring_fixture.h"

static mode_t
mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* Renames the file of a key, as an administrator may do with mv(1). */
static void
change_state(const struct keyring_entry *e, enum key_state state)
{
	struct keyring_name name = { .alg = e->key->alg,
				     .state = state,
				     .since = FAKE_NOW };
	char file[KEYRING_NAME_MAX], from[PATH_BYTES], to[PATH_BYTES];

	memcpy(name.kid, e->key->kid, sizeof(name.kid));
	keyring_name_write(&name, file);
	path_of(e->file, from);
	path_of(file, to);
	ck_assert_int_eq(rename(from, to), 0);
}

START_TEST(first_key_is_made_on_first_use)
{
	static const enum jws_alg algs[] = { JWS_ES256, JWS_HS512, JWS_EDDSA };
	const mode_t mask = umask(_i == 0 ? 0 : 0777);
	struct keyring r = load(algs[_i]), again;
	char path[PATH_BYTES];

	(void)umask(mask);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_int_eq(r.v[0].state, KEY_ACTIVE);
	ck_assert_int_eq(r.v[0].since, FAKE_NOW);
	ck_assert_ptr_eq(r.signer, r.v[0].key);
	ck_assert_int_eq(r.signer->alg, algs[_i]);
	path_of(r.v[0].file, path);
	ck_assert_int_eq((int)mode_of(path), 0600);
	ck_assert_int_eq((int)mode_of(keys) & 077, 0);
	ck_assert_int_eq(each(NULL), 1);
	again = load(JWS_RS256); /* another algorithm makes no other key */
	ck_assert_uint_eq(again.n, 1);
	ck_assert_str_eq(again.signer->kid, r.signer->kid);
	ck_assert_ptr_eq(keyring_find(&again, str_from(r.signer->kid)),
			 again.signer);
	ck_assert_ptr_null(keyring_find(&again, STR("")));
}
END_TEST

START_TEST(keyring_may_be_empty)
{
	struct keyring r = { .n = 1 };
	struct err err;

	ck_assert_int_eq(keyring_load(keys, JWS_NONE, &fake.env, arena, &r,
				      &err),
			 -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_int_eq(mkdir(keys, 0700), 0);
	r = load(JWS_NONE);
	ck_assert_uint_eq(r.n, 0);
	ck_assert_ptr_null(r.signer);
}
END_TEST

START_TEST(keyring_needs_random_numbers)
{
	struct keyring r;
	struct err err;

	atomic_store(&fake.no_entropy, true);
	ck_assert_int_eq(keyring_load(keys, JWS_ES256, &fake.env, arena, &r,
				      &err),
			 -1);
	ck_assert_int_eq(each(NULL), 0);
}
END_TEST

/* Eight processes that start at once make one key. */
START_TEST(parallel_starts_make_one_key)
{
	char kids[8][JWK_KID_CHARS + 1];
	int to_parent[2], go[2];

	ck_assert(pipe(to_parent) == 0 && pipe(go) == 0);
	for (int i = 0; i < 8; i++) {
		pid_t pid = fork();
		char c;

		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			struct keyring r;
			struct err err;

			(void)close(go[1]);
			if (read(go[0], &c, 1) != 0 ||
			    keyring_load(keys, JWS_RS256, &fake.env, arena, &r,
					 &err) != 0 ||
			    write(to_parent[1], r.signer->kid,
				  sizeof(kids[0])) != sizeof(kids[0]))
				_exit(1);
			_exit(0);
		}
	}
	(void)close(go[0]);
	(void)close(go[1]);
	for (int i = 0; i < 8; i++) {
		int status;

		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(read(to_parent[0], kids, sizeof(kids)), sizeof(kids));
	for (int i = 1; i < 8; i++)
		ck_assert_str_eq(kids[i], kids[0]);
	ck_assert_int_eq(each(NULL), 1);
}
END_TEST

START_TEST(keys_change_states)
{
	struct keyring r;
	struct err err = { .msg = "" };
	json_t *jwks;

	add(JWS_ES256, KEY_ACTIVE);
	fake_env_advance(&fake, 10);
	add(JWS_EDDSA, KEY_PENDING);
	fake_env_advance(&fake, 10);
	add(JWS_HS256, KEY_RETIRING);
	r = load(JWS_NONE);
	ck_assert_uint_eq(r.n, 3); /* the oldest key is first */
	ck_assert_int_eq(r.v[0].key->alg, JWS_ES256);
	ck_assert_int_eq(r.v[1].key->alg, JWS_EDDSA);
	ck_assert_int_eq(r.v[2].key->alg, JWS_HS256);
	ck_assert_int_eq(r.v[1].state, KEY_PENDING);
	ck_assert_int_eq(r.v[1].since, FAKE_NOW + 10);
	ck_assert_ptr_eq(r.signer, r.v[0].key);
	jwks = keyring_jwks(&r);
	ck_assert_uint_eq(json_array_size(json_object_get(jwks, "keys")), 2);
	json_decref(jwks);

	fake_env_advance(&fake, 10);
	ck_assert_msg(keyring_rotate(keys, &r.v[0], &r.v[1], &fake.env, &err) ==
			  0,
		      "%s", err.msg);
	r = load(JWS_NONE);
	ck_assert_int_eq(r.signer->alg, JWS_EDDSA);
	ck_assert_int_eq(r.v[0].key->alg, JWS_HS256);
	ck_assert_int_eq(keyring_remove(keys, &r.v[0], &err), 0);
	ck_assert_int_eq(keyring_remove(keys, &r.v[0], &err), -1);
	r = load(JWS_NONE);
	ck_assert_uint_eq(r.n, 2);
	for (size_t i = 0; i < r.n; i++) {
		ck_assert_int_eq(r.v[i].since, FAKE_NOW + 30);
		ck_assert_int_eq(r.v[i].state, r.v[i].key == r.signer ?
						   KEY_ACTIVE :
						   KEY_RETIRING);
	}
	/* The only active key becomes a retiring one. */
	change_state(&r.v[r.v[0].key == r.signer ? 0 : 1], KEY_RETIRING);
	assert_refused("no key is active");
}
END_TEST

START_TEST(only_one_key_may_be_active)
{
	struct jwk *key = tokens_key(JWS_EDDSA);
	struct keyring r;
	struct err err;

	add(JWS_ES256, KEY_ACTIVE);
	ck_assert_int_eq(keyring_add(keys, key, KEY_ACTIVE, &fake.env, &err),
			 -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	fake_env_advance(&fake, 1);
	add(JWS_EDDSA, KEY_PENDING);
	r = load(JWS_NONE);
	change_state(&r.v[1], KEY_ACTIVE);
	assert_refused("2 keys are active");
	jwk_free(key);
}
END_TEST

/* The second rotation fails and renames nothing, because the keys changed after
 * they were loaded. */
START_TEST(second_rotation_is_refused)
{
	struct keyring r, again;
	struct err err;

	add(JWS_ES256, KEY_ACTIVE);
	fake_env_advance(&fake, 1);
	add(JWS_EDDSA, KEY_PENDING);
	r = load(JWS_NONE);
	fake_env_advance(&fake, 1);
	ck_assert_int_eq(keyring_rotate(keys, &r.v[0], &r.v[1], &fake.env,
					&err),
			 0);
	fake_env_advance(&fake, 1);
	ck_assert_int_eq(keyring_rotate(keys, &r.v[0], &r.v[1], &fake.env,
					&err),
			 -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	again = load(JWS_NONE);
	ck_assert_int_eq(again.signer->alg, JWS_EDDSA);
	ck_assert_int_eq(again.v[0].since, FAKE_NOW + 2);
}
END_TEST

START_TEST(key_cannot_be_added_twice)
{
	struct jwk *key = tokens_key(JWS_ES256);
	struct err err = { .msg = "" };

	add(JWS_ES256, KEY_ACTIVE);
	ck_assert_int_eq(keyring_add(keys, key, KEY_PENDING, &fake.env, &err),
			 -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "already exists"));
	ck_assert_int_eq(each(NULL), 1);
	jwk_free(key);
}
END_TEST

#define PUBKEY                                                                 \
	"-----BEGIN PUBLIC KEY-----\n"                                         \
	"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"       \
	"-----END PUBLIC KEY-----\n"
#define PUBKEY_KID "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"

/* A public key may retire, and cannot be activated. */
START_TEST(public_key_may_retire)
{
	struct keyring r;
	struct err err;
	char path[PATH_BYTES];

	add(JWS_ES256, KEY_ACTIVE);
	path_of(PUBKEY_KID ".EdDSA.retiring.1.pem", path);
	write_file(path, PUBKEY, 0600);
	path_of(".hidden", path);
	write_file(path, "x", 0644);
	r = load(JWS_NONE);
	ck_assert_uint_eq(r.n, 2);
	ck_assert(!r.v[0].key->can_sign);
	ck_assert_int_eq(keyring_rotate(keys, NULL, &r.v[0], &fake.env, &err),
			 -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
}
END_TEST

START_TEST(loading_fails_without_memory)
{
	unsigned n = 0;
	bool failed = true;

	add(JWS_ES256, KEY_ACTIVE);
	add(JWS_HS256, KEY_PENDING);
	for (; failed && n < 1000; n++) {
		struct arena *a = arena_new(ARENA_BYTES);
		struct keyring r = { .n = 77 };
		struct err err;

		arena_fail_after(a, n);
		failed =
		    keyring_load(keys, JWS_NONE, &fake.env, a, &r, &err) != 0;
		ck_assert_int_eq(failed, arena_has_failed(a));
		ck_assert_uint_eq(r.n, failed ? 77 : 2);
		arena_free(a);
	}
	ck_assert(n > 3 && !failed);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("keyring");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, first_key_is_made_on_first_use, 0, 3);
	tcase_add_test(t, keyring_may_be_empty);
	tcase_add_test(t, keyring_needs_random_numbers);
	tcase_add_test(t, parallel_starts_make_one_key);
	tcase_add_test(t, keys_change_states);
	tcase_add_test(t, only_one_key_may_be_active);
	tcase_add_test(t, second_rotation_is_refused);
	tcase_add_test(t, key_cannot_be_added_twice);
	tcase_add_test(t, public_key_may_retire);
	tcase_add_test(t, loading_fails_without_memory);
	return run_case(t);
}
