/* SPDX-License-Identifier: MIT */
/* Origins, the origins of each host, and the targets that a sign-in may
 * redirect to. */
#include "http/origin.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/redirect.h"
#include "tests/support/run.h"

static const struct {
	const char *text;
	const char *host, *port; /* NULL: refused */
	bool https;
	const char *printed;
} origins[] = {
	{ "https://a.example", "a.example", "443", true, "https://a.example" },
	{ "http://a.example", "a.example", "80", false, "http://a.example" },
	{ "https://a.example:8443", "a.example", "8443", true,
	  "https://a.example:8443" },
	{ "https://a.example:443", "a.example", "443", true,
	  "https://a.example" },
	{ "http://a.example:443", "a.example", "443", false,
	  "http://a.example:443" },
	{ "https://a.example.", "a.example", "443", true, "https://a.example" },
	{ "https://a.example.:8443", "a.example", "8443", true,
	  "https://a.example:8443" },
	{ "http://[2001:db8::1]", "[2001:db8::1]", "80", false,
	  "http://[2001:db8::1]" },
	{ "http://[2001:db8::1]:8080", "[2001:db8::1]", "8080", false,
	  "http://[2001:db8::1]:8080" },
	{ "http://10.0.0.1:81", "10.0.0.1", "81", false, "http://10.0.0.1:81" },
	{ "https://nas_1.lan", "nas_1.lan", "443", true, "https://nas_1.lan" },
	{ .text = "" },
	{ .text = "null" },
	{ .text = "a.example" },
	{ .text = "//a.example" },
	{ .text = "HTTPS://a.example" },
	{ .text = "https:/a.example" },
	{ .text = "https:a.example" },
	{ .text = "https://" },
	{ .text = "https://." },
	{ .text = "https://a..example" },
	{ .text = "https://a.example.." },
	{ .text = "https://a.example/" },
	{ .text = "https://a.example:" },
	{ .text = "https://a.example:0" },
	{ .text = "https://a.example:65536" },
	{ .text = "https://a.example:+1" },
	{ .text = "https://a.example:8443:8443" },
	{ .text = "https://u@a.example" },
	{ .text = "https://u:p@a.example" },
	{ .text = "https://a.example?b" },
	{ .text = "https://a.example#b" },
	{ .text = "https://a.example https://b.example" },
	{ .text = "https://a.example, https://b.example" },
	{ .text = "https://[::1" },
	{ .text = "https://::1" },
	{ .text = "https://[fe80::1%25eth0]" },
	{ .text = "https://[fe80::1%eth0]:8443" },
	{ .text = "https://[::1]8443" },
	{ .text = "https://a%2eexample" },
	{ .text = "https://\xc3\xa4.example" },
	{ .text = "ftp://a.example" },
	{ .text = "chrome-extension://abc" },
	{ .text = "file://" },
};

START_TEST(origin_is_parsed)
{
	struct arena *a = arena_new(4096);
	struct origin o = { .host = STR("untouched") };
	struct buf b;

	buf_init(&b, a, 1024);
	if (origins[_i].host == NULL) {
		ck_assert_msg(!origin_parse(str_from(origins[_i].text), &o) &&
				  str_eq(o.host, STR("untouched")),
			      "row %d: %s", _i, origins[_i].text);
		arena_free(a);
		return;
	}
	ck_assert_msg(origin_parse(str_from(origins[_i].text), &o), "row %d",
		      _i);
	ck_assert_msg(str_eq(o.host, str_from(origins[_i].host)) &&
			  str_eq(o.port, str_from(origins[_i].port)) &&
			  o.https == origins[_i].https,
		      "row %d: the host is %.*s, the port %.*s", _i,
		      STR_ARG(o.host), STR_ARG(o.port));
	origin_print(&o, &b);
	ck_assert_msg(str_eq(buf_str(&b), str_from(origins[_i].printed)),
		      "row %d: %.*s", _i, STR_ARG(buf_str(&b)));
	arena_free(a);
}
END_TEST

START_TEST(hosts_know_their_origins)
{
	static const struct str words[] = {
		{ "a.example", 9 },	     { "https://b.example:8443", 22 },
		{ "b.example", 9 },	     { "http://c.example", 16 },
		{ "https://b.example", 17 },
	};
	static const struct {
		const char *origin;
		const char *host;
		bool has;
	} rows[] = {
		{ "https://b.example:8443", "b.example", true },
		{ "https://b.example", "b.example", true },
		{ "https://b.example:443", "b.example", true },
		{ "https://b.example:444", "b.example", false },
		{ "http://b.example:8443", "b.example", false },
		{ "http://c.example", "c.example", true },
		{ "http://c.example:443", "c.example", false },
		{ "https://c.example:80", "c.example", false },
		/* An origin belongs only to the host that it names. */
		{ "https://b.example", "c.example", false },
		{ "http://c.example", "b.example", false },
		{ "http://a.example", "a.example", false },
	};
	const struct words hosts = { words, ARRAY_LEN(words) };
	struct arena *a = arena_new(4096);
	struct sites s;
	struct err err;

	ck_assert_int_eq(sites_read(&hosts, a, &s, &err), 0);
	ck_assert_uint_eq(s.n, 3);
	ck_assert_uint_eq(sites_find(&s, STR("a.example"))->norigins, 0);
	ck_assert_uint_eq(sites_find(&s, STR("b.example"))->norigins, 2);
	ck_assert_ptr_null(sites_find(&s, STR("x.example")));
	ck_assert_ptr_null(sites_find(&s, STR("https://c.example")));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct origin o;

		ck_assert(origin_parse(str_from(rows[i].origin), &o));
		ck_assert_msg(
		    site_has_origin(sites_find(&s, str_from(rows[i].host)),
				    &o) == rows[i].has,
		    "row %zu", i);
	}
	arena_free(a);
}
END_TEST

/* The hosts are "https://auth.example.com https://app.example.com:8443
 * https://app.example.com:9443 http://nas.example bare.example", and the
 * allowed targets are "app.example.com:7443 .example.org:8443 .example.net". */
static const struct {
	const char *url, *host;
	bool https, safe;
} listed[] = {
	{ "https://auth.example.com/", "auth.example.com", true, true },
	{ "https://AUTH.example.com:443/", "auth.example.com", true, true },
	/* Another port of the own host may belong to another owner. */
	{ "https://auth.example.com:8443/", "auth.example.com", true, false },
	{ "https://app.example.com/", "auth.example.com", true, false },
	{ "https://app.example.com/", "app.example.com", true, false },
	{ "https://app.example.com:8443/a?b", "auth.example.com", true, true },
	{ "https://app.example.com:9443", "auth.example.com", true, true },
	{ "https://app.example.com:9444/", "app.example.com", true, false },
	{ "https://app.example.com:84430/", "app.example.com", true, false },
	{ "https://app.example.com:08443/", "app.example.com", true, false },
	{ "https://app.example.com.evil.example:8443/", "auth.example.com",
	  true, false },
	{ "https://app.example.com:8443@evil.example/", "auth.example.com",
	  true, false },
	/* A sign-in on https does not redirect to http, not even to an own
	 * host. */
	{ "http://nas.example/", "auth.example.com", true, false },
	{ "http://app.example.com:8443/", "app.example.com", true, false },
	{ "http://nas.example/", "nas.example", false, true },
	{ "http://nas.example:8080/", "nas.example", false, false },
	{ "https://nas.example/", "nas.example", false, false },
	{ "https://auth.example.com/", "nas.example", false, true },
	{ "http://auth.example.com/", "nas.example", false, false },
	/* For a host without an origin the port of the request counts. */
	{ "https://bare.example:8443/", "bare.example", true, true },
	{ "https://bare.example/", "auth.example.com", true, false },
	/* Entries of redirect.allow with a port. */
	{ "https://app.example.com:7443/", "auth.example.com", true, true },
	{ "http://app.example.com:7443/", "nas.example", false, false },
	{ "https://x.example.org:8443/", "auth.example.com", true, true },
	{ "https://x.example.org/", "auth.example.com", true, false },
	{ "https://x.example.org:443/", "auth.example.com", true, false },
	{ "https://x.example.net/", "auth.example.com", true, true },
	{ "https://x.example.net:443/", "auth.example.com", true, true },
	{ "https://x.example.net:8443/", "auth.example.com", true, false },
};

START_TEST(listed_targets_are_safe)
{
	static const struct str hosts[] = {
		{ "https://auth.example.com", 24 },
		{ "https://app.example.com:8443", 28 },
		{ "https://app.example.com:9443", 28 },
		{ "http://nas.example", 18 },
		{ "bare.example", 12 },
	};
	static const struct str ports[] = {
		{ "app.example.com:7443", 20 },
		{ ".example.org:8443", 17 },
		{ ".example.net", 12 },
	};
	const struct words words = { hosts, ARRAY_LEN(hosts) };
	const struct words others = { ports, ARRAY_LEN(ports) };
	struct arena *a = arena_new(64 * 1024);
	struct sites sites;
	const struct redirect_from from = {
		.host = str_from(listed[_i].host),
		.https = listed[_i].https,
		.sites = &sites,
		.allow = &others,
	};
	struct err err;

	ck_assert_int_eq(sites_read(&words, a, &sites, &err), 0);
	ck_assert_msg(redirect_is_safe(str_from(listed[_i].url), &from) ==
			  listed[_i].safe,
		      "row %d: %s", _i, listed[_i].url);
	arena_free(a);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("http_origin");

	tcase_add_loop_test(t, origin_is_parsed, 0, ARRAY_LEN(origins));
	tcase_add_test(t, hosts_know_their_origins);
	tcase_add_loop_test(t, listed_targets_are_safe, 0, ARRAY_LEN(listed));
	return run_case(t);
}
