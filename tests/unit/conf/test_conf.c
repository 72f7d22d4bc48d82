/* SPDX-License-Identifier: MIT */
/* Values, sections, and the values that options accept. */
#include "conf/settings.h"

#include <string.h>

#include "base/buf.h"
#include "conf/ini.h"
#include "conf/suggest.h"
#include "tests/unit/conf/drivers.h"

START_TEST(settings_have_defaults)
{
	struct parsed p;
	const struct settings *s = &p.settings;
	const struct file_conf *file;
	const struct session_conf *session;

	parse(&p, STR(""));
	ck_assert_msg(p.rc == 0, "%s", first_problem(&p));
	ck_assert_str_eq(s->file, "t.ini");
	ck_assert_uint_eq(s->server.listen.n, 1);
	ck_assert(str_eq(s->server.listen.v[0],
			 STR("unix:/run/fcgiauth/fcgiauth.sock")));
	ck_assert_int_eq(s->server.socket_mode, 0660);
	ck_assert_uint_eq(s->server.peer_secret.n, 0);
	ck_assert_uint_eq(s->server.hosts.n, 0);
	ck_assert_uint_eq(s->server.login_url.n, 0);
	ck_assert_int_eq(s->server.threads, 8);
	ck_assert(str_eq(s->server.path, STR("/auth")));
	ck_assert_int_eq(s->server.log_level, 2);
	ck_assert_int_eq(s->server.log_format, 0);
	ck_assert_int_eq(s->auth.deliver, DELIVER_COOKIE);
	ck_assert(str_eq(s->cookie.name, STR("fcgiauth")));
	ck_assert(s->cookie.secure);
	ck_assert_uint_eq(s->cookie.domain.n, 0);
	ck_assert_int_eq(s->cookie.same_site, SAME_SITE_LAX);
	ck_assert_uint_eq(s->redirect.allow.n, 0);
	ck_assert_uint_eq(s->cors.origins.n, 0);
	ck_assert(str_eq(s->headers.user, STR("Remote-User")));
	ck_assert(str_eq(s->headers.roles, STR("Remote-Groups")));
	ck_assert(str_eq(s->headers.email, STR("Remote-Email")));
	ck_assert(str_eq(s->headers.name, STR("Remote-Name")));
	ck_assert_int_eq(s->password.min_length, 15);
	ck_assert_ptr_null(s->password.blocklist);
	ck_assert_int_eq(s->limits.login_attempts, 5);
	ck_assert_int_eq(s->limits.login_window, 120);
	ck_assert_int_eq(s->limits.login_ban, 300);
	ck_assert_int_eq(s->limits.body, 16384);
	ck_assert_int_eq(s->limits.hash_slots, 0);
	ck_assert_ptr_eq(s->mode.driver, &modes[0]);
	ck_assert_ptr_eq(s->store.driver, &stores[0]);
	ck_assert_ptr_eq(s->users.driver, &users[0]);
	file = s->store.conf;
	ck_assert_str_eq(file->path, "/var/lib/x.db");
	session = s->mode.conf;
	ck_assert_int_eq(session->idle_timeout, 1800);
	arena_free(p.arena);
}
END_TEST

START_TEST(settings_take_values)
{
	struct parsed p;
	const struct settings *s = &p.settings;
	const struct net_conf *net;

	parse(&p, str_from(full));
	ck_assert_msg(p.rc == 0, "%s", first_problem(&p));
	ck_assert_uint_eq(s->server.listen.n, 3);
	ck_assert(str_eq(s->server.listen.v[2], STR("[::1]:9001")));
	ck_assert_int_eq(s->server.socket_mode, 0666);
	ck_assert(str_eq(s->server.peer_secret, STR("x #y")));
	ck_assert(str_eq(s->server.hosts.v[0], STR("a.example.com")));
	ck_assert_int_eq(s->server.log_format, 1);
	ck_assert_int_eq(s->auth.deliver, DELIVER_BOTH);
	ck_assert_ptr_eq(s->store.driver, &stores[1]);
	net = s->store.conf;
	ck_assert(str_eq(net->url, STR("tcp: \"q\" ; #\\")));
	ck_assert_int_eq(net->timeout, 90);
	ck_assert(!s->cookie.secure);
	ck_assert(str_eq(s->redirect.allow.v[0], STR("app.example.com")));
	ck_assert(str_eq(s->cors.origins.v[0], STR("https://app.example.com")));
	ck_assert_str_eq(s->password.blocklist, "/etc/list");
	ck_assert_int_eq(s->limits.body, 1024 * 1024);
	ck_assert_int_eq(s->limits.hash_slots, 4);
	ck_assert_int_eq(s->limits.login_ban, 12 * 3600);
	arena_free(p.arena);
}
END_TEST

START_TEST(rules_keep_their_order)
{
	struct parsed p;
	const struct rule_settings *v;

	parse(&p, str_from(full));
	ck_assert_msg(p.rc == 0, "%s", first_problem(&p));
	ck_assert_uint_eq(p.settings.rules.n, 3);
	v = p.settings.rules.v;
	ck_assert(str_eq(v[0].name, STR("one")));
	ck_assert_uint_eq(v[0].require_line, v[0].line + 5);
	ck_assert_uint_eq(v[0].host.n, 2);
	ck_assert(str_eq(v[0].host.v[0], STR("app.example.com")));
	ck_assert(str_eq(v[0].path, STR("/a ;b")));
	ck_assert_uint_eq(v[0].path_regex.n, 0);
	ck_assert(str_eq(v[0].method.v[1], STR("POST")));
	ck_assert(str_eq(v[0].network.v[1], STR("::1")));
	ck_assert(str_eq(v[0].require.v[1], STR("user:b")));
	ck_assert(str_eq(v[1].name, STR("Two.2")));
	ck_assert(str_eq(v[1].path_regex, STR("/x/[0-9]+ #")));
	ck_assert_uint_eq(v[1].host.n + v[1].method.n + v[1].network.n, 0);
	ck_assert(str_eq(v[2].name, STR("_")));
	ck_assert_uint_eq(v[2].line, v[1].line + 3);
	arena_free(p.arena);
	parse(&p, STR(""));
	ck_assert_uint_eq(p.settings.rules.n, 0);
	arena_free(p.arena);
}
END_TEST

static const struct {
	const char *section, *key, *value;
	bool ok;
} accepted[] = {
	{ "server", "listen", "unix:/a", true },
	{ "server", "listen", "unix:a", false },
	{ "server", "listen", "unix:/", false },
	{ "server", "listen", "unix:/a/", false },
	{ "server", "listen", "127.0.0.1", false },
	{ "server", "listen", "127.0.0.1:", false },
	{ "server", "listen", "127.0.0.1:0", false },
	{ "server", "listen", "127.0.0.1:65535", true },
	{ "server", "listen", "127.0.0.1:65536", false },
	{ "server", "listen", "127.0.0.256:1", false },
	{ "server", "listen", "::1:9000", false },
	{ "server", "listen", "[::1]", false },
	{ "server", "listen", "[::1]:1", true },
	{ "server", "listen", "1:1 1:1", false },
	{ "server", "hosts", "localhost", true },
	{ "server", "hosts", "a..b", false },
	{ "server", "hosts", "a.", false },
	{ "server", "hosts", ".a", false },
	{ "server", "hosts", "-a.b", false },
	{ "server", "hosts", "a:80", false },
	{ "server", "hosts", "1.2.3", false },
	{ "server", "hosts", "1.2.3.4", true },
	{ "server", "hosts", "*", false },
	{ "server", "hosts", "https://a https://a:8443 http://[::1]:81", true },
	{ "server", "hosts", "HTTPS://A.example:8443", true },
	{ "server", "hosts", "https://a:443", true },
	{ "server", "hosts", "https://a:08443", false },
	{ "server", "hosts", "https://a:0", false },
	{ "server", "hosts", "https://a:", false },
	{ "server", "hosts", "https://a.", false },
	{ "server", "hosts", "https://a/", false },
	{ "server", "hosts", "https://u@a", false },
	{ "server", "hosts", "https://*.a", false },
	{ "server", "hosts", "https://[fe80::1%25eth0]", false },
	{ "server", "hosts", "//a", false },
	{ "server", "hosts", "ftp://a", false },
	{ "server", "login_url", "https://a/login", true },
	{ "server", "login_url", "http://localhost:8080/auth/login", true },
	{ "server", "login_url", "http://127.0.0.1/l", true },
	{ "server", "login_url", "http://[::1]:81/l", true },
	{ "server", "login_url", "http://127.0.0.1.example.com/l", false },
	{ "server", "login_url", "https://u@a/login", false },
	{ "server", "login_url", "https://a/login?x=1", false },
	{ "server", "login_url", "https://a/login#x", false },
	{ "server", "login_url", "https://a:0/login", false },
	{ "server", "login_url", "https://a:443x/login", false },
	{ "server", "login_url", "https:///login", false },
	{ "server", "login_url", "ftp://a/login", false },
	{ "server", "login_url", "https://[::1/login", false },
	{ "server", "path", "/a", true },
	{ "server", "path", "/a/", false },
	{ "server", "path", "//a", false },
	{ "server", "path", "/a/../b", false },
	{ "server", "path", "/a/.", false },
	{ "server", "path", "/a%20b", false },
	{ "server", "path", "/a?b", false },
	{ "cookie", "name", "a", true },
	{ "cookie", "name", "a=b", false },
	{ "cookie", "name", "a b", false },
	{ "cookie", "name", "__Secure-a", false },
	{ "cookie", "domain", "Example.com", true },
	{ "cookie", "domain", "example.com.", false },
	{ "cookie", "domain", "[::1]", false },
	{ "cookie", "secure", "1", true },
	{ "cookie", "secure", "false", true },
	{ "cookie", "same_site", "none", true },
	{ "cookie", "same_site", "None", false },
	{ "redirect", "allow", "a .b.c", true },
	{ "redirect", "allow", "..b.c", false },
	{ "redirect", "allow", ".10.0.0.1", false },
	{ "redirect", "allow", "a:443 .b.c:8443", true },
	{ "redirect", "allow", "a:0", false },
	{ "redirect", "allow", "a:0443", false },
	{ "redirect", "allow", "a:", false },
	{ "redirect", "allow", ":443", false },
	{ "redirect", "allow", ".b.c:65536", false },
	{ "redirect", "allow", ".c:443", false },
	{ "redirect", "allow", "https://a", false },
	{ "cors", "origins", "http://a:81", true },
	{ "cors", "origins", "http://a:80", false },
	{ "cors", "origins", "https://a:443", false },
	{ "cors", "origins", "https://a:80", true },
	{ "cors", "origins", "https://a/", false },
	{ "cors", "origins", "https://*.a", false },
	{ "cors", "origins", "null", false },
	{ "headers", "user", "X-1", true },
	{ "headers", "user", "", false },
	{ "headers", "user", "A:B", false },
	{ "password", "min_length", "128", true },
	{ "password", "min_length", "129", false },
	{ "password", "blocklist", "", true },
	{ "limits", "login_attempts", "1000", true },
	{ "limits", "login_attempts", "1001", false },
	{ "limits", "body", "1024", true },
	{ "limits", "body", "1023", false },
	{ "limits", "hash_slots", "auto", true },
	{ "limits", "hash_slots", "64", true },
	{ "server", "socket_mode", "0777", true },
	{ "server", "socket_mode", "1777", false },
	{ "server", "socket_mode", "77", false },
	{ "server", "threads", "+8", false },
	{ "server", "threads", "8 ", true },
	{ "server", "threads", "0x8", false },
};

START_TEST(options_check_their_values)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct parsed p;
	struct buf text;

	buf_init(&text, a, 4096);
	buf_printf(&text, "[%s]\n%s = %s\n", accepted[_i].section,
		   accepted[_i].key, accepted[_i].value);
	parse(&p, buf_str(&text));
	ck_assert_msg((p.rc == 0) == accepted[_i].ok, "row %d: %s = %s: %s", _i,
		      accepted[_i].key, accepted[_i].value, first_problem(&p));
	arena_free(p.arena);
	arena_free(a);
}
END_TEST

START_TEST(length_of_the_listen_path_is_bounded)
{
	struct arena *a = arena_new(ARENA_BYTES);

	for (int n = 107; n <= 108; n++) {
		struct parsed p;
		struct buf text;

		buf_init(&text, a, 4096);
		buf_add_cstr(&text, "[server]\nlisten = unix:/");
		for (int i = 1; i < n; i++)
			buf_add_char(&text, 'x');
		parse(&p, buf_str(&text));
		ck_assert_int_eq(p.rc, n == 107 ? 0 : -1);
		arena_free(p.arena);
	}
	arena_free(a);
}
END_TEST

static const struct {
	const char *wanted, *name;
} near_names[] = {
	{ "idle_timout", "idle_timeout" },
	{ "timeout_idle", NULL },
	{ "hots", "hosts" },
	{ "ohsts", "hosts" },
	{ "host", "hosts" },
	{ "hostss", "hosts" },
	{ "x", NULL },
	{ "", NULL },
	{ "absolut_timeout", "absolute_timeout" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaa",
	  NULL },
};

START_TEST(nearest_name_is_suggested)
{
	struct nearest n;

	nearest_init(&n, str_from(near_names[_i].wanted));
	nearest_offer(&n, "idle_timeout", "");
	nearest_offer(&n, "hosts", "");
	nearest_offer(&n, "absolute", "_timeout");
	if (near_names[_i].name == NULL) {
		ck_assert_msg(n.name == NULL, "row %d: %s", _i, n.name);
		return;
	}
	ck_assert_msg(n.name != NULL, "row %d", _i);
	ck_assert_msg(strncmp(n.name, near_names[_i].name, strlen(n.name)) == 0,
		      "row %d: %s", _i, n.name);
}
END_TEST

START_TEST(all_mistakes_are_reported)
{
	static const char *const wanted[] = {
		"t.ini:3: expected key = value, a [section] or a comment",
		"t.ini:5: [sever] unknown section; did you mean server",
		"t.ini:2: [server] threads: must be 1 to 256",
		"t.ini:4: [server] path: must be 2 to 64 bytes long",
		"t.ini:8: [cookie] nmae: unknown key; did you mean name",
	};
	const struct problem *at;
	struct parsed p;
	size_t i = 0;

	parse(&p, STR("[server]\nthreads = 0\nsecret words here\n"
		      "path = x\n[sever]\nanything = 1\n[cookie]\n"
		      "nmae = x\n"));
	ck_assert_uint_eq(p.problems.count, ARRAY_LEN(wanted));
	for (at = p.problems.first; at != NULL; at = at->next)
		ck_assert_str_eq(at->text, wanted[i++]);
	arena_free(p.arena);
}
END_TEST

START_TEST(number_of_shown_problems_is_bounded)
{
	const struct problem *at;
	struct parsed p;
	struct buf text;
	size_t n = 0;

	p.arena = arena_new(ARENA_BYTES);
	buf_init(&text, p.arena, INI_MAX_BYTES);
	for (int i = 0; i < PROBLEMS_MAX + 5; i++)
		buf_add_cstr(&text, "no sense\n");
	problems_init(&p.problems, p.arena);
	ck_assert_int_eq(settings_parse(buf_str(&text), "t.ini", &drivers,
					p.arena, &p.settings, &p.problems),
			 -1);
	ck_assert_uint_eq(p.problems.count, PROBLEMS_MAX + 5);
	for (at = p.problems.first; at != NULL; at = at->next) {
		if (at->next == NULL) {
			ck_assert_str_eq(at->text,
					 "t.ini: more problems are not shown");
		}
		n++;
	}
	ck_assert_uint_eq(n, PROBLEMS_MAX + 1);
	arena_free(p.arena);
}
END_TEST

START_TEST(lack_of_memory_is_a_problem)
{
	for (unsigned n = 0;; n++) {
		struct arena *a = arena_new(ARENA_BYTES);
		struct problems problems;
		struct settings s;
		int rc;

		problems_init(&problems, a);
		arena_fail_after(a, n);
		rc = settings_parse(str_from(full), "t.ini", &drivers, a, &s,
				    &problems);
		if (rc != 0) {
			ck_assert(arena_has_failed(a));
			ck_assert_ptr_nonnull(problems.first);
			ck_assert_ptr_nonnull(strstr(problems.first->text,
						     "out of memory"));
		}
		arena_free(a);
		if (rc == 0)
			break;
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("conf");

	tcase_add_test(t, settings_have_defaults);
	tcase_add_test(t, settings_take_values);
	tcase_add_test(t, rules_keep_their_order);
	tcase_add_loop_test(t, options_check_their_values, 0,
			    ARRAY_LEN(accepted));
	tcase_add_test(t, length_of_the_listen_path_is_bounded);
	tcase_add_loop_test(t, nearest_name_is_suggested, 0,
			    ARRAY_LEN(near_names));
	tcase_add_test(t, all_mistakes_are_reported);
	tcase_add_test(t, number_of_shown_problems_is_bounded);
	tcase_add_test(t, lack_of_memory_is_a_problem);
	return run_case(t);
}
