/* SPDX-License-Identifier: MIT */
/* URLs and options of Redis, and settings that contradict each other. */
#include "tests/contract/redis/fixture.h"

#include <stdio.h>
#include <string.h>

#include "backends/redis/client/target.h"
#include "base/arena.h"

static const struct {
	const char *url, *host;
	int port;
	const char *user, *password;
	int64_t db;
	bool tls;
} urls[] = {
	{ "", "127.0.0.1", 6379, "", "", 0, false },
	{ "redis://h", "h", 6379, "", "", 0, false },
	{ "redis://h/", "h", 6379, "", "", 0, false },
	{ "redis://h:1/15", "h", 1, "", "", 15, false },
	{ "redis://h/1000000", "h", 6379, "", "", 1000000, false },
	{ "redis://a-b_c.d", "a-b_c.d", 6379, "", "", 0, false },
	{ "redis://:pw@h/", "h", 6379, "", "pw", 0, false },
	{ "unix:///s", "/s", 0, "", "", 0, false },
	{ "redis://192.0.2.1:65535", "192.0.2.1", 65535, "", "", 0, false },
	{ "redis://[::1]:7000/2", "::1", 7000, "", "", 2, false },
	{ "redis://[2001:db8::1]", "2001:db8::1", 6379, "", "", 0, false },
	{ "redis://[fe80::1%eth0]:1", "fe80::1%eth0", 1, "", "", 0, false },
	{ "redis://:pw@h", "h", 6379, "", "pw", 0, false },
	{ "redis://u:pw@h", "h", 6379, "u", "pw", 0, false },
	{ "redis://u:p%40%2f%3A%00@h:2", "h", 2, "u", "p@/:", 0, false },
	{ "redis://u%3a:p:q+%2B@h", "h", 6379, "u:", "p:q++", 0, false },
	{ "redis://u:p/w@x@h/1", "h", 6379, "u", "p/w@x", 1, false },
	{ "rediss://u:pw@r.example:6380/1", "r.example", 6380, "u", "pw", 1,
	  true },
	{ "unix:///run/redis.sock", "/run/redis.sock", 0, "", "", 0, false },
	{ "unix:///run/a%20b@c?db=7", "/run/a b@c", 0, "", "", 7, false },
	{ "unix://u:p@/run/s?db=0", "/run/s", 0, "u", "p", 0, false },
};

START_TEST(urls_are_understood)
{
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct arena *a = arena_new(1 << 16);
		struct redis_target t;
		struct fixture r;

		fixture_init(&r, urls[i].url);
		ck_assert_msg(redis_target_parse(&r.conf, a, &t, &r.err) == 0,
			      "row %zu: %s", i, r.err.msg);
		ck_assert_msg(redis_check(&r.conf, &r.err) == 0, "row %zu", i);
		ck_assert_msg(t.servers.n == 1 &&
				  strcmp(t.servers.v[0].host, urls[i].host) ==
				      0 &&
				  t.servers.v[0].port == urls[i].port,
			      "row %zu: %s %d", i, t.servers.v[0].host,
			      t.servers.v[0].port);
		/* %00 is a byte of the password and does not end it. */
		ck_assert_msg(str_eq(t.login.username,
				     str_from(urls[i].user)) &&
				  str_starts(t.login.password,
					     str_from(urls[i].password)) &&
				  t.login.password.n ==
				      strlen(urls[i].password) + (i == 14),
			      "row %zu: login", i);
		ck_assert_msg(t.login.db == urls[i].db && t.tls == urls[i].tls,
			      "row %zu: db %d", i, (int)t.login.db);
		arena_free(a);
	}
}
END_TEST

START_TEST(bad_urls)
{
	static const struct {
		const char *url, *message;
	} rows[] = {
		{ "redis", "url: must be redis://" },
		{ "redis:h", "url: must be redis://" },
		{ "http://h", "url: must be redis://" },
		{ "REDIS://h", "url: must be redis://" },
		{ "redis://", "url: must have a host" },
		{ "redis:///1", "url: must have a host" },
		{ "redis://h:0", "url: must be host" },
		{ "redis://h:65536", "url: must be host" },
		{ "redis://h:x", "url: must be host" },
		{ "redis://h:", "url: must be host" },
		{ "redis://[::1", "url: must be host" },
		{ "redis://[::1]x", "url: must be host" },
		{ "redis://[::1]1", "url: must be host" },
		{ "redis://[]", "url: must be host" },
		{ "redis://:1", "url: must be host" },
		{ "redis://h h", "url: must be host" },
		{ "redis://,h", "url: must be host" },
		{ "redis://h,", "url: must be host" },
		{ "redis://u:SECRET@", "url: must have a host" },
		{ "redis://u:SECRET@h/x", "database must be a number" },
		{ "redis://u:SECRET@h/-1", "database must be a number" },
		{ "redis://h/1?db=2", "database must be a number" },
		{ "redis://h/1000001", "database must be a number" },
		{ "redis://u:SECRET%4@h", "two hexadecimal digits" },
		{ "redis://u:SECRET%zz@h", "two hexadecimal digits" },
		{ "redis://u:SECRET\n@h", "control characters" },
		{ "redis://u@h", "username: needs a password" },
		{ "redis://a,b", "cluster = yes" },
		{ "unix://run/s", "unix:///PATH" },
		{ "unix:///", "unix:///PATH" },
		{ "unix:///a%00b", "unix:///PATH" },
		{ "unix:///s?db=", "?db=NUMBER" },
		{ "unix:///s?x=1", "?db=NUMBER" },
		{ "unix:///12345678901234567890123456789012345678901234567890"
		  "12345678901234567890123456789012345678901234567890"
		  "12345678",
		  "at most 107 bytes" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture r;

		fixture_init(&r, rows[i].url);
		ck_assert_msg(redis_check(&r.conf, &r.err) == -1, "row %zu: %s",
			      i, rows[i].url);
		ck_assert_msg(r.err.code == ERR_CONFIG &&
				  strstr(r.err.msg, rows[i].message) != NULL,
			      "row %zu: %s", i, r.err.msg);
		ck_assert_msg(strstr(r.err.msg, "SECRET") == NULL, "row %zu",
			      i);
	}
}
END_TEST

struct choice {
	struct redis_conf conf;
	const char *message; /* NULL: accepted */
};

static void
check_choices(const struct choice *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct err err;
		int result = redis_check(&rows[i].conf, &err);

		if (rows[i].message == NULL)
			ck_assert_msg(result == 0, "row %zu: %s", i, err.msg);
		else
			ck_assert_msg(result == -1 && err.code == ERR_CONFIG &&
					  strstr(err.msg, rows[i].message) !=
					      NULL &&
					  strstr(err.msg, "SECRET") == NULL,
				      "row %zu: %s", i,
				      result == 0 ? "passes" : err.msg);
	}
}

START_TEST(sentinel_choices)
{
	const struct str ab[] = { STR("a:1,[::1]:2"), STR("b") };
	const struct words two = { .v = ab, .n = 2 };
	const struct str blanks[] = { STR("a:1,"), STR("b") };
	const struct words loose = { .v = blanks, .n = 2 };
	const struct str bad[] = { STR("a:b") };
	const struct words wrong = { .v = bad, .n = 1 };
	const struct str comma[] = { STR(",") };
	const struct words none = { .v = comma, .n = 1 };
	const struct str gap[] = { STR("a,,b") };
	const struct words holes = { .v = gap, .n = 1 };
	const struct str early[] = { STR(",a") };
	const struct words front = { .v = early, .n = 1 };
	const struct str m = STR("m"), x = STR("x");
	const struct choice rows[] = {
		{ { .sentinels = two, .sentinel_name = m }, NULL },
		{ { .sentinels = loose, .sentinel_name = m }, NULL },
		{ { .sentinels = none, .sentinel_name = m },
		  "sentinels: must be host" },
		{ { .sentinels = holes, .sentinel_name = m },
		  "sentinels: must be host" },
		{ { .sentinels = front, .sentinel_name = m },
		  "sentinels: must be host" },
		{ { .sentinel_username = x }, "sentinels: must be set" },
		{ { .sentinels = two,
		    .sentinel_name = m,
		    .sentinel_username = x,
		    .sentinel_password = x },
		  NULL },
		{ { .sentinels = two,
		    .sentinel_name = m,
		    .sentinel_password = x },
		  NULL },
		{ { .sentinels = two,
		    .sentinel_name = m,
		    .url = STR("rediss://:pw@/3") },
		  NULL },
		{ { .sentinels = two }, "sentinel_name: must be set" },
		{ { .sentinel_name = m }, "sentinels: must be set" },
		{ { .sentinel_password = x }, "sentinels: must be set" },
		{ { .sentinels = two,
		    .sentinel_name = m,
		    .sentinel_username = x },
		  "sentinel_username: needs" },
		{ { .sentinels = two, .sentinel_name = m, .cluster = true },
		  "cluster: must be no" },
		{ { .sentinels = two,
		    .sentinel_name = m,
		    .url = STR("redis://h") },
		  "url: must have no host" },
		{ { .sentinels = wrong, .sentinel_name = m },
		  "sentinels: must be host" },
	};

	check_choices(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(other_choices)
{
	const struct str u = STR("u"), pw = STR("p");
	const struct str secret = STR("redis://:SECRET@h");
	const struct str tls = STR("rediss://h"), plain = STR("redis://h");
	const struct choice rows[] = {
		{ { .cluster = true, .url = STR("redis://a,b:2,[::1]:3") },
		  NULL },
		{ { .cluster = true, .url = STR("redis://a/0") }, NULL },
		{ { .cluster = true, .url = STR("redis://a/1") },
		  "url: must have no database" },
		{ { .cluster = true, .url = STR("unix:///s") },
		  "url: must not be unix://" },
		{ { .cluster = true, .url = STR("redis://") },
		  "url: must have a host" },
		{ { .cluster = true }, NULL },
		{ { .username = u, .password = pw }, NULL },
		{ { .password = pw }, NULL },
		{ { .username = u }, "username: needs a password" },
		{ { .url = secret, .password = pw },
		  "password: url already has" },
		{ { .url = secret, .username = u },
		  "username: url already has" },
		{ { .url = STR("redis://SECRET@h"), .password = pw },
		  "password: url already has" },
		{ { .url = tls, .ca_file = "/ca" }, NULL },
		{ { .url = plain, .ca_file = "/ca" }, "ca_file: needs rediss" },
		{ { .url = plain, .cert_file = "/k" },
		  "cert_file, key_file: need rediss" },
		{ { .url = plain, .key_file = "/k" },
		  "cert_file, key_file: need rediss" },
		{ { .url = tls, .key_file = "/k" }, "set both or neither" },
		{ { .url = tls, .cert_file = "/k" }, "set both or neither" },
		{ { .url = tls, .cert_file = "/k", .key_file = "/k" }, NULL },
	};

	check_choices(rows, ARRAY_LEN(rows));
}
END_TEST

/* One word may hold several addresses, with and without a port. */
START_TEST(sentinel_addresses)
{
	const struct str v[] = { STR("a:1,[::1]:2"), STR("b"), STR("[::2],c") };
	static const struct {
		const char *host;
		int port;
	} expected[] = { { "a", 1 },
			 { "::1", 2 },
			 { "b", 26379 },
			 { "::2", 26379 },
			 { "c", 26379 } };
	const struct redis_conf conf = { .sentinels = { .v = v, .n = 3 },
					 .sentinel_name = STR("m") };
	struct arena *a = arena_new(1 << 16);
	struct redis_target t;
	struct err err;

	ck_assert_int_eq(redis_target_parse(&conf, a, &t, &err), 0);
	ck_assert_uint_eq(t.sentinels.n, ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		ck_assert_str_eq(t.sentinels.v[i].host, expected[i].host);
		ck_assert_int_eq(t.sentinels.v[i].port, expected[i].port);
	}
	arena_free(a);
}
END_TEST

START_TEST(option_defaults_are_fine)
{
	struct arena *a = arena_new(1 << 16);
	struct redis_conf conf;
	struct err err;

	ck_assert_int_eq(option_defaults(redis_options, &conf, a, &err), 0);
	ck_assert_int_eq(redis_check(&conf, &err), 0);
	ck_assert_int_eq(conf.timeout, 2);
	ck_assert_int_eq(conf.connect_timeout, 2);
	ck_assert(str_eq(conf.prefix, STR("fcgiauth:")));
	arena_free(a);
}
END_TEST

/* Texts of the maximum length are accepted, and one more byte is refused. */
START_TEST(lengths_in_urls)
{
	static const struct {
		const char *front, *back, *message;
		int most;
	} rows[] = {
		{ "unix:///", "", "at most 107 bytes", 106 },
		{ "redis://", "", "must have 1 to 255", 255 },
		{ "redis://:", "@h", "at most 4096", 4096 },
		{ "redis://", ":p@h", "at most 4096", 4096 },
	};
	char url[5000];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int more = 0; more < 2; more++) {
			struct fixture r;
			int result;

			(void)snprintf(url, sizeof(url), "%s%0*d%s",
				       rows[i].front, rows[i].most + more, 0,
				       rows[i].back);
			fixture_init(&r, url);
			result = redis_check(&r.conf, &r.err);
			ck_assert_msg(result == -more, "row %zu: %d", i, more);
			if (more == 1)
				ck_assert_msg(strstr(r.err.msg,
						     rows[i].message) != NULL,
					      "row %zu: %s", i, r.err.msg);
		}
	}
}
END_TEST

TCase *
redis_option_cases(void)
{
	TCase *t = new_case("options");

	tcase_add_test(t, urls_are_understood);
	tcase_add_test(t, bad_urls);
	tcase_add_test(t, sentinel_choices);
	tcase_add_test(t, other_choices);
	tcase_add_test(t, sentinel_addresses);
	tcase_add_test(t, option_defaults_are_fine);
	tcase_add_test(t, lengths_in_urls);
	return t;
}
