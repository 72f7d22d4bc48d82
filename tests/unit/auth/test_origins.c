/* SPDX-License-Identifier: MIT */
/* The addresses of the service: which pages may post, where a sign-in redirects
 * to, which cookies are used. */
#include "tests/unit/auth/origin_fixture.h"

#include <unistd.h>

/* Without origins in server.hosts the parameters of the web server count. */
static const struct {
	struct post p;
	unsigned status;
} unnamed[] = {
	{ { "a.example", "on", "443", "https://a.example", NULL }, 200 },
	{ { "a.example", "on", "443", "https://a.example.", NULL }, 200 },
	{ { "a.example.", "on", "443", "https://a.example.", NULL }, 200 },
	{ { "A.Example.", "on", "443", "https://a.example", NULL }, 200 },
	{ { "a.example", "on", "443", "https://a.example:443", NULL }, 200 },
	{ { "a.example", "on", "443", NULL, NULL }, 200 },
	{ { "a.example", "on", "443", "https://a.example:8443", "same-origin" },
	  200 },
	{ { "a.example", "on", "443", "https://a.example:8443", "same-site" },
	  403 },
	{ { "a.example", "on", "443", "https://a.example:8443", NULL }, 403 },
	{ { "a.example:8443", "on", "443", "https://a.example:8443", NULL },
	  200 },
	{ { "a.example:9", "on", "443", "https://a.example:9", NULL }, 200 },
	{ { "a.example:8443", "on", "8443", "https://a.example:9443", NULL },
	  403 },
	{ { "a.example:8443", "on", "443", "https://a.example", NULL }, 403 },
	{ { "a.example", NULL, "80", "http://a.example", NULL }, 200 },
	{ { "a.example", NULL, "80", "http://a.example:80", NULL }, 200 },
	{ { "a.example", NULL, "8080", "http://a.example", NULL }, 403 },
	{ { "a.example", NULL, "443", "http://a.example", NULL }, 403 },
	{ { "a.example", NULL, "80", "https://a.example", NULL }, 403 },
	{ { "a.example", NULL, "80", "https://a.example", "same-origin" },
	  403 },
	{ { "a.example", "on", "443", "http://a.example", NULL }, 403 },
	{ { "[2001:db8::1]", "on", "443", "https://[2001:db8::1]", NULL },
	  200 },
	{ { "[2001:db8::1]:8443", "on", "443", "https://[2001:db8::1]:8443",
	    NULL },
	  200 },
	{ { "[2001:db8::1]", "on", "443", "https://[2001:db8::1]:8443", NULL },
	  403 },
	{ { "[2001:db8::1]", "on", "443", "https://[2001:db8::2]", NULL },
	  403 },
	{ { "[2001:db8::1]", "on", "443", "https://[2001:db8::1%25eth0]",
	    NULL },
	  403 },
	{ { "a.example", "on", "443", "null", "same-origin" }, 403 },
	{ { "a.example", "on", "443", "HTTPS://A.EXAMPLE", NULL }, 403 },
	{ { "a.example", "on", "443", "https://u@a.example", NULL }, 403 },
	{ { "a.example", "on", "443", "https://a.example@evil.example", NULL },
	  403 },
	{ { "a.example", "on", "443", "https://a.example..", NULL }, 403 },
	{ { "a.example", "on", "443", "https://a.example/", NULL }, 403 },
	{ { "a.example", "on", "443", "https://a.exampl", NULL }, 403 },
	{ { "a.example", "on", "443", "https://a.example.evil.example", NULL },
	  403 },
};

START_TEST(web_server_determines_the_origin)
{
	init(MEMORY);
	for (size_t i = 0; i < ARRAY_LEN(unnamed); i++) {
		unsigned status = post_json(&unnamed[i].p).status;

		ck_assert_msg(status == unnamed[i].status,
			      "row %zu: the status is %u", i, status);
	}
	done();
}
END_TEST

/* With origins in server.hosts, only these count. */
static const struct {
	struct post p;
	unsigned status;
} named[] = {
	{ { "a.example", NULL, "80", "https://a.example", NULL }, 200 },
	{ { "a.example", NULL, "80", "https://a.example.", NULL }, 200 },
	{ { "a.example", NULL, "80", "https://a.example:8443", NULL }, 200 },
	{ { "a.example:81", "on", "1", "https://a.example", NULL }, 200 },
	{ { "a.example", NULL, "80", "http://a.example", NULL }, 403 },
	{ { "a.example", NULL, "80", "http://a.example:8443", NULL }, 403 },
	/* Another port may belong to another owner, whatever the headers
	 * say. */
	{ { "a.example:9443", "on", "9443", "https://a.example:9443", NULL },
	  403 },
	{ { "a.example", "on", "9443", "https://a.example:9443",
	    "same-origin" },
	  403 },
	/* Another host of the list is another site. */
	{ { "a.example", "on", "443", "https://c.example:9443", NULL }, 403 },
	{ { "a.example", "on", "443", "https://c.example:9443", "same-site" },
	  403 },
	{ { "c.example", "on", "443", "https://a.example", NULL }, 403 },
	{ { "nas.lan", NULL, "80", "https://a.example", NULL }, 403 },
	{ { "a.example", "on", "443", "http://nas.lan:8080", NULL }, 403 },
	{ { "nas.lan", NULL, "80", "http://nas.lan:8080", NULL }, 200 },
	{ { "nas.lan", "on", "443", "http://nas.lan:8080", NULL }, 200 },
	{ { "nas.lan", NULL, "80", "http://nas.lan", NULL }, 403 },
	{ { "nas.lan", "on", "8080", "https://nas.lan:8080", NULL }, 403 },
	{ { "[2001:db8::1]", NULL, "80", "https://[2001:db8::1]:8443", NULL },
	  200 },
	{ { "[2001:db8::1]", NULL, "80", "https://[2001:db8::1]", NULL }, 403 },
	/* A host without an origin is treated as if there were no list. */
	{ { "bare.example", "on", "443", "https://bare.example", NULL }, 200 },
	{ { "bare.example", NULL, "80", "https://bare.example", NULL }, 403 },
	{ { "bare.example", NULL, "80", "http://bare.example", NULL }, 200 },
	{ { "b.example", "on", "443", "https://b.example", NULL }, 400 },
};

START_TEST(hosts_determine_the_origin)
{
	init(NAMED);
	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		unsigned status = post_json(&named[i].p).status;

		ck_assert_msg(status == named[i].status,
			      "row %zu: the status is %u", i, status);
	}
	done();
}
END_TEST

/* The origin of server.login_url may post to every host. */
START_TEST(login_url_is_an_own_origin)
{
	static const struct {
		struct post p;
		unsigned status;
	} rows[] = {
		{ { "app.example.com", "on", "443",
		    "https://sso.example.com:8443", NULL },
		  200 },
		{ { "app.example.com", "on", "443",
		    "https://sso.example.com.:8443", NULL },
		  200 },
		{ { "app.example.com", "on", "443", "https://sso.example.com",
		    NULL },
		  403 },
		{ { "app.example.com", "on", "443", "https://sso.example.co",
		    NULL },
		  403 },
		{ { "app.example.com", "on", "443",
		    "https://sso.example.com:844", NULL },
		  403 },
		{ { "app.example.com", "on", "443",
		    "http://sso.example.com:8443", NULL },
		  403 },
		{ { "sso.example.com", "on", "443", "https://app.example.com",
		    NULL },
		  403 },
	};

	init("[server]\nlogin_url = https://SSO.example.com:8443/auth/login\n"
	     "[cookie]\ndomain = example.com\n" MEMORY);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned status = post_json(&rows[i].p).status;

		ck_assert_msg(status == rows[i].status,
			      "row %zu: the status is %u", i, status);
	}
	done();
}
END_TEST

#define SSO                                                                    \
	"login_url = https://sso.example.com:8443/auth/login\n"                \
	"[cookie]\ndomain = example.com\n" MEMORY
#define SSO_HOSTS                                                              \
	"[server]\nhosts = https://app.example.com:9443 "                      \
	"https://app.example.com:7443 https://sso.example.com:8443 "           \
	"http://nas.example.com:81 b.example.com\n" SSO

/* The return URL of a challenge. */
static const struct {
	const char *ini;
	const char *host, *https, *port;
	const char *rd; /* encoded, without the path */
} returns[] = {
	{ SSO_HOSTS, "app.example.com", "off", "80",
	  "https%3A%2F%2Fapp.example.com%3A9443" },
	{ SSO_HOSTS, "app.example.com:7443", "off", "80",
	  "https%3A%2F%2Fapp.example.com%3A7443" },
	{ SSO_HOSTS, "app.example.com", "on", "7443",
	  "https%3A%2F%2Fapp.example.com%3A7443" },
	{ SSO_HOSTS, "app.example.com", "on", "443",
	  "https%3A%2F%2Fapp.example.com%3A9443" },
	{ SSO_HOSTS, "nas.example.com", "on", "443",
	  "http%3A%2F%2Fnas.example.com%3A81" },
	{ SSO_HOSTS, "b.example.com", "on", "443",
	  "https%3A%2F%2Fb.example.com" },
	{ "[server]\n" SSO, "app.example.com:9443", "on", "443",
	  "https%3A%2F%2Fapp.example.com%3A9443" },
	/* nginx passes no port in the Host header: the return URL has the port
	 * of the login page, or none. */
	{ "[server]\n" SSO, "app.example.com", "on", "8443",
	  "https%3A%2F%2Fapp.example.com%3A8443" },
	{ "[server]\n" SSO, "app.example.com", "on", "9443",
	  "https%3A%2F%2Fapp.example.com" },
	{ "[server]\n" SSO, "app.example.com:443", "on", "8443",
	  "https%3A%2F%2Fapp.example.com" },
	{ "[server]\n" SSO, "app.example.com.", "off", "80",
	  "http%3A%2F%2Fapp.example.com" },
};

START_TEST(challenge_has_the_return_url)
{
	struct flow_answer a;
	const char *want;

	init(returns[_i].ini);
	const char *const params[] = {
		"AUTH_ACTION=challenge",
		"REQUEST_URI=/p?q=1",
		"HTTP_SEC_FETCH_MODE=navigate",
		flow_text(&f, "HTTP_HOST=%s", returns[_i].host),
		flow_text(&f, "HTTPS=%s", returns[_i].https),
		flow_text(&f, "SERVER_PORT=%s", returns[_i].port),
		NULL,
	};
	a = flow_ask(&f, false, params, NULL);
	want = flow_text(&f,
			 "https://sso.example.com:8443/auth/login?rd=%s%%2Fp"
			 "%%3Fq%%3D1",
			 returns[_i].rd);
	ck_assert_uint_eq(a.status, 302);
	ck_assert_msg(str_eq(flow_header(&a, "Location"), str_from(want)),
		      "row %d: %.*s", _i, STR_ARG(flow_header(&a, "Location")));
	done();
}
END_TEST

/* Signs in with the form at `host`, and returns the answer to the post. */
static struct flow_answer
form_login(const char *host, const char *origin, const char *rd,
	   const char *pre)
{
	const char *http_host = flow_text(&f, "HTTP_HOST=%s", host);
	const char *const page_params[] = { "REQUEST_URI=/auth/login",
					    http_host, "HTTPS=off",
					    "SERVER_PORT=80", NULL };
	struct flow_answer page = flow_ask(&f, false, page_params, NULL);
	const char *csrf = flow_csrf(&f, &page);
	const char *cookie = flow_cookie(&f, &page, pre);
	const char *const params[] = {
		"REQUEST_METHOD=POST",
		"REQUEST_URI=/auth/login",
		"CONTENT_TYPE=" FORM,
		"HTTP_ACCEPT=text/html",
		http_host,
		"HTTPS=off",
		"SERVER_PORT=80",
		flow_text(&f, "HTTP_ORIGIN=%s", origin),
		flow_text(&f, "HTTP_COOKIE=%s=%s", pre, cookie),
		NULL,
	};

	ck_assert_msg(cookie != NULL, "the page of %s does not set %s", host,
		      pre);
	return flow_ask(&f, false, params,
			flow_text(&f,
				  "username=alice&password=correct+horse+"
				  "battery&csrf=%s&rd=%s",
				  csrf, rd));
}

/* The name and the attributes of a cookie follow the scheme of the host,
 * whatever `secure` says. */
static const struct {
	const char *secure;
	const char *host, *origin;
	const char *cookie, *login;
	bool attribute; /* whether it is Secure */
} jars[] = {
	{ "yes", "a.example", "https://a.example", "__Host-fcgiauth",
	  "__Host-fcgiauth_login", true },
	{ "no", "a.example", "https://a.example:8443", "__Host-fcgiauth",
	  "__Host-fcgiauth_login", true },
	{ "yes", "nas.lan", "http://nas.lan:8080", "fcgiauth", "fcgiauth_login",
	  false },
	{ "no", "nas.lan", "http://nas.lan:8080", "fcgiauth", "fcgiauth_login",
	  false },
	{ "yes", "bare.example", "http://bare.example", "__Host-fcgiauth",
	  "__Host-fcgiauth_login", true },
	{ "no", "bare.example", "http://bare.example", "fcgiauth",
	  "fcgiauth_login", false },
};

START_TEST(cookies_follow_the_scheme)
{
	static const char *const all[] = { "__Host-fcgiauth", "fcgiauth",
					   "__Secure-fcgiauth" };
	struct flow_answer a;
	const char *token, *host;
	struct str header;

	init(strcmp(jars[_i].secure, "no") == 0 ?
		 "[cookie]\nsecure = no\n" NAMED :
		 NAMED);
	host = flow_text(&f, "HTTP_HOST=%s", jars[_i].host);
	a = form_login(jars[_i].host, jars[_i].origin, "%2Fx", jars[_i].login);
	ck_assert_msg(a.status == 303, "row %d: the status is %u", _i,
		      a.status);
	token = flow_cookie(&f, &a, jars[_i].cookie);
	ck_assert_msg(token != NULL, "row %d: %.*s", _i, STR_ARG(a.raw));
	header = flow_header(&a, "Set-Cookie");
	ck_assert_msg(flow_holds(header, "; Secure") == jars[_i].attribute,
		      "row %d: %.*s", _i, STR_ARG(header));
	/* The cookie of the login form has its own name. */
	ck_assert_str_eq(flow_cookie(&f, &a, jars[_i].login), "");
	/* The session is known by this cookie name only. */
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		unsigned want =
		    strcmp(all[i], jars[_i].cookie) == 0 ? 204 : 401;
		struct flow_answer check =
		    flow_verify(&f, "/x",
				flow_text(&f, "HTTP_COOKIE=%s=%s", all[i],
					  token),
				host);

		ck_assert_msg(check.status == want,
			      "row %d, %s: the status is %u", _i, all[i],
			      check.status);
	}
	done();
}
END_TEST

/* A sign-out deletes the cookies that the sign-in set. */
START_TEST(sign_out_deletes_the_cookies)
{
	char name[] = "/tmp/fcgiauth.XXXXXX", ini[512];
	int fd = mkstemp(name);
	struct flow_answer a;
	const char *token;

	ck_assert_int_eq(write(fd, "0123456789abcdef0123456789abcdef", 32), 32);
	(void)snprintf(
	    ini, sizeof(ini),
	    "[auth]\nmode = refresh\n[jwt]\nsecret_file = %s\n" NAMED, name);
	init(ini);
	(void)close(fd);
	(void)unlink(name);
	a = form_login("nas.lan", "http://nas.lan:8080", "", "fcgiauth_login");
	token = flow_cookie(&f, &a, "fcgiauth_refresh");
	ck_assert_ptr_nonnull(token);
	ck_assert_ptr_nonnull(flow_cookie(&f, &a, "fcgiauth_access"));
	const char *const params[] = {
		"REQUEST_METHOD=POST",
		"REQUEST_URI=/auth/logout",
		"CONTENT_TYPE=application/json",
		"HTTP_HOST=nas.lan",
		"HTTPS=off",
		flow_text(&f, "HTTP_COOKIE=fcgiauth_refresh=%s", token),
		NULL,
	};
	a = flow_ask(&f, false, params, "{}");
	ck_assert_uint_eq(a.status, 204);
	ck_assert_str_eq(flow_cookie(&f, &a, "fcgiauth_refresh"), "");
	ck_assert_str_eq(flow_cookie(&f, &a, "fcgiauth_access"), "");
	ck_assert_ptr_null(flow_cookie(&f, &a, "__Host-fcgiauth_access"));
	done();
}
END_TEST

/* The target after a sign-in at one of several origins. */
START_TEST(sign_in_redirects_to_own_origins)
{
	static const struct {
		const char *host, *origin, *pre, *rd;
		const char *location;
	} rows[] = {
		{ "a.example", "https://a.example", "__Host-fcgiauth_login",
		  "https%3A%2F%2Fa.example%3A8443%2Fx",
		  "https://a.example:8443/x" },
		{ "a.example", "https://a.example", "__Host-fcgiauth_login",
		  "https%3A%2F%2Fc.example%3A9443%2Fx",
		  "https://c.example:9443/x" },
		{ "a.example", "https://a.example", "__Host-fcgiauth_login",
		  "https%3A%2F%2Fa.example%3A8444%2Fx", "/auth/account" },
		{ "a.example", "https://a.example", "__Host-fcgiauth_login",
		  "http%3A%2F%2Fa.example%2Fx", "/auth/account" },
		{ "a.example", "https://a.example", "__Host-fcgiauth_login",
		  "http%3A%2F%2Fnas.lan%3A8080%2Fx", "/auth/account" },
		{ "nas.lan", "http://nas.lan:8080", "fcgiauth_login",
		  "http%3A%2F%2Fnas.lan%3A8080%2Fx", "http://nas.lan:8080/x" },
		{ "nas.lan", "http://nas.lan:8080", "fcgiauth_login",
		  "http%3A%2F%2Fnas.lan%2Fx", "/auth/account" },
	};

	init(NAMED);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct flow_answer a = form_login(rows[i].host, rows[i].origin,
						  rows[i].rd, rows[i].pre);

		ck_assert_msg(a.status == 303, "row %zu: the status is %u", i,
			      a.status);
		ck_assert_msg(str_eq(flow_header(&a, "Location"),
				     str_from(rows[i].location)),
			      "row %zu: %.*s", i,
			      STR_ARG(flow_header(&a, "Location")));
	}
	done();
}
END_TEST

/* A relative target cannot come from another host. */
START_TEST(relative_target_is_dropped_with_login_url)
{
	struct flow_answer a;

	init(SSO_HOSTS);
	a = form_login("sso.example.com", "https://sso.example.com:8443",
		       "%2Fx", "__Host-fcgiauth_login");
	ck_assert_uint_eq(a.status, 303);
	ck_assert(str_eq(flow_header(&a, "Location"), STR("/auth/account")));
	done();
}
END_TEST

/* Browsers follow the redirect after the post only to these origins. */
START_TEST(form_action_lists_the_origins)
{
	struct flow_answer a;
	struct str csp;

	init("[redirect]\nallow = x.example:7443 .y.example:1\n" NAMED);
	a = flow_get(&f, "/auth/login", "HTTP_HOST=a.example", NULL);
	csp = flow_header(&a, "Content-Security-Policy");
	ck_assert_msg(str_ends(csp, STR("; form-action 'self' "
					"https://a.example "
					"https://a.example:8443 "
					"http://nas.lan:8080 "
					"https://c.example:9443 "
					"https://x.example:7443 "
					"https://*.y.example:1")),
		      "the policy is %.*s", STR_ARG(csp));
	done();
}
END_TEST

int
main(void)
{
	TCase *t = new_case("origins");

	tcase_add_test(t, web_server_determines_the_origin);
	tcase_add_test(t, hosts_determine_the_origin);
	tcase_add_test(t, login_url_is_an_own_origin);
	tcase_add_loop_test(t, challenge_has_the_return_url, 0,
			    ARRAY_LEN(returns));
	tcase_add_loop_test(t, cookies_follow_the_scheme, 0, ARRAY_LEN(jars));
	tcase_add_test(t, sign_out_deletes_the_cookies);
	tcase_add_test(t, sign_in_redirects_to_own_origins);
	tcase_add_test(t, relative_target_is_dropped_with_login_url);
	tcase_add_test(t, form_action_lists_the_origins);
	return run_case(t);
}
