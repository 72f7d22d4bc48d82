/* SPDX-License-Identifier: MIT */
/* The hosts of [server], and their effect on other sections. */
#include "tests/unit/conf/drivers.h"
#include "tests/support/run.h"

/* Valid configurations, and the warning that each causes. */
static const struct {
	const char *ini;
	const char *warning; /* the beginning of its text; NULL: no warning */
} warned[] = {
	{ "[rule a]\nrequire = user\n[rule b]\nhost = a.example.com\n"
	  "require = user\n",
	  "t.ini: warning: [server] hosts: is empty, but [rule b] has a host" },
	{ "[server]\nthreads = 2\n[rule b]\nhost = a.example.com\n"
	  "require = user\n",
	  "t.ini:1: warning: [server] hosts: is empty, but [rule b]" },
	{ "[server]\nhosts = a.example.com\n[rule b]\nhost = a.example.com\n"
	  "require = user\n",
	  NULL },
	{ "[rule b]\nrequire = user\n", NULL },
	/* the users and hosts that can connect */
	{ "[server]\nlisten = unix:/run/x/s 127.0.0.1:9000\n",
	  "t.ini:1: warning: [server] peer_secret: is empty, and every user of "
	  "this machine can connect to 127.0.0.1:9000" },
	{ "[server]\nlisten = [::1]:9000\n",
	  "t.ini:1: warning: [server] peer_secret: is empty" },
	{ "[server]\nlisten = 127.0.0.1:9000 0.0.0.0:9000\n"
	  "peer_secret = 0123456789abcdef\n",
	  NULL },
	{ "[server]\npeer_secret = 0123456789abcdef change.me\n",
	  "t.ini:2: warning: [server] peer_secret: is shorter than 16 "
	  "characters" },
	{ "[server]\npeer_secret = 0123456789abcde\n",
	  "t.ini:2: warning: [server] peer_secret: is shorter than 16 "
	  "characters" },
	/* values that nobody has filled in */
	{ "[server]\npeer_secret = ${FCGIAUTH_SECRET}\n",
	  "t.ini:2: warning: [server] peer_secret: looks like a placeholder" },
	{ "[server]\npeer_secret = {{secret}}\n",
	  "t.ini:2: warning: [server] peer_secret: looks like a placeholder" },
	{ "[server]\npeer_secret = $ecret{}0123456789\n", NULL },
	{ "[server]\nhosts = b.example https://a.example:8443\n"
	  "[cookie]\nsecure = no\n",
	  "t.ini:4: warning: [cookie] secure: is no, but [server] hosts has "
	  "https://a.example:8443, whose cookies are Secure" },
	{ "[server]\nhosts = b.example http://a.example:8080\n"
	  "[cookie]\nsecure = no\n",
	  NULL },
	/* mail */
	{ "[mail]\nfrom = a@b\nsmtp = smtp://mail.example.com:25\ntls = no\n",
	  "t.ini:4: warning: [mail] tls: is no, and the server is on another "
	  "machine" },
	{ "[mail]\nfrom = a@b\nsmtp = smtp://localhost:25\ntls = no\n", NULL },
	{ "[mail]\nfrom = a@b\nsmtp = smtp://[::1]:25\ntls = no\n", NULL },
	{ "[mail]\nfrom = a@b\nsmtp = smtps://mail.example.com:465\n", NULL },
	{ "[mail]\nfrom = a@b\ncommand = /bin/true -t\n", NULL },
	{ "[mail]\nfrom = a@b\ncommand = /bin/true\n"
	  "[factors]\ndriver = none\n",
	  "t.ini:1: warning: [mail] is set, but [factors] is none: mail waits "
	  "in the factor store" },
/* a login page at another host */
#define LOGIN  "login_url = https://a.example.com/auth/login\n"
#define DOMAIN "[cookie]\ndomain = example.com\n"
	{ "[server]\nhosts = https://A.example.com:8443 https://a.example.com "
	  "https://b.example.com\n" LOGIN "[cookie]\n",
	  "t.ini:4: warning: [cookie] domain: is empty, but [server] "
	  "login_url is on a.example.com: a user who signs in there is not "
	  "signed in at b.example.com, and is redirected in a loop" },
	{ "[server]\n" LOGIN,
	  "t.ini: warning: [cookie] domain: is empty, but [server] "
	  "login_url is on a.example.com: a user who signs in there is not "
	  "signed in at any other" },
	{ "[server]\nhosts = A.example.com\n" LOGIN, NULL },
	{ "[server]\n" LOGIN DOMAIN, NULL },
	{ "[server]\nhosts = https://a.example.com https://b.example.com\n" LOGIN
	      DOMAIN,
	  NULL },
	{ "[server]\nhosts = a.example.com b.example.com\n" LOGIN DOMAIN,
	  "t.ini: warning: [redirect] allow: does not have b.example.com, "
	  "so that a sign-in at a.example.com cannot return to it" },
	{ "[server]\nhosts = a.example.com b.example.com\n" LOGIN DOMAIN
	  "[redirect]\nallow = c.example.com .b.example.com\n",
	  "t.ini:7: warning: [redirect] allow: does not have b.example.com" },
	{ "[server]\nhosts = a.example.com b.example.com\n" LOGIN DOMAIN
	  "[redirect]\nallow = c.example.com B.example.com:8443\n",
	  NULL },
	{ "[server]\nhosts = a.example.com b.example.com\n" LOGIN DOMAIN
	  "[redirect]\nallow = .example.com\n",
	  NULL },
	{ "[server]\nhosts = a.example.com b.example.com "
	  "https://b.example.com:8443\n" LOGIN DOMAIN,
	  NULL },
	/* no warning */
	{ "[server]\nhosts = https://a.example:8443 a.example "
	  "https://a.example\n"
	  "login_url = https://A.example/login\n",
	  NULL },
	{ "[server]\nhosts = https://a.example:8443 a.example "
	  "https://[2001:db8::1]:8443 http://10.0.0.1:8080\n",
	  NULL },
	{ "[server]\nhosts = http://nas.lan:8080\n"
	  "login_url = http://nas.lan:8080/auth/login\n",
	  NULL },
	{ "[server]\nhosts = https://a.example\n"
	  "[cookie]\nsame_site = none\n",
	  NULL },
	{ "[server]\nhosts = https://a.example.com:8443\n"
	  "[cookie]\ndomain = example.com\n",
	  NULL },
};

START_TEST(doubtful_hosts_cause_a_warning)
{
	struct parsed p;
	const char *text;

	parse(&p, str_from(warned[_i].ini));
	ck_assert_msg(p.rc == 0, "row %d: %s", _i, first_problem(&p));
	text = p.problems.warnings > 0 ? p.problems.first_warning->text : NULL;
	ck_assert_msg((text == NULL) == (warned[_i].warning == NULL),
		      "row %d: %s", _i, text != NULL ? text : "no warning");
	if (text != NULL)
		ck_assert_msg(str_starts(str_from(text),
					 str_from(warned[_i].warning)),
			      "row %d: %s", _i, text);
	arena_free(p.arena);
}
END_TEST

/* Warnings are counted apart from the problems, up to PROBLEMS_MAX. */
START_TEST(number_of_warnings_is_bounded)
{
	const struct place at = { .file = "f", .line = 3, .key = STR("k") };
	struct arena *a = arena_new(ARENA_BYTES);
	struct problems problems;
	size_t n = 0;

	problems_init(&problems, a);
	for (size_t i = 0; i < PROBLEMS_MAX + 10; i++)
		problems_warn(&problems, &at, "number %zu", i);
	ck_assert_uint_eq(problems.count, 0);
	ck_assert_ptr_null(problems.first);
	for (struct problem *p = problems.first_warning; p != NULL; p = p->next)
		n++;
	ck_assert_uint_eq(n, PROBLEMS_MAX);
	ck_assert_str_eq(problems.first_warning->text,
			 "f:3: warning: k: number 0");
	arena_free(a);
}
END_TEST

int
main(void)
{
	TCase *t = new_case("conf_hosts");

	tcase_add_loop_test(t, doubtful_hosts_cause_a_warning, 0,
			    ARRAY_LEN(warned));
	tcase_add_test(t, number_of_warnings_is_bounded);
	return run_case(t);
}
