/* SPDX-License-Identifier: MIT */
/* Properties that every mode has, tested for each mode. */
#include "tests/unit/modes/refresh_fixture.h"

#include <dirent.h>

#include "auth/csrf.h"
#include "http/cookie.h"
#include "tests/support/tokens.h"

#define REVOKED "revocation = store\n"

static const char *const modes[] = { "session", "jwt", "refresh" };

/* All cookies that a browser has after a sign-in, as a parameter. */
static const char *
cookies(void)
{
	static const char *const names[] = { SESSION, ACCESS, REFRESH };
	struct flow_answer a = flow_sign_in(&f, "alice", FLOW_PASSWORD, NULL);
	const char *all = "HTTP_COOKIE=none=x";

	ck_assert_uint_eq(a.status, 200);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = flow_cookie(&f, &a, names[i]);

		if (value != NULL)
			all = flow_text(&f, "%s; %s=%s", all, names[i], value);
	}
	return all;
}

static unsigned
check_of(const char *presented)
{
	return flow_verify(&f, "/", presented, NULL).status;
}

/* In mode refresh the access token stays valid after a sign-out, so the store
 * is asked. */
static bool
is_signed_in(const char *presented)
{
	if (f.service->mode_ops->refresh_cookie != COOKIE_REFRESH)
		return check_of(presented) == 204;
	return flow_sessions(&f, "alice").n == 1;
}

START_TEST(malformed_sign_out_is_refused)
{
	static const struct {
		const char *type, *body;
	} rows[] = {
		{ FORM, "csrf=%" },
		{ FORM, "csrf=a&csrf=b" },
		{ FORM, "refresh_token=%00" },
		{ JSON, "{" },
		{ JSON, "[]" },
	};
	const char *presented;

	use_mode(modes[_i], REVOKED);
	presented = cookies();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow_answer a =
		    flow_post(&f, "/auth/logout", rows[i].type, rows[i].body,
			      presented);

		ck_assert_msg(a.status == 400, "row %zu: the status is %u", i,
			      a.status);
		ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	}
	ck_assert(is_signed_in(presented));
}
END_TEST

/* Signs out while the n-th call to the store and all later ones fail. Returns
 * false if there is no n-th call. */
static bool
stays_signed_in(const char *body, const char *presented, unsigned n)
{
	struct flow_answer a;

	store_faulty_fail(&f.faulty, n, true);
	a = flow_post(&f, "/auth/logout", body != NULL ? FORM : JSON,
		      body != NULL ? body : "", presented);
	if (atomic_load(&f.faulty.failed) == 0) {
		ck_assert_uint_eq(a.status, body != NULL ? 303 : 204);
		ck_assert_ptr_nonnull(flow_header(&a, "Set-Cookie").p);
		return false;
	}
	ck_assert_msg(a.status == 503, "call %u fails: the status is %u", n,
		      a.status);
	ck_assert_ptr_nonnull(flow_header(&a, "Retry-After").p);
	ck_assert_ptr_null(flow_header(&a, "Set-Cookie").p);
	store_faulty_fail(&f.faulty, 0, false);
	fake_env_advance(&f.fake, 2); /* the breaker closes */
	return true;
}

/* A program and a form sign out, in each mode. */
START_TEST(sign_out_needs_the_store)
{
	const char *presented, *body = NULL;
	struct flow_answer page;
	unsigned n = 1;

	use_mode(modes[_i / 2], REVOKED);
	presented = cookies();
	if (_i % 2 == 1) {
		page = flow_get(&f, "/auth/logout", presented, NULL);
		body = flow_text(&f, "csrf=%s", flow_csrf(&f, &page));
	}
	while (stays_signed_in(body, presented, n)) {
		/* If the first call fails, no session has ended. */
		if (n++ == 1)
			ck_assert(is_signed_in(presented));
	}
	ck_assert_uint_gt(n, 1);
	store_faulty_fail(&f.faulty, 0, false);
	ck_assert(!is_signed_in(presented));
}
END_TEST

static void
form_token(char out[CSRF_TOKEN_CHARS])
{
	static const char *const params[] = { NULL };
	struct flow_exchange x;
	struct str token;
	struct err err;

	flow_exchange(&f, params, &x);
	ck_assert_int_eq(csrf_token(&x.e, STR("one"), &token, &err), 0);
	ck_assert_uint_eq(token.n, CSRF_TOKEN_CHARS);
	memcpy(out, token.p, CSRF_TOKEN_CHARS);
}

/* Instances accept the forms of each other. In the modes session and refresh
 * they share a secret of the store, in mode jwt the key. Random numbers and the
 * secrets of other labels have no effect. */
START_TEST(instances_share_the_secret_of_forms)
{
	bool by_key = strcmp(modes[_i], "jwt") == 0;
	char one[CSRF_TOKEN_CHARS], two[CSRF_TOKEN_CHARS];
	char three[CSRF_TOKEN_CHARS];
	struct backend *shared;
	char path[64];
	FILE *file;

	use_mode(modes[_i], REVOKED);
	form_token(one);
	shared = backend_ref(f.store);
	use_mode(modes[_i], REVOKED);
	atomic_store(&f.fake.random, 12345);
	form_token(two);
	ck_assert_int_eq(memcmp(one, two, sizeof(one)) == 0, by_key);
	(void)snprintf(path, sizeof(path), "%s/secret", folder);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs("another secret of 32 bytes or so", file), 0);
	ck_assert_int_eq(fclose(file), 0);
	use_mode(modes[_i], REVOKED);
	atomic_store(&f.fake.random, 54321);
	store_conn_bind(f.conns.store, shared);
	form_token(three);
	ck_assert_int_eq(memcmp(one, three, sizeof(one)) == 0, !by_key);
	store_conn_bind(f.conns.store, f.store);
	backend_unref(shared);
}
END_TEST

START_TEST(secrets_differ_by_label)
{
	uint8_t a[32], b[32], again[32];
	struct err err;

	use_mode("jwt", REVOKED);
	ck_assert_int_eq(f.service->mode_ops->secret(f.service->mode, "a", a,
						     &err),
			 0);
	ck_assert_int_eq(f.service->mode_ops->secret(f.service->mode, "b", b,
						     &err),
			 0);
	ck_assert_int_eq(f.service->mode_ops->secret(f.service->mode, "a",
						     again, &err),
			 0);
	ck_assert_mem_eq(a, again, sizeof(a));
	ck_assert_mem_ne(a, b, sizeof(a));
}
END_TEST

static void
remove_keys(const char *keys)
{
	const struct dirent *e;
	DIR *d = opendir(keys);

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			ck_assert_int_eq(unlinkat(dirfd(d), e->d_name, 0), 0);
	}
	ck_assert_int_eq(closedir(d), 0);
	ck_assert_int_eq(rmdir(keys), 0);
}

static const struct {
	enum jws_alg alg;
	const char *members; /* the members of a public key */
} kinds[] = {
	{ JWS_RS256, "alg e kid kty n use" },
	{ JWS_PS256, "alg e kid kty n use" },
	{ JWS_ES256, "alg crv kid kty use x y" },
	{ JWS_ES384, "alg crv kid kty use x y" },
	{ JWS_EDDSA, "alg crv kid kty use x" },
};

static void
add_key(const char *keys, enum jws_alg alg)
{
	struct jwk *key = tokens_key(alg);
	struct err err;

	ck_assert_int_eq(keyring_add(keys, key, KEY_ACTIVE, &f.fake.env, &err),
			 0);
	jwk_free(key);
}

static void
is_public(const json_t *key, const char *alg, const char *members)
{
	struct str rest = str_from(members), name;
	size_t n = 0;

	ck_assert_str_eq(json_string_value(json_object_get(key, "alg")), alg);
	ck_assert_str_eq(json_string_value(json_object_get(key, "use")), "sig");
	for (; str_word(&rest, &name); n++) {
		const char *text = flow_text(&f, "%.*s", STR_ARG(name));

		ck_assert_msg(json_object_get(key, text) != NULL,
			      "%s: the member %s is missing", alg, text);
	}
	ck_assert_uint_eq(json_object_size(key), n);
}

/* In the modes that sign, the published key has its public members and no
 * others. */
START_TEST(public_keys_are_published)
{
	const char *mode = modes[1 + _i % 2];
	const char *alg = jws_alg_name(kinds[_i / 2].alg);
	struct flow_answer a;
	const char *presented;
	char keys[64], ini[256];
	json_t *set;

	(void)snprintf(keys, sizeof(keys), "%s/keys", folder);
	(void)snprintf(ini, sizeof(ini),
		       "[auth]\nmode = %s\n[store]\ndriver = memory\n"
		       "[jwt]\nalgorithm = %s\nkeys = %s\n",
		       mode, alg, keys);
	add_key(keys, kinds[_i / 2].alg);
	flow_free(&f);
	flow_init(&f, ini);
	presented = cookies();
	ck_assert_uint_eq(check_of(presented), 204);
	a = flow_get(&f, "/auth/jwks.json", NULL, NULL);
	ck_assert_uint_eq(a.status, 200);
	set = json_loadb(a.body.p, a.body.n, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(set);
	ck_assert_uint_eq(json_array_size(json_object_get(set, "keys")), 1);
	is_public(json_array_get(json_object_get(set, "keys"), 0), alg,
		  kinds[_i / 2].members);
	json_decref(set);
	remove_keys(keys);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("each_mode");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, malformed_sign_out_is_refused, 0,
			    ARRAY_LEN(modes));
	tcase_add_loop_test(t, sign_out_needs_the_store, 0,
			    2 * ARRAY_LEN(modes));
	tcase_add_loop_test(t, instances_share_the_secret_of_forms, 0,
			    ARRAY_LEN(modes));
	tcase_add_test(t, secrets_differ_by_label);
	tcase_add_loop_test(t, public_keys_are_published, 0,
			    2 * ARRAY_LEN(kinds));
	return run_case(t);
}
