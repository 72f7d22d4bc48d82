/* SPDX-License-Identifier: MIT */
/* Checks of option values, and rules over several options. */
#include "conf/checks.h"

#include <string.h>

#include "base/err.h"
#include "base/network.h"
#include "base/str.h"
#include "conf/account.h"
#include "conf/factors.h"
#include "conf/hosts.h"
#include "conf/mail.h"
#include "conf/settings.h"
#include "conf/syntax.h"

#define UNIX_PATH_MAX	 107 /* sun_path, with its NUL */
#define PEER_SECRET_GOOD 16

/* Long words are truncated, so that they fit into a message. */
#define WORD_ARG(s) (int)((s).n > 80 ? 80 : (s).n), (s).p

static int
check_words(const struct words *words, bool (*test)(struct str word),
	    const char *wanted, struct err *err)
{
	for (size_t i = 0; i < words->n; i++) {
		if (!test(words->v[i])) {
			return err_set(err, ERR_CONFIG, "%.*s: must be %s",
				       WORD_ARG(words->v[i]), wanted);
		}
	}
	return 0;
}

static bool
is_listen_address(struct str s)
{
	const struct str scheme = STR("unix:");
	struct str host = s;
	size_t colon = s.n;

	if (str_starts(s, scheme)) {
		s = str_skip(s, scheme.n);
		return s.n > 1 && s.n <= UNIX_PATH_MAX && s.p[0] == '/' &&
		       s.p[s.n - 1] != '/' && !str_has_control(s);
	}
	while (colon > 0 && s.p[colon - 1] != ':')
		colon--;
	if (colon == 0)
		return false;
	host.n = colon - 1;
	return (syntax_is_ipv4(host) || syntax_is_ipv6(host)) &&
	       syntax_is_port(str_skip(s, colon));
}

int
check_listen(const void *field, struct err *err)
{
	return check_words(field, is_listen_address,
			   "unix:/path of at most 107 bytes, "
			   "127.0.0.1:9000 or [::1]:9000",
			   err);
}

int
check_peer_secret(const void *field, struct err *err)
{
	struct str rest = *(const struct str *)field, word;
	size_t n = 0;

	while (str_word(&rest, &word))
		n++;
	if (n == 1 || n == 2)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "must be one secret without blanks, or two that are "
		       "separated by a blank");
}

static bool
is_host(struct str s)
{
	return syntax_is_host(s) || syntax_is_ipv6(s);
}

static bool
is_host_or_origin(struct str s)
{
	struct syntax_url url;

	if (str_find(s, '/') == s.n)
		return is_host(s);
	return syntax_url(s, &url) && url.path.n == 0 &&
	       !str_starts(url.port, STR("0"));
}

int
check_hosts(const void *field, struct err *err)
{
	return check_words(field, is_host_or_origin,
			   "a host name without port or path, or an origin "
			   "such as https://app.example.com:8443",
			   err);
}

int
check_rule_hosts(const void *field, struct err *err)
{
	return check_words(field, is_host,
			   "a host name without scheme, port or path", err);
}

int
check_login_url(const void *field, struct err *err)
{
	const struct str *text = field;
	struct syntax_url url;

	if (!syntax_url(*text, &url) || url.path.n == 0) {
		return err_set(err, ERR_CONFIG,
			       "must be an absolute URL without query, such "
			       "as https://auth.example.com/auth/login");
	}
	return 0;
}

int
check_path(const void *field, struct err *err)
{
	struct str rest = *(const struct str *)field, segment;
	bool ok = rest.p[0] == '/';

	rest = str_skip(rest, 1);
	while (ok && str_cut(&rest, '/', &segment)) {
		ok = str_is_name(segment, "-._~") &&
		     !str_eq(segment, STR(".")) && !str_eq(segment, STR(".."));
	}
	if (ok)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "must be a path such as /auth: it begins with a "
		       "slash, does not end with one, and has only letters, "
		       "digits, slashes and - . _ ~");
}

static bool
starts_nocase(struct str s, struct str prefix)
{
	return s.n >= prefix.n &&
	       str_eq_nocase((struct str){ .p = s.p, .n = prefix.n }, prefix);
}

int
check_cookie_name(const void *field, struct err *err)
{
	const struct str *name = field;

	/* RFC 6265 section 4.1.1: a token of RFC 2616. */
	if (!str_is_name(*name, "!#$%&'*+-.^_`|~")) {
		return err_set(err, ERR_CONFIG,
			       "must be letters, digits and - _ .");
	}
	if (starts_nocase(*name, STR("__Host-")) ||
	    starts_nocase(*name, STR("__Secure-"))) {
		return err_set(err, ERR_CONFIG,
			       "must not begin with __Host- or __Secure-; "
			       "the prefix is added automatically");
	}
	return 0;
}

int
check_cookie_domain(const void *field, struct err *err)
{
	const struct str *domain = field;

	if (domain->p[0] == '.') {
		return err_set(err, ERR_CONFIG,
			       "must not begin with a dot; hosts below the "
			       "domain are included anyway");
	}
	if (syntax_is_ipv4(*domain) || syntax_is_ipv6(*domain)) {
		return err_set(err, ERR_CONFIG,
			       "must be a domain name; browsers accept no "
			       "address here");
	}
	if (!syntax_is_host(*domain)) {
		return err_set(err, ERR_CONFIG,
			       "must be a domain name such as example.com");
	}
	if (str_find(*domain, '.') == domain->n) {
		return err_set(err, ERR_CONFIG,
			       "must have a dot, as in example.com; browsers "
			       "refuse a single name");
	}
	return 0;
}

/* Returns true for an entry of redirect.allow, with or without a port. */
static bool
is_allowed_host(struct str s)
{
	struct str name = s, port;
	size_t colon = str_find(s, ':');

	port = str_skip(s, colon);
	s.n = colon;
	if (port.n > 0 &&
	    (!syntax_is_port(str_skip(port, 1)) || port.p[1] == '0'))
		return false;
	if (s.n == 0 || s.p[0] != '.')
		return syntax_is_host(s);
	name = str_skip(s, 1);
	return syntax_is_host(name) && !syntax_is_ipv4(name) &&
	       str_find(name, '.') < name.n;
}

int
check_redirect_allow(const void *field, struct err *err)
{
	return check_words(field, is_allowed_host,
			   "a host name, or .example.com for all below it, "
			   "perhaps with a port; no scheme, path or whole "
			   "top-level domain",
			   err);
}

/* Returns true for an origin as browsers write it: without the default port of
 * the scheme. */
static bool
is_origin(struct str s)
{
	struct syntax_url url;

	if (!syntax_url(s, &url) || url.path.n > 0)
		return false;
	return str_eq(url.scheme, STR("https")) ?
		   !str_eq(url.port, STR("443")) :
		   !str_eq(url.port, STR("80"));
}

int
check_origins(const void *field, struct err *err)
{
	return check_words(field, is_origin,
			   "scheme://host or scheme://host:port as browsers "
			   "send it; no path, no default port, no *",
			   err);
}

/* Returns true for printable ASCII without the characters that no URL has. */
static bool
is_url_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] > '~' ||
		    memchr("\"<>\\^`{|}", s.p[i], 9) != NULL)
			return false;
	}
	return true;
}

static bool
has_upper_case(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] >= 'A' && s.p[i] <= 'Z')
			return true;
	}
	return false;
}

int
check_link_url(const void *field, struct err *err)
{
	const struct str text = *(const struct str *)field;
	struct str before = text;
	struct syntax_url url;
	bool ok = is_url_text(text);

	before.n = str_find(before, '#');
	before.n = str_find(before, '?');
	if (syntax_url(before, &url))
		ok = ok && !has_upper_case(url.host);
	else
		ok = ok && str_starts(text, STR("/")) &&
		     !str_starts(text, STR("//"));
	if (ok)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "must be a path such as /wiki/, or an absolute URL with "
		       "the host in lower case, such as "
		       "https://wiki.example.com/");
}

int
check_header_name(const void *field, struct err *err)
{
	/* Headers that CGI and HTTP use themselves. */
	static const char *const taken[] = {
		"Status",	 "Location",	      "Set-Cookie",
		"Cache-Control", "Content-Type",      "Content-Length",
		"Connection",	 "Transfer-Encoding",
	};
	const struct str *name = field;

	if (!str_is_name(*name, "-")) {
		return err_set(err, ERR_CONFIG,
			       "must be letters, digits and -");
	}
	for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
		if (str_eq_nocase(*name, str_from(taken[i]))) {
			return err_set(err, ERR_CONFIG,
				       "must not be a header that HTTP or "
				       "CGI uses itself");
		}
	}
	return 0;
}

static bool
is_method(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] >= 'a' && s.p[i] <= 'z')
			return false;
	}
	return str_is_name(s, "-_");
}

int
check_methods(const void *field, struct err *err)
{
	return check_words(field, is_method,
			   "a method in capital letters, such as GET", err);
}

static bool
is_network(struct str s)
{
	struct network n;

	return network_parse(s, &n);
}

int
check_networks(const void *field, struct err *err)
{
	return check_words(field, is_network,
			   "an address, or a network such as 10.0.0.0/8 or "
			   "2001:db8::/32 with no bits set beyond its prefix "
			   "length",
			   err);
}

static int
domain_covers_login(const struct settings *s, struct err *err)
{
	struct syntax_url url;

	if (s->cookie.domain.n == 0 || !syntax_url(s->server.login_url, &url) ||
	    syntax_is_below(url.host, s->cookie.domain))
		return 0;
	return err_set(err, ERR_CONFIG,
		       "must include the host of [server] login_url, %.*s, "
		       "which could not set the cookie otherwise",
		       WORD_ARG(url.host));
}

enum reach { REACH_FILE = 0, REACH_MACHINE, REACH_NETWORK };

/*
 * Returns the largest set of peers that may connect to an address of `listen`.
 */
static enum reach
reach_of(struct str listen)
{
	if (str_starts(listen, STR("unix:")))
		return REACH_FILE;
	return str_starts(listen, STR("127.")) ||
		       str_starts(listen, STR("[::1]:")) ?
		   REACH_MACHINE :
		   REACH_NETWORK;
}

/* Returns the first address with this reach if no peer secret is set; p is NULL
 * when there is none. */
static struct str
open_address(const struct settings *s, enum reach reach)
{
	const struct words *listen = &s->server.listen;

	for (size_t i = 0; i < listen->n && s->server.peer_secret.n == 0; i++) {
		if (reach_of(listen->v[i]) == reach)
			return listen->v[i];
	}
	return (struct str){ .p = NULL, .n = 0 };
}

static int
network_needs_secret(const struct settings *s, struct err *err)
{
	struct str open = open_address(s, REACH_NETWORK);

	if (open.p == NULL)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "must be set, because other machines can connect to "
		       "%.*s and claim to be the web server",
		       WORD_ARG(open));
}

static int
machine_wants_secret(const struct settings *s, struct err *err)
{
	struct str open = open_address(s, REACH_MACHINE);

	if (open.p == NULL)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "is empty, and every user of this machine can connect "
		       "to %.*s and claim to be the web server",
		       WORD_ARG(open));
}

/* The secret of the sample configuration, change.me, is too short. */
static int
secret_is_short(const struct settings *s, struct err *err)
{
	struct str rest = s->server.peer_secret, word;

	while (str_word(&rest, &word)) {
		if (word.n < PEER_SECRET_GOOD)
			return err_set(err, ERR_CONFIG,
				       "is shorter than %d characters and may "
				       "be guessed; generate one with openssl "
				       "rand -hex 32",
				       PEER_SECRET_GOOD);
	}
	return 0;
}

static int
headers_differ(const struct settings *s, struct err *err)
{
	const struct str names[] = { s->headers.user, s->headers.roles,
				     s->headers.email, s->headers.name };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		for (size_t j = 0; j < i; j++) {
			if (!str_eq_nocase(names[i], names[j]))
				continue;
			return err_set(err, ERR_CONFIG,
				       "%.*s is used twice; the four names "
				       "must differ",
				       WORD_ARG(names[i]));
		}
	}
	return 0;
}

const struct check_rule check_rules[] = {
	{ "server", "hosts", hosts_have_one_scheme },
	{ "server", "login_url", hosts_serve_login },
	{ "server", "login_url", hosts_allow_plain_login },
	{ "server", "peer_secret", network_needs_secret },
	{ "cookie", "same_site", hosts_suit_same_site },
	{ "cookie", "domain", hosts_are_below_domain },
	{ "cookie", "domain", domain_covers_login },
	{ "headers", "", headers_differ },
	{ "mail", "from", mail_has_sender },
	{ "mail", "", mail_has_one_way },
	{ "mail", "", mail_keys_suit_way },
	{ "account", "reset", account_can_mail },
	{ "account", "notify_login", account_can_notify },
};
const size_t check_nrules = ARRAY_LEN(check_rules);

const struct check_rule check_warnings[] = {
	{ "server", "peer_secret", machine_wants_secret },
	{ "server", "peer_secret", secret_is_short },
	{ "server", "hosts", hosts_guard_rules },
	{ "cookie", "secure", hosts_want_secure },
	{ "cookie", "domain", hosts_share_login },
	{ "redirect", "allow", hosts_may_be_returned_to },
	{ "factors", "driver", factors_last },
	{ "factors", "driver", factors_reach_hosts },
	{ "mail", "", mail_has_outbox },
	{ "mail", "tls", mail_is_encrypted },
};
const size_t check_nwarnings = ARRAY_LEN(check_warnings);
