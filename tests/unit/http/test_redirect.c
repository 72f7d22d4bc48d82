/* SPDX-License-Identifier: MIT */
/* Return URLs: the classes of URLs that cause open redirects. */
#include "http/redirect.h"

#include <string.h>

#include "base/str.h"
#include "conf/option.h"
#include "tests/support/run.h"

static const struct str allowed[] = {
	{ "app.example.com", 15 },
	{ ".example.org", 12 },
	{ "192.0.2.7", 9 },
};

static const struct words allow = { allowed, ARRAY_LEN(allowed) };

static bool
is_safe(const char *url)
{
	const struct redirect_from from = { .host = STR("auth.example.com"),
					    .https = true,
					    .allow = &allow };

	return redirect_is_safe(str_from(url), &from);
}

static const char *const safe[] = {
	"/",
	"/app",
	"/app/",
	"/a/b?c=d&e=f",
	"/a?b=%0a%5c%20%2f%2f",
	"/a?next=https://evil.example",
	"/a?//evil.example",
	"/a#//evil.example",
	"/a?@evil.example",
	"/@evil.example",
	"/evil.example",
	"/a:b",
	"/javascript:alert(1)",
	"/my%20file.pdf",
	"/%c3%a9",
	"/.well-known/x",
	"/@scope%2fpackage",
	"/api/queues/%2F/x",
	"/100%25.txt",
	"/a%5cb%23%3f",
	"/a;jsessionid=1/b",
	"/?",
	"/#",
	"/a?b|c<d>\"e\"",
	"https://auth.example.com",
	"https://auth.example.com/",
	"https://auth.example.com/a?b#c",
	"https://auth.example.com?a",
	"https://auth.example.com#a",
	"https://auth.example.com:8443/",
	"https://auth.example.com:443/",
	"https://AUTH.Example.COM/",
	"HTTPS://auth.example.com/",
	"https://app.example.com",
	"https://app.example.com/a/b?c=d",
	"https://app.example.com:443/",
	"https://APP.example.com/",
	"https://a.example.org/",
	"https://a.b.example.org/?x",
	"https://192.0.2.7/x",
};

static const char *const unsafe[] = {
	"",
	/* Two or more slashes, or characters that browsers read as slashes. */
	"//",
	"//evil.example",
	"///evil.example",
	"////evil.example",
	"/////evil.example/",
	"//evil.example/%2f..",
	"//evil.example?auth.example.com",
	"//evil.example#auth.example.com",
	"//app.example.com",
	"//auth.example.com",
	"/a//evil.example",
	"/a//",
	"/%2f/evil.example",
	"/%2Fevil.example",
	"/%2f%2fevil.example",
	"%2f%2fevil.example",
	"%2f",
	"https:evil.example",
	"https:/evil.example",
	"https:///evil.example",
	"https:////evil.example",
	"https:app.example.com",
	"https:/app.example.com",
	"https:///app.example.com",
	"http:evil.example",
	"https://app.example.com//evil.example",
	/* Backslashes. */
	"\\",
	"\\\\evil.example",
	"\\/evil.example",
	"/\\evil.example",
	"/\\\\evil.example",
	"/\\/evil.example",
	"/\\\\\\evil.example",
	"/a\\b",
	"/a?b=\\",
	"/a#\\",
	"/%5cevil.example",
	"/%5Cevil.example",
	"/%5c%5cevil.example",
	"/%5c/evil.example",
	"https:\\\\evil.example",
	"https:/\\evil.example",
	"https://\\evil.example",
	"https:\\\\app.example.com",
	"https://app.example.com\\@evil.example",
	"https://app.example.com\\.evil.example",
	"https://evil.example\\app.example.com",
	"https://evil.example\\.example.org",
	/* Control characters and white space, raw and escaped. */
	"/\t/evil.example",
	"/\n/evil.example",
	"/\r/evil.example",
	"/\r\n/evil.example",
	"/\v/evil.example",
	"/\f/evil.example",
	"/ /evil.example",
	"/\v\\evil.example",
	"/\t\\evil.example",
	"\t//evil.example",
	" //evil.example",
	"\n/evil.example",
	" /app",
	"/app ",
	"/a\tb",
	"/a?b c",
	"/a?b\tc",
	"/a?b\\c",
	"/a?b\x7f",
	"/a#b c",
	"/a\x01",
	"/a\x1f",
	"/a\x7f",
	"/a?b\r\nSet-Cookie:x=y",
	"/%09/evil.example",
	"/%0a/evil.example",
	"/%0A/evil.example",
	"/%0d/evil.example",
	"/%0d%0aLocation:%20https://evil.example",
	"/%0b/evil.example",
	"/%0c/evil.example",
	"/%20/evil.example",
	"/%20%20/evil.example",
	"/%00/evil.example",
	"/%00",
	"/%7f/evil.example",
	"%09/evil.example",
	"%20//evil.example",
	"ht\ntps://evil.example",
	"https://evil\t.example",
	"https://app.example.com\t.evil.example",
	"https://app.example.com\n@evil.example",
	" https://app.example.com",
	"https://app.example.com /",
	"https://app.example.com/a b",
	"https://app.example.com/%0a",
	"https://app.example.com%00.evil.example",
	"https://app.example.com%09",
	"java\tscript:alert(1)",
	/* Dots. */
	".",
	"..",
	"./evil.example",
	"../evil.example",
	"/.",
	"/..",
	"/./evil.example",
	"/../evil.example",
	"/.//evil.example",
	"/..//evil.example",
	"/./\\evil.example",
	"/../\\evil.example",
	"/./../../\\evil.example",
	"/./../../evil.example",
	"/a/..//evil.example",
	"/a/../b",
	"/%252fevil.example",
	"/%255cevil.example",
	"/%2520/evil.example",
	"/%3b/evil.example",
	"/a/..;/b",
	"/a/..%5cb",
	"/a%2f..%2fb",
	"/a/%252e%252e/b",
	"/a/%ff",
	"/a/%zz",
	"/%2e/evil.example",
	"/%2e%2e/evil.example",
	"/%2e%2e%2fevil.example",
	"/.%2e/evil.example",
	"/..;/evil.example",
	"/;/evil.example",
	"/;//evil.example",
	"https://.",
	"https://..",
	"https://.example.org",
	"https://.example.org/",
	"https://a..example.org/",
	"https://..example.org/",
	"https://app.example.com./",
	"https://app.example.com../",
	"https://.app.example.com/",
	"https://app..example.com/",
	"https://a.example.org./",
	/* User information. */
	"https://auth.example.com@evil.example",
	"https://auth.example.com@evil.example/",
	"https://auth.example.com:443@evil.example",
	"https://auth.example.com:pw@evil.example",
	"https://app.example.com@evil.example/app",
	"https://a.example.org@evil.example",
	"https://user@app.example.com/",
	"https://user:pw@app.example.com/",
	"https://@app.example.com/",
	"https://:@app.example.com/",
	"https://evil.example@app.example.com/",
	"https://evil.example%40app.example.com/",
	"https://app.example.com%40evil.example/",
	"https://app.example.com%2f@evil.example/",
	"https://app.example.com%23@evil.example/",
	"https://app.example.com;@evil.example/",
	"https://a@b@app.example.com/",
	"//user@evil.example",
	"//auth.example.com@evil.example",
	"http://auth.example.com@evil.example",
	/* Similar domains. */
	"https://badexample.org/",
	"https://example.org/",
	"https://example.com/",
	"https://evilapp.example.com/",
	"https://evil.app.example.com/",
	"https://app.example.com.evil.example/",
	"https://a.example.org.evil.example/",
	"https://auth.example.com.evil.example/",
	"https://portal.example.com.evil.example/",
	"https://app-example.com/",
	"https://appXexample.com/",
	"https://app.example.co/",
	"https://app.example.comm/",
	"https://app.example.com-evil.example/",
	"https://app.example.com,evil.example/",
	"https://app.example.com;evil.example/",
	"https://app.example.com'evil.example/",
	"https://a.example.orgx/",
	"https://evil.example/app.example.com",
	"https://evil.example?app.example.com",
	"https://evil.example#app.example.com",
	"https://evil.example?.example.org",
	"https://evil.example/.example.org",
	"https://evil.example#.example.org",
	"https://evil.example:443#.example.org",
	"https://evil.example",
	"https://localhost/",
	/* Numeric addresses in every notation. */
	"https://192.0.2.8/",
	"https://127.0.0.1/",
	"https://3221225991/",
	"https://0xc0000207/",
	"https://0xc0.0.0x02.0x07/",
	"https://0300.0000.0002.0007/",
	"https://192.519/",
	"https://192.0.519/",
	"https://[::1]/",
	"https://[::ffff:192.0.2.7]/",
	"https://[::ffff:c000:207]/",
	"https://192.0.2.7.evil.example/",
	"https://[192.0.2.7]/",
	"https://[app.example.com]/",
	"https://[app.example.com",
	"https://]app.example.com/",
	"//3221225991/",
	"//0x7f.1/",
	/* Ports. */
	"https://app.example.com:80/",
	"https://app.example.com:8443/",
	"https://app.example.com:/",
	"https://app.example.com:0443/",
	"https://app.example.com:443x/",
	"https://app.example.com:443:443/",
	"https://app.example.com:-443/",
	"https://app.example.com:+443/",
	"https://app.example.com:4433/",
	"https://app.example.com:443.evil.example/",
	"https://app.example.com:443@evil.example/",
	"https://auth.example.com:/",
	"https://auth.example.com:0/",
	"https://auth.example.com:65536/",
	"https://auth.example.com:443a/",
	"https://auth.example.com:99999999999999999999/",
	"https://:443/",
	"https://a.example.org:8080/",
	/* Schemes. */
	"http://auth.example.com/",
	"http://app.example.com/",
	"http://evil.example/",
	"ftp://app.example.com/",
	"wss://app.example.com/",
	"javascript:alert(1)",
	"JavaScript://app.example.com/%0aalert(1)",
	"javascript://app.example.com/",
	"data:text/html,x",
	"data://app.example.com/",
	"vbscript:x",
	"file:///etc/passwd",
	"blob:https://app.example.com/x",
	"view-source:https://app.example.com/",
	"https",
	"https:",
	"https:/",
	"https://",
	"https:///",
	"https://?",
	"https://#",
	"httpsx://app.example.com/",
	"xhttps://app.example.com/",
	"https//app.example.com/",
	"://app.example.com/",
	"app.example.com",
	"app.example.com/",
	"evil.example",
	"app",
	"?a",
	"#a",
	"@evil.example",
	";//evil.example",
	/* Escapes. */
	"%",
	"/%",
	"/%zz",
	"/%2",
	"/%252fevil.example",
	"/%255cevil.example",
	"/%2509/evil.example",
	"%68ttps://evil.example",
	"https%3a%2f%2fevil.example",
	"https%3A//app.example.com/",
	"https:%2f%2fapp.example.com/",
	"https://%61pp.example.com/",
	"https://app%2eexample.com/",
	"https://app.example.com%2eevil.example/",
	"https://app.example.com%5c.evil.example/",
	"https://app.example.com%2f.evil.example/",
	"https://app.example.com%3f.evil.example/",
	"https://evil.example%23.example.org/",
	"https://evil.example%3f.example.org/",
	"https://evil.example%2f.example.org/",
	/* Dots, slashes, letters and blanks of Unicode, and invalid bytes. */
	"/\343\200\202/evil.example",
	"/\357\274\217evil.example",
	"\357\274\217\357\274\217evil.example",
	"/\342\210\225evil.example",
	"/\342\201\204evil.example",
	"/\357\274\274evil.example",
	"/\xc2\xa0/evil.example",
	"/\xe2\x80\x8b/evil.example",
	"/\xe3\x80\x80/evil.example",
	"\xef\xbb\xbf/app",
	"//evil\343\200\202example",
	"https://evil.example\343\200\202example.org/",
	"https://app\343\200\202example.com/",
	"https://app\357\274\216example.com/",
	"https://\xd0\xb0pp.example.com/",
	"https://evil.example\xef\xbc\x8f.example.org/",
	"https://evil.example\xef\xbc\x9f.example.org/",
	"https://evil.example\xef\xbc\x83.example.org/",
	"https://evil\xc2\xad.example.org/",
	"https\xef\xbc\x9a//app.example.com/",
	"/\xff",
	"/\300\257evil.example",
	"/%c0%afevil.example",
	"/%ff",
	"/a?\xc3\xa9",
};

START_TEST(safe_targets_are_accepted)
{
	ck_assert_msg(is_safe(safe[_i]), "row %d: %s", _i, safe[_i]);
}
END_TEST

START_TEST(unsafe_targets_are_refused)
{
	ck_assert_msg(!is_safe(unsafe[_i]), "row %d: %s", _i, unsafe[_i]);
}
END_TEST

static const struct {
	const char *url, *host;
	bool https, absolute_only, safe;
} cases[] = {
	{ "/a", "h", false, false, true },
	{ "/a", "h", false, true, false },
	{ "https://h/a", "h", true, true, true },
	{ "https://h", "h", true, true, true },
	{ "//h/a", "h", true, true, false },
	{ "http://h/a", "h", false, false, true },
	{ "http://h:8080/a", "h", false, true, true },
	{ "HTTP://H/a", "h", false, false, true },
	{ "http://h/a", "h", true, false, false },
	{ "https://h/a", "h", false, false, true },
	{ "http://g/a", "h", false, false, false },
	{ "https://[2001:DB8::1]/", "[2001:db8::1]", true, false, true },
	{ "https://[2001:db8::1]:8443/", "[2001:db8::1]", true, false, true },
	{ "https://[2001:db8::2]/", "[2001:db8::1]", true, false, false },
	{ "https://[2001:db8::1]x/", "[2001:db8::1]", true, false, false },
	{ "https://[2001:db8::1", "[2001:db8::1", true, false, false },
	{ "https://127.0.0.1:8080/", "127.0.0.1", true, false, true },
	{ "https:///a", "", true, false, false },
	/* A target on another host must be https. */
	{ "http://app.example.com/", "h", false, false, false },
	{ "http://app.example.com:443/", "h", false, false, false },
	{ "http://a.example.org/", "h", false, true, false },
	{ "https://app.example.com/", "h", false, true, true },
};

START_TEST(targets_on_the_own_host_are_safe)
{
	const struct redirect_from from = {
		.host = str_from(cases[_i].host),
		.https = cases[_i].https,
		.allow = &allow,
		.absolute_only = cases[_i].absolute_only,
	};

	ck_assert_msg(redirect_is_safe(str_from(cases[_i].url), &from) ==
			  cases[_i].safe,
		      "row %d: %s", _i, cases[_i].url);
}
END_TEST

START_TEST(length_of_targets_is_bounded)
{
	char url[REDIRECT_MAX_BYTES + 1];
	const struct redirect_from from = { .host = STR("h"),
					    .https = true,
					    .allow = &allow };

	memset(url, 'a', sizeof(url));
	url[0] = '/';
	ck_assert(redirect_is_safe((struct str){ url, REDIRECT_MAX_BYTES },
				   &from));
	ck_assert(!redirect_is_safe((struct str){ url, sizeof(url) }, &from));
	ck_assert(!redirect_is_safe(STR("/a\0b"), &from));
	ck_assert(!redirect_is_safe((struct str){ NULL, 0 }, &from));
}
END_TEST

int
main(void)
{
	TCase *t = new_case("redirect");

	tcase_add_loop_test(t, safe_targets_are_accepted, 0, ARRAY_LEN(safe));
	tcase_add_loop_test(t, unsafe_targets_are_refused, 0,
			    ARRAY_LEN(unsafe));
	tcase_add_loop_test(t, targets_on_the_own_host_are_safe, 0,
			    ARRAY_LEN(cases));
	tcase_add_test(t, length_of_targets_is_bounded);
	return run_case(t);
}
