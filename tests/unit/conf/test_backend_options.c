/* SPDX-License-Identifier: MIT */
/* Options of stores, user sources and modes: minimum and maximum values, and
 * the values next to them. */
#include "modes/jwt_settings.h"
#include "strategy/registry.h"
#include "base/arena.h"
#include "tests/support/run.h"

#include <check.h>
#include <string.h>

struct row {
	const char *key;
	const char *value; /* NULL: a text of `letters` letters */
	size_t letters;
	bool fine;
};

#define TEXT(key, value, fine)                                                 \
	{                                                                      \
		key, value, 0, fine                                            \
	}
#define LETTERS(key, letters, fine)                                            \
	{                                                                      \
		key, NULL, letters, fine                                       \
	}
#define SECONDS(key, least, most, less, more)                                  \
	TEXT(key, least, true), TEXT(key, most, true), TEXT(key, less, false), \
	    TEXT(key, more, false)

static const struct row redis_rows[] = {
	SECONDS("connect_timeout", "1s", "60s", "0", "61s"),
	SECONDS("timeout", "1s", "60s", "0", "61s"),
	LETTERS("prefix", 1, true),
	LETTERS("prefix", 64, true),
	LETTERS("prefix", 65, false),
	TEXT("prefix", "", false),
	TEXT("prefix", "!app:~", true),
	TEXT("prefix", "a{b", false),
	TEXT("prefix", "a}", false),
	TEXT("prefix", "a b", false),
	TEXT("prefix", "a\x7f", false),
	TEXT("prefix", "\xc3\xa4", false),
	TEXT("cluster", "yes", true),
	TEXT("ca_file", "x.pem", false),
};

static const struct row postgres_rows[] = {
	SECONDS("connect_timeout", "2s", "60s", "1s", "61s"),
	SECONDS("timeout", "1s", "60s", "0", "61s"),
	LETTERS("conninfo", 4096, true),
	LETTERS("conninfo", 4097, false),
};

static const struct row users_rows[] = {
	LETTERS("query", 8192, true),
	LETTERS("query", 8193, false),
	LETTERS("update_hash", 8192, true),
	LETTERS("update_hash", 8193, false),
};

static const struct row jwt_rows[] = {
	LETTERS("issuer", 1, true),
	LETTERS("issuer", 256, true),
	LETTERS("issuer", 257, false),
	TEXT("issuer", "", false),
	LETTERS("audience", 1, true),
	LETTERS("audience", 256, true),
	LETTERS("audience", 257, false),
	TEXT("audience", "", false),
	SECONDS("ttl", "1s", "30d", "0", "2592001s"),
	TEXT("leeway", "0", true),
	TEXT("leeway", "120s", true),
	TEXT("leeway", "121s", false),
	TEXT("algorithm", "HS256", true),
	TEXT("algorithm", "none", false),
	TEXT("revocation", "store", true),
	TEXT("revocation", "maybe", false),
};

static const struct row session_rows[] = {
	SECONDS("idle_timeout", "1s", "365d", "0", "31536001s"),
	SECONDS("absolute_timeout", "1s", "365d", "0", "31536001s"),
	TEXT("remember", "0", true),
	TEXT("remember", "400d", true),
	TEXT("remember", "34560001s", false),
	TEXT("max_per_user", "0", true),
	TEXT("max_per_user", "1000000", true),
	TEXT("max_per_user", "1000001", false),
};

static const struct row refresh_rows[] = {
	SECONDS("idle_timeout", "1s", "400d", "0", "34560001s"),
	SECONDS("absolute_timeout", "1s", "400d", "0", "34560001s"),
	TEXT("grace", "0", true),
	TEXT("grace", "60s", true),
	TEXT("grace", "61s", false),
};

static void
check_rows(const struct option *options, size_t size, const struct row *rows,
	   size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct arena *a = arena_new(1 << 20);
		const struct option *o =
		    option_find(options, str_from(rows[i].key));
		struct str value = { .n = rows[i].letters };
		char letters[9000];
		struct err err;
		void *conf;

		ck_assert_ptr_nonnull(a);
		ck_assert_msg(o != NULL, "option %s does not exist",
			      rows[i].key);
		memset(letters, 'x', sizeof(letters));
		value.p = letters;
		if (rows[i].value != NULL)
			value = str_from(rows[i].value);
		conf = arena_alloc(a, size);
		ck_assert_int_eq(option_defaults(options, conf, a, &err), 0);
		ck_assert_msg((option_set(o, conf, value, a, &err) == 0) ==
				  rows[i].fine,
			      "row %zu: %s", i, rows[i].key);
		arena_free(a);
	}
}

#define CHECK(base, rows)                                                      \
	check_rows((base).options, (base).conf_size, rows, ARRAY_LEN(rows))

START_TEST(redis_options_have_their_ranges)
{
	CHECK(registry_store("redis")->base.driver, redis_rows);
}
END_TEST

START_TEST(postgres_options_have_their_ranges)
{
	const struct backend_ops *users =
	    &registry_user_source("postgres")->base;

	CHECK(registry_store("postgres")->base.driver, postgres_rows);
	CHECK(users->driver, postgres_rows);
	CHECK(users->driver, users_rows);
}
END_TEST

START_TEST(jwt_options_have_their_ranges)
{
	check_rows(jwt_options, sizeof(struct jwt_conf), jwt_rows,
		   ARRAY_LEN(jwt_rows));
}
END_TEST

START_TEST(mode_options_have_their_ranges)
{
	CHECK(registry_mode("session")->driver, session_rows);
	CHECK(registry_mode("refresh")->driver, refresh_rows);
}
END_TEST

/* The algorithm must be an HS algorithm if there is a secret; without a secret
 * there must be a folder of keys. */
START_TEST(jwt_needs_a_secret_or_a_folder)
{
	static const struct {
		const char *algorithm, *secret_file, *keys, *says;
	} rows[] = {
		{ "HS256", "/s", NULL, NULL },
		{ "HS512", "/s", "/k", NULL },
		{ "ES256", NULL, "/k", NULL },
		{ "ES256", "/s", "/k", "secret_file: needs an HS algorithm" },
		{ "EdDSA", "/s", NULL, "secret_file: needs an HS algorithm" },
		{ "HS256", NULL, NULL, "keys or secret_file must be set" },
		{ "ES256", NULL, NULL, "keys or secret_file must be set" },
	};
	const struct option *o = option_find(jwt_options, STR("algorithm"));

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a = arena_new(1 << 16);
		struct jwt_conf conf = { .secret_file = rows[i].secret_file,
					 .keys = rows[i].keys };
		struct err err = { .code = ERR_NONE };
		int result;

		ck_assert_int_eq(option_set(o, &conf,
					    str_from(rows[i].algorithm), a,
					    &err),
				 0);
		result = jwt_conf_check(&conf, &err);
		ck_assert_msg(result == (rows[i].says == NULL ? 0 : -1),
			      "row %zu", i);
		if (rows[i].says != NULL)
			ck_assert_msg(err.code == ERR_CONFIG &&
					  strcmp(err.msg, rows[i].says) == 0,
				      "row %zu: %s", i, err.msg);
		arena_free(a);
	}
}
END_TEST

/* The folder is missing only if there is no file of that name and no secret. */
START_TEST(missing_jwt_folder_is_recognised)
{
	static const struct {
		const char *keys, *secret_file;
		bool missing;
	} rows[] = {
		{ "/nonexistent/keys", NULL, true },
		{ "/nonexistent/keys", "/nonexistent/secret", false },
		{ "/", NULL, false },
		{ "/dev/null/keys", NULL, false }, /* stat() fails */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct jwt_conf conf = {
			.keys = rows[i].keys,
			.secret_file = rows[i].secret_file,
		};

		ck_assert_msg(jwt_conf_is_missing(&conf) == rows[i].missing,
			      "row %zu", i);
	}
}
END_TEST

/* The file of a backend, or NULL if it has none. */
static const char *
path_of(const struct backend_ops *ops, const void *conf)
{
	const struct backend_choice choice = { .ops = ops, .conf = conf };

	return backend_path(&choice);
}

START_TEST(backend_without_a_file_tells_none)
{
	ck_assert_ptr_null(path_of(&registry_store("memory")->base, NULL));
	ck_assert_ptr_null(path_of(&registry_store("redis")->base, NULL));
	ck_assert_ptr_null(path_of(&registry_user_source("htpasswd")->base,
				   NULL));
}
END_TEST

START_TEST(sqlite_tells_its_file)
{
	const struct backend_ops *sqlite = &registry_store("sqlite")->base;
	struct arena *a = arena_new(1 << 20);
	struct err err;
	void *conf;

	ck_assert_ptr_nonnull(a);
	conf = arena_alloc(a, sqlite->driver.conf_size);
	ck_assert_int_eq(option_defaults(sqlite->driver.options, conf, a, &err),
			 0);
	ck_assert_str_eq(path_of(sqlite, conf),
			 "/var/lib/fcgiauth/fcgiauth.db");
	arena_free(a);
}
END_TEST

static bool
is_compiled(const char *store)
{
	return registry_store(store)->base.driver.conf_size > 0;
}

int
main(void)
{
	TCase *t = new_case("backend_options");

	if (is_compiled("redis"))
		tcase_add_test(t, redis_options_have_their_ranges);
	if (is_compiled("postgres"))
		tcase_add_test(t, postgres_options_have_their_ranges);
	if (is_compiled("sqlite"))
		tcase_add_test(t, sqlite_tells_its_file);
	tcase_add_test(t, jwt_options_have_their_ranges);
	tcase_add_test(t, mode_options_have_their_ranges);
	tcase_add_test(t, jwt_needs_a_secret_or_a_folder);
	tcase_add_test(t, missing_jwt_folder_is_recognised);
	tcase_add_test(t, backend_without_a_file_tells_none);
	return run_case(t);
}
