/* SPDX-License-Identifier: MIT */
/* Each mistake in a configuration: its line and its message. */
#include "conf/settings.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/conf/drivers.h"

/* A configuration with exactly one problem. */
struct mistake {
	struct str text;
	const char *problem;
};

#define MISTAKE(text, problem)                                                 \
	{                                                                      \
		LIT(text), problem                                             \
	}

static const struct mistake mistakes[] = {
	/* the reader */
	MISTAKE("[server]\nthreads 8\n",
		"t.ini:2: expected key = value, a [section] or a comment"),
	MISTAKE("\n[server\n", "t.ini:2: the section header has no ]"),
	MISTAKE("[server] x\n",
		"t.ini:1: there is text after the section header"),
	MISTAKE("[]\n",
		"t.ini:1: a section header must be [section] or [section "
		"name]"),
	MISTAKE("[ser/ver]\n",
		"t.ini:1: a section header must be [section] or [section "
		"name]"),
	MISTAKE("[server a b]\n",
		"t.ini:1: the name in a section header must be one word of "
		"letters, digits and . _ -"),
	MISTAKE("[server]\n= 1\n",
		"t.ini:2: a key must be one word of letters, digits and _"),
	MISTAKE("[server]\nlog level = info\n",
		"t.ini:2: a key must be one word of letters, digits and _"),
	MISTAKE("threads = 8\n",
		"t.ini:1: the key is before the first [section]"),
	MISTAKE("[server]\nthreads = 8\n\nthreads = 9\n",
		"t.ini:4: [server] threads: duplicate key; the first is in "
		"line 2"),
	MISTAKE("[server]\n[auth]\n[server]\n",
		"t.ini:3: [server] duplicate section; the first is in line 1"),
	MISTAKE("[server]\n#\0\n", "t.ini:2: the line has a NUL byte"),
	MISTAKE("[server]\npath = /a\0b\n", "t.ini:2: the line has a NUL byte"),
	MISTAKE("[server]\n# \xe9t\xe9\n", "t.ini:2: the line is not UTF-8"),
	MISTAKE("[server]\npath = /a\x01\n",
		"t.ini:2: the line has a control character"),
	MISTAKE("[server]\rthreads = 8\n",
		"t.ini:1: the line has a control character"),
	MISTAKE("[server]\npath = \"/a\n",
		"t.ini:2: the closing quote is missing"),
	MISTAKE("[server]\npath = \"/a\\\n",
		"t.ini:2: inside quotes, \\ may only be followed by \" or \\"),
	MISTAKE("[server]\npath = \"/a\\n\"\n",
		"t.ini:2: inside quotes, \\ may only be followed by \" or \\"),
	MISTAKE("[server]\npath = \"/a\" b\n",
		"t.ini:2: there is text after the closing quote"),
	MISTAKE("[server]\npeer_secret = a \"b ; c\"\n",
		"t.ini:2: a comment begins inside quotes; quotes must "
		"enclose the whole value"),
	MISTAKE("[server]\npeer_secret = one two three\n",
		"t.ini:2: [server] peer_secret: must be one secret without "
		"blanks, or two that are separated by a blank"),
	MISTAKE("[server]\nlisten = 127.0.0.1:9000 0.0.0.0:9001\n",
		"t.ini:1: [server] peer_secret: must be set, because other "
		"machines can connect to 0.0.0.0:9001 and claim to be the "
		"web server"),
	MISTAKE("[server]\nlisten = [2001:db8::1]:9000\n",
		"t.ini:1: [server] peer_secret: must be set, because other "
		"machines can connect to [2001:db8::1]:9000 and claim to be "
		"the web server"),
	/* names */
	MISTAKE("[session]\nidle_timout = 1h\n",
		"t.ini:2: [session] idle_timout: unknown key; did you mean "
		"idle_timeout"),
	MISTAKE("[server]\npeer_secret_fiel = /x\n",
		"t.ini:2: [server] peer_secret_fiel: unknown key; did you "
		"mean peer_secret_file"),
	MISTAKE("[auth]\nmdoe = session\n",
		"t.ini:2: [auth] mdoe: unknown key; did you mean mode"),
	MISTAKE("[server]\nThreads = 8\n",
		"t.ini:2: [server] Threads: unknown key; did you mean "
		"threads"),
	MISTAKE("[server]\nthreads_file = /x\n",
		"t.ini:2: [server] threads_file: unknown key"),
	MISTAKE("[server]\nzzz = 1\n", "t.ini:2: [server] zzz: unknown key"),
	MISTAKE("[sever]\n",
		"t.ini:1: [sever] unknown section; did you mean server"),
	MISTAKE("[rule]\nrequire = user\n",
		"t.ini:1: [rule] the section needs a name"),
	MISTAKE("[rul admin]\nrequire = user\n",
		"t.ini:1: [rul admin] unknown section; did you mean rule"),
	MISTAKE("[rule a]\nrequire = user\n[rule b]\nrequire = user\n"
		"[rule a]\nrequire = user\n",
		"t.ini:5: [rule a] duplicate section; the first is in line 1"),
	MISTAKE("[rule a]\nrequire = user\nhosts = a\n",
		"t.ini:3: [rule a] hosts: unknown key; did you mean host"),
	/* rules */
	MISTAKE("\n[rule admin]\nhost = a\n",
		"t.ini:2: [rule admin] require: must be set"),
	MISTAKE("[rule a]\nrequire =\n",
		"t.ini:2: [rule a] require: may not be empty"),
	MISTAKE("[rule a]\nnetwork =\nrequire = user\n",
		"t.ini:2: [rule a] network: may not be empty; leave the key "
		"out"),
	MISTAKE("[rule a]\npath =\nrequire = user\n",
		"t.ini:2: [rule a] path: may not be empty; leave the key out"),
	MISTAKE("[rule a]\npath = /a\npath_regex = /b\nrequire = user\n",
		"t.ini:3: [rule a] path_regex: give either path or "
		"path_regex, not both"),
	MISTAKE("[rule a]\nhost = a *.b\nrequire = user\n",
		"t.ini:2: [rule a] host: *.b: must be a host name without "
		"scheme, port or path"),
	MISTAKE("[rule a]\nhost = .example.com\nrequire = user\n",
		"t.ini:2: [rule a] host: .example.com: must be a host name "
		"without scheme, port or path"),
	MISTAKE("[rule a]\nmethod = GET post\nrequire = user\n",
		"t.ini:2: [rule a] method: post: must be a method in capital "
		"letters, such as GET"),
	MISTAKE("[rule a]\nmethod = *\nrequire = user\n",
		"t.ini:2: [rule a] method: *: must be a method in capital "
		"letters, such as GET"),
	MISTAKE("[rule a]\nnetwork = ::1 10.0.0.1/8\nrequire = user\n",
		"t.ini:2: [rule a] network: 10.0.0.1/8: must be an address, "
		"or a network such as 10.0.0.0/8 or 2001:db8::/32 with no "
		"bits set beyond its prefix length"),
	MISTAKE("[jwt]\n", "t.ini:1: [jwt] unknown section"),
	MISTAKE("[server one]\n",
		"t.ini:1: [server one] the section takes no name"),
	MISTAKE("[token]\n", "t.ini:1: [token] the mode is not compiled in"),
	/* mail */
	MISTAKE("[mail]\nfrom = Login\ncommand = /bin/true\n",
		"t.ini:2: [mail] from: must be an address in ASCII, such as "
		"login@example.com, or a name and an address, such as "
		"Login <login@example.com>"),
	MISTAKE("[mail]\nfrom = a@b\nsmtp = mail.example.com\n",
		"t.ini:3: [mail] smtp: must be smtp://HOST:PORT or "
		"smtps://HOST:PORT"),
	MISTAKE("[mail]\nfrom = a@b\nsmtp = smtp://mail.example.com\n",
		"t.ini:3: [mail] smtp: must be smtp://HOST:PORT or "
		"smtps://HOST:PORT"),
	MISTAKE("[mail]\nfrom = a@b\nsmtp = smtp://u:p@a:25\n",
		"t.ini:3: [mail] smtp: must be smtp://HOST:PORT or "
		"smtps://HOST:PORT"),
	MISTAKE("[mail]\nfrom = a@b\nsmtp = smtp://a:25/x\n",
		"t.ini:3: [mail] smtp: must be smtp://HOST:PORT or "
		"smtps://HOST:PORT"),
	MISTAKE("[mail]\nfrom = a@b\nsmtp = http://a:25\n",
		"t.ini:3: [mail] smtp: must be smtp://HOST:PORT or "
		"smtps://HOST:PORT"),
	MISTAKE("[mail]\nfrom = a@b\ncommand = sendmail -t\n",
		"t.ini:3: [mail] command: must begin with the absolute path "
		"of a program"),
	MISTAKE("[mail]\ncommand = /bin/true\n",
		"t.ini:1: [mail] from: must be set"),
	MISTAKE("[mail]\nfrom = a@b\n",
		"t.ini:1: [mail] smtp or command must be set"),
	MISTAKE("[mail]\nfrom = a@b\nsmtp = smtp://a:25\n"
		"command = /bin/true\n",
		"t.ini:1: [mail] give either smtp or command, not both"),
	MISTAKE("[mail]\nfrom = a@b\ncommand = /bin/true\ntls = no\n",
		"t.ini:1: [mail] username, password, tls and ca_file are for "
		"smtp and have no effect on a command"),
	MISTAKE("[mail]\nfrom = a@b\nsmtp = smtp://a:25\nusername = u\n",
		"t.ini:1: [mail] username and password must be given "
		"together"),
	MISTAKE("[mail]\nfrom = a@b\nsmtp = smtp://a:25\npassword = p\n",
		"t.ini:1: [mail] username and password must be given "
		"together"),
	MISTAKE("[mail]\nfrom = a@b\nsmtp = smtps://a:465\ntls = no\n",
		"t.ini:1: [mail] smtps:// always uses TLS, but tls is no"),
	/* links by mail */
	MISTAKE("[account]\nreset = yes\n",
		"t.ini:2: [account] reset: must be one of no, link, mail"),
	MISTAKE("[account]\nnotify_login = yes\n",
		"t.ini:2: [account] notify_login: is yes, and needs [mail], "
		"which sends it"),
	MISTAKE("[account]\nreset = mail\n",
		"t.ini:2: [account] reset: is mail, and needs [mail], which "
		"sends it"),
	MISTAKE("[mail]\nfrom = a@b\ncommand = /bin/true\n"
		"[factors]\ndriver = none\n[account]\nreset = mail\n",
		"t.ini:7: [account] reset: is mail, and needs a factor store, "
		"[factors], where it waits"),
	MISTAKE("[mail]\nfrom = a@b\ncommand = /bin/true\n"
		"[account]\nreset = mail\n",
		"t.ini:5: [account] reset: is mail, and needs [server] "
		"login_url or hosts, to which the link leads"),
	/* drivers */
	MISTAKE("[store]\ndriver = redis\nurl = x\n",
		"t.ini:2: [store] driver: redis is unknown; known are: "
		"sqlite net absent"),
	MISTAKE("[store]\ndriver = absent\nurl = x\n",
		"t.ini:2: [store] driver: absent is not compiled in; "
		"compiled in are: sqlite net"),
	MISTAKE("[auth]\nmode = token\n",
		"t.ini:2: [auth] mode: token is not compiled in; compiled in "
		"are: session"),
	MISTAKE("[store]\nurl = x\n",
		"t.ini:2: [store] url: belongs to driver net, and the driver "
		"is sqlite"),
	MISTAKE("[store]\ndriver = net\nurl = x\npath = /x\n",
		"t.ini:4: [store] path: belongs to driver sqlite, and the "
		"driver is net"),
	MISTAKE("[store]\npassword_file = /x\n",
		"t.ini:2: [store] password_file: belongs to driver net, and "
		"the driver is sqlite"),
	MISTAKE("\n[store]\ndriver = net\n",
		"t.ini:2: [store] url: must be set"),
	MISTAKE("[store]\ndriver = net\nurl =\n",
		"t.ini:3: [store] url: may not be empty"),
	MISTAKE("\n[session]\nidle_timeout = 1d\n",
		"t.ini:2: [session] idle_timeout is too much in all"),
	/* types */
	MISTAKE("[server]\nthreads = many\n",
		"t.ini:2: [server] threads: must be a number"),
	MISTAKE("[server]\nthreads =\n",
		"t.ini:2: [server] threads: must be a number"),
	MISTAKE("[server]\nthreads = -1\n",
		"t.ini:2: [server] threads: must be a number"),
	MISTAKE("[server]\nthreads = 99999999999999999999\n",
		"t.ini:2: [server] threads: must be a number"),
	MISTAKE("[server]\nthreads = 0\n",
		"t.ini:2: [server] threads: must be 1 to 256"),
	MISTAKE("[server]\nthreads = 257\n",
		"t.ini:2: [server] threads: must be 1 to 256"),
	MISTAKE("[limits]\nhash_slots = 65\n",
		"t.ini:2: [limits] hash_slots: must be 1 to 64 or auto"),
	MISTAKE("[limits]\nhash_slots = 0\n",
		"t.ini:2: [limits] hash_slots: must be 1 to 64 or auto"),
	MISTAKE("[limits]\nhash_slots = some\n",
		"t.ini:2: [limits] hash_slots: must be a number or auto"),
	MISTAKE("[limits]\nlogin_ban = 5\n",
		"t.ini:2: [limits] login_ban: must be a duration such as "
		"90s, 15m, 12h or 30d"),
	MISTAKE("[limits]\nlogin_ban = 1h30m\n",
		"t.ini:2: [limits] login_ban: must be a duration such as "
		"90s, 15m, 12h or 30d"),
	MISTAKE("[limits]\nlogin_ban = 9223372036854775807d\n",
		"t.ini:2: [limits] login_ban: must be a duration such as "
		"90s, 15m, 12h or 30d"),
	MISTAKE("[limits]\nlogin_ban = 0\n",
		"t.ini:2: [limits] login_ban: must be 1s to 30d"),
	MISTAKE("[session]\nidle_timeout = 59s\n",
		"t.ini:2: [session] idle_timeout: must be 1m to 2d"),
	MISTAKE("[limits]\nbody = 16kb\n",
		"t.ini:2: [limits] body: must be a size such as 512, 8k or "
		"4m"),
	MISTAKE("[limits]\nbody = 2m\n",
		"t.ini:2: [limits] body: must be 1k to 1m"),
	MISTAKE("[server]\nsocket_mode = 0680\n",
		"t.ini:2: [server] socket_mode: must be an octal file mode "
		"such as 0660"),
	MISTAKE("[server]\nsocket_mode = 4660\n",
		"t.ini:2: [server] socket_mode: must be an octal file mode "
		"such as 0660"),
	MISTAKE("[cookie]\nsecure = maybe\n",
		"t.ini:2: [cookie] secure: must be yes or no"),
	MISTAKE("[server]\nlog_level = loud\n",
		"t.ini:2: [server] log_level: must be one of error, warning, "
		"info, debug"),
	MISTAKE("[password]\nblocklist = list.txt\n",
		"t.ini:2: [password] blocklist: must be an absolute file "
		"name, beginning with /, of at most 4095 bytes"),
	/* requirements of one option */
	MISTAKE("[link wiki]\nurl = //evil.example/\n",
		"t.ini:2: [link wiki] url: must be a path such as /wiki/, or "
		"an absolute URL with the host in lower case, such as "
		"https://wiki.example.com/"),
	MISTAKE("[link wiki]\nurl = javascript:alert(1)\n",
		"t.ini:2: [link wiki] url: must be a path such as /wiki/, or "
		"an absolute URL with the host in lower case, such as "
		"https://wiki.example.com/"),
	MISTAKE("[link wiki]\nurl = https://Wiki.example.com/\n",
		"t.ini:2: [link wiki] url: must be a path such as /wiki/, or "
		"an absolute URL with the host in lower case, such as "
		"https://wiki.example.com/"),
	MISTAKE("[link wiki]\ntitle = x\n",
		"t.ini:1: [link wiki] url: must be set"),
	MISTAKE("[server]\nlisten =\n",
		"t.ini:2: [server] listen: may not be empty"),
	MISTAKE("[server]\nlisten = localhost:9000\n",
		"t.ini:2: [server] listen: localhost:9000: must be unix:/path "
		"of at most 107 bytes, 127.0.0.1:9000 or [::1]:9000"),
	MISTAKE("[server]\nhosts = a.example https://b.example/\n",
		"t.ini:2: [server] hosts: https://b.example/: must be a host "
		"name without port or path, or an origin such as "
		"https://app.example.com:8443"),
	MISTAKE("[rule a]\nhost = https://b.example\nrequire = user\n",
		"t.ini:2: [rule a] host: https://b.example: must be a host "
		"name without scheme, port or path"),
	MISTAKE("[server]\nlogin_url = /auth/login\n",
		"t.ini:2: [server] login_url: must be an absolute URL "
		"without query, such as https://auth.example.com/auth/login"),
	MISTAKE("[server]\nlogin_url = http://a.example/auth/login\n",
		"t.ini:2: [server] login_url: must be https; http is allowed "
		"on localhost, and on hosts that [server] hosts has with "
		"http://"),
	MISTAKE("[server]\npath = auth\n",
		"t.ini:2: [server] path: must be a path such as /auth: it "
		"begins with a slash, does not end with one, and has only "
		"letters, digits, slashes and - . _ ~"),
	MISTAKE("[server]\npath = /\n",
		"t.ini:2: [server] path: must be 2 to 64 bytes long"),
	MISTAKE("[cookie]\nname = a;b\n",
		"t.ini:2: [cookie] name: must be letters, digits and - _ ."),
	MISTAKE("[cookie]\nname = __host-x\n",
		"t.ini:2: [cookie] name: must not begin with __Host- or "
		"__Secure-; the prefix is added automatically"),
	MISTAKE("[cookie]\ndomain = .example.com\n",
		"t.ini:2: [cookie] domain: must not begin with a dot; hosts "
		"below the domain are included anyway"),
	MISTAKE("[cookie]\ndomain = 10.0.0.1\n",
		"t.ini:2: [cookie] domain: must be a domain name; browsers "
		"accept no address here"),
	MISTAKE("[cookie]\ndomain = localhost\n",
		"t.ini:2: [cookie] domain: must have a dot, as in "
		"example.com; browsers refuse a single name"),
	MISTAKE("[cookie]\ndomain = a_b.example\n",
		"t.ini:2: [cookie] domain: must be a domain name such as "
		"example.com"),
	MISTAKE("[redirect]\nallow = .com\n",
		"t.ini:2: [redirect] allow: .com: must be a host name, or "
		".example.com for all below it, perhaps with a port; no "
		"scheme, path or whole top-level domain"),
	MISTAKE("[cors]\norigins = *\n",
		"t.ini:2: [cors] origins: *: must be scheme://host or "
		"scheme://host:port as browsers send it; no path, no default "
		"port, no *"),
	MISTAKE("[headers]\nuser = Remote_User\n",
		"t.ini:2: [headers] user: must be letters, digits and -"),
	MISTAKE("[headers]\nuser = set-cookie\n",
		"t.ini:2: [headers] user: must not be a header that HTTP or "
		"CGI uses itself"),
	MISTAKE("[password]\nmin_length = 7\n",
		"t.ini:2: [password] min_length: must be 8 to 128"),
	/* several options */
	MISTAKE("[headers]\n\nemail = remote-user\n",
		"t.ini:1: [headers] remote-user is used twice; the four names "
		"must differ"),
	MISTAKE("[cookie]\nsecure = no\nsame_site = none\n",
		"t.ini:3: [cookie] same_site: none needs secure = yes; "
		"browsers drop the cookie otherwise"),
	MISTAKE("[server]\nhosts = a.example.com badexample.com\n"
		"[cookie]\ndomain = example.com\n",
		"t.ini:4: [cookie] domain: must include every host of "
		"[server] hosts; badexample.com is not below this domain, so "
		"that browsers would refuse its cookie"),
	MISTAKE("[server]\nlogin_url = https://auth.example.org/login\n"
		"[cookie]\ndomain = example.com\n",
		"t.ini:4: [cookie] domain: must include the host of [server] "
		"login_url, auth.example.org, which could not set the cookie "
		"otherwise"),
	MISTAKE("[server]\nhosts = a.example.com\n"
		"login_url = https://auth.example.com/login\n",
		"t.ini:3: [server] login_url: must be on one of the hosts in "
		"[server] hosts, but its host is auth.example.com"),
	MISTAKE("[server]\nhosts = http://a.example a.example "
		"https://A.example:8443\n",
		"t.ini:2: [server] hosts: has a.example with both http and "
		"https; browsers must use one of them"),
	MISTAKE("[server]\nhosts = https://auth.example.com:8443\n"
		"login_url = https://auth.example.com/login\n",
		"t.ini:3: [server] login_url: must have a scheme and port "
		"that [server] hosts has for auth.example.com"),
	MISTAKE("[server]\nhosts = https://auth.example.com\n"
		"login_url = http://auth.example.com:443/login\n",
		"t.ini:3: [server] login_url: must have a scheme and port "
		"that [server] hosts has for auth.example.com"),
	MISTAKE("[server]\nhosts = auth.example.com\n"
		"login_url = http://auth.example.com/login\n",
		"t.ini:3: [server] login_url: must be https; http is allowed "
		"on localhost, and on hosts that [server] hosts has with "
		"http://"),
	MISTAKE("[server]\nhosts = https://a.example http://b.example\n"
		"[cookie]\nsame_site = none\n",
		"t.ini:4: [cookie] same_site: none needs https, but [server] "
		"hosts has http://b.example, whose cookie browsers would drop"),
	MISTAKE("[server]\nhosts = https://a.example b.example\n"
		"[cookie]\nsecure = no\nsame_site = none\n",
		"t.ini:5: [cookie] same_site: none needs secure = yes; "
		"browsers drop the cookie otherwise"),
	MISTAKE("[server]\nhosts = https://a.example.com https://b.example\n"
		"[cookie]\ndomain = example.com\n",
		"t.ini:4: [cookie] domain: must include every host of "
		"[server] hosts; b.example is not below this domain, so that "
		"browsers would refuse its cookie"),
};

START_TEST(mistake_has_its_line_and_message)
{
	const struct mistake *m = &mistakes[_i];
	struct parsed p;

	parse(&p, m->text);
	ck_assert_msg(p.problems.count == 1 &&
			  strcmp(first_problem(&p), m->problem) == 0,
		      "row %d: %zu problems, first: %s", _i, p.problems.count,
		      first_problem(&p));
	arena_free(p.arena);
}
END_TEST

/* The account page has room for a part of these links. */
START_TEST(too_many_links_are_refused)
{
	static const struct {
		unsigned n;
		size_t url; /* bytes of the address */
		unsigned line; /* of the link that is too many; 0: none */
	} rows[] = {
		{ 64, 10, 0 }, { 65, 10, 130 }, { 8, 1000, 0 }, { 9, 1000, 18 }
	};
	static char text[16 * 1024];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct parsed p;
		size_t n = 0;

		for (unsigned k = 0; k < rows[i].n; k++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "[link n%u]\nurl = /%0*d\n", k,
					      (int)rows[i].url - 1, 0);
		parse(&p, (struct str){ .p = text, .n = n });
		ck_assert_uint_eq(p.problems.count, rows[i].line != 0);
		if (rows[i].line != 0) {
			char at[64];

			(void)snprintf(at, sizeof(at), "t.ini:%u: [link n%u] ",
				       rows[i].line, rows[i].n - 1);
			ck_assert_ptr_eq(strstr(first_problem(&p), at),
					 first_problem(&p));
			ck_assert_ptr_nonnull(strstr(first_problem(&p),
						     "room for 64 links"));
		}
		arena_free(p.arena);
	}
}
END_TEST

int
main(void)
{
	TCase *t = new_case("conf_mistakes");

	tcase_add_loop_test(t, mistake_has_its_line_and_message, 0,
			    ARRAY_LEN(mistakes));
	tcase_add_test(t, too_many_links_are_refused);
	return run_case(t);
}
