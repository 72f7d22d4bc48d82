/* SPDX-License-Identifier: MIT */
/* Rules over [server] hosts and other options. */
#include "conf/hosts.h"

#include "base/buf.h"
#include "base/err.h"
#include "conf/settings.h"
#include "conf/syntax.h"

/* Long words are truncated, so that they fit into a message. */
#define WORD_ARG(s) (int)((s).n > 80 ? 80 : (s).n), (s).p

/* Parses one word of server.hosts; a bare name gives an empty scheme. */
static struct syntax_url
hosts_read_word(struct str word)
{
	struct syntax_url url;

	if (!syntax_url(word, &url))
		return (struct syntax_url){ .host = word };
	if (url.port.n == 0)
		url.port =
		    str_eq(url.scheme, STR("https")) ? STR("443") : STR("80");
	return url;
}

static bool
hosts_is_plain(const struct syntax_url *url)
{
	return str_eq(url->scheme, STR("http"));
}

int
hosts_have_one_scheme(const struct settings *s, struct err *err)
{
	const struct words *hosts = &s->server.hosts;

	for (size_t i = 0; i < hosts->n; i++) {
		struct syntax_url one = hosts_read_word(hosts->v[i]);

		for (size_t k = 0; k < i; k++) {
			struct syntax_url two = hosts_read_word(hosts->v[k]);

			if (!str_eq(one.host, two.host) || one.scheme.n == 0 ||
			    two.scheme.n == 0 ||
			    hosts_is_plain(&one) == hosts_is_plain(&two))
				continue;
			return err_set(
			    err, ERR_CONFIG,
			    "has %.*s with both http and https; browsers must "
			    "use one of them",
			    WORD_ARG(one.host));
		}
	}
	return 0;
}

/* Looks an origin up in server.hosts. *listed: the origin itself is there;
 * *named: there are origins of its host; *served: its host is there at all. */
static void
find_origin(const struct settings *s, const struct syntax_url *wanted,
	    bool *listed, bool *named, bool *served)
{
	const struct words *hosts = &s->server.hosts;

	*listed = *named = *served = false;
	for (size_t i = 0; i < hosts->n; i++) {
		struct syntax_url url = hosts_read_word(hosts->v[i]);

		if (!str_eq_nocase(url.host, wanted->host))
			continue;
		*served = true;
		if (url.scheme.n == 0)
			continue;
		*named = true;
		if (str_eq(url.scheme, wanted->scheme) &&
		    str_eq(url.port, wanted->port))
			*listed = true;
	}
}

int
hosts_serve_login(const struct settings *s, struct err *err)
{
	struct syntax_url url = hosts_read_word(s->server.login_url);
	bool listed, named, served;

	if (s->server.hosts.n == 0 || s->server.login_url.n == 0)
		return 0;
	find_origin(s, &url, &listed, &named, &served);
	if (!served) {
		return err_set(err, ERR_CONFIG,
			       "must be on one of the hosts in [server] "
			       "hosts, but its host is %.*s",
			       WORD_ARG(url.host));
	}
	if (named && !listed) {
		return err_set(err, ERR_CONFIG,
			       "must have a scheme and port that [server] "
			       "hosts has for %.*s",
			       WORD_ARG(url.host));
	}
	return 0;
}

int
hosts_allow_plain_login(const struct settings *s, struct err *err)
{
	struct syntax_url url = hosts_read_word(s->server.login_url);
	bool listed, named, served;

	if (!hosts_is_plain(&url) || syntax_is_loopback(url.host))
		return 0;
	find_origin(s, &url, &listed, &named, &served);
	/* hosts_serve_login() checks whether it is one of the origins */
	if (named)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "must be https; http is allowed on localhost, and on "
		       "hosts that [server] hosts has with http://");
}

int
hosts_suit_same_site(const struct settings *s, struct err *err)
{
	const struct words *hosts = &s->server.hosts;
	bool bare = hosts->n == 0;

	if (s->cookie.same_site != SAME_SITE_NONE)
		return 0;
	for (size_t i = 0; i < hosts->n; i++) {
		struct syntax_url url = hosts_read_word(hosts->v[i]);

		bare = bare || url.scheme.n == 0;
		if (!hosts_is_plain(&url))
			continue;
		return err_set(err, ERR_CONFIG,
			       "none needs https, but [server] hosts has "
			       "%.*s, whose cookie browsers would drop",
			       WORD_ARG(hosts->v[i]));
	}
	if (!bare || s->cookie.secure)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "none needs secure = yes; browsers drop the cookie "
		       "otherwise");
}

int
hosts_are_below_domain(const struct settings *s, struct err *err)
{
	const struct words *hosts = &s->server.hosts;

	for (size_t i = 0; i < hosts->n && s->cookie.domain.n > 0; i++) {
		struct str host = hosts_read_word(hosts->v[i]).host;

		if (syntax_is_below(host, s->cookie.domain))
			continue;
		return err_set(err, ERR_CONFIG,
			       "must include every host of [server] hosts; "
			       "%.*s is not below this domain, so that "
			       "browsers would refuse its cookie",
			       WORD_ARG(host));
	}
	return 0;
}

int
hosts_guard_rules(const struct settings *s, struct err *err)
{
	for (size_t i = 0; i < s->rules.n && s->server.hosts.n == 0; i++) {
		if (s->rules.v[i].host.n == 0)
			continue;
		return err_set(err, ERR_CONFIG,
			       "is empty, but [rule %.*s] has a host: clients "
			       "can bypass the rule with another Host that "
			       "the web server accepts for this site; list "
			       "the hosts here",
			       WORD_ARG(s->rules.v[i].name));
	}
	return 0;
}

int
hosts_want_secure(const struct settings *s, struct err *err)
{
	const struct words *hosts = &s->server.hosts;

	for (size_t i = 0; i < hosts->n && !s->cookie.secure; i++) {
		struct syntax_url url = hosts_read_word(hosts->v[i]);

		if (!str_eq(url.scheme, STR("https")))
			continue;
		return err_set(err, ERR_CONFIG,
			       "is no, but [server] hosts has %.*s, whose "
			       "cookies are Secure all the same",
			       WORD_ARG(hosts->v[i]));
	}
	return 0;
}

int
hosts_share_login(const struct settings *s, struct err *err)
{
	const struct words *hosts = &s->server.hosts;
	struct syntax_url login = hosts_read_word(s->server.login_url);
	struct str other = STR("any other host");
	bool found = hosts->n == 0;

	for (size_t i = 0; i < hosts->n && !found; i++) {
		other = hosts_read_word(hosts->v[i]).host;
		found = !str_eq_nocase(other, login.host);
	}
	if (!found || s->server.login_url.n == 0 || s->cookie.domain.n > 0)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "is empty, but [server] login_url is on %.*s: a user "
		       "who signs in there is not signed in at %.*s, and is "
		       "redirected in a loop",
		       WORD_ARG(login.host), WORD_ARG(other));
}

/* Returns true when redirect.allow has the host, with any port. */
static bool
hosts_is_allowed(struct str host, const struct words *allow)
{
	for (size_t i = 0; i < allow->n; i++) {
		struct str rest = allow->v[i], name;

		if (!str_cut(&rest, ':', &name))
			continue;
		if (syntax_host_matches(host, name))
			return true;
	}
	return false;
}

int
hosts_may_be_returned_to(const struct settings *s, struct err *err)
{
	const struct words *hosts = &s->server.hosts;
	struct syntax_url login = hosts_read_word(s->server.login_url);
	bool listed, named, served;

	for (size_t i = 0; i < hosts->n && login.host.n > 0; i++) {
		struct syntax_url url = hosts_read_word(hosts->v[i]);

		find_origin(s, &url, &listed, &named, &served);
		if (named || str_eq_nocase(url.host, login.host) ||
		    hosts_is_allowed(url.host, &s->redirect.allow))
			continue;
		return err_set(err, ERR_CONFIG,
			       "does not have %.*s, so that a sign-in at %.*s "
			       "cannot return to it; add it, or its origin to "
			       "[server] hosts",
			       WORD_ARG(url.host), WORD_ARG(login.host));
	}
	return 0;
}

bool
hosts_know_origin(const struct settings *s)
{
	return s->server.login_url.n > 0 || s->server.hosts.n > 0;
}

void
hosts_add_origin(const struct settings *s, struct buf *out)
{
	struct str text = s->server.login_url;
	struct syntax_url url;

	if (text.n == 0 && s->server.hosts.n > 0)
		text = s->server.hosts.v[0];
	if (syntax_url(text, &url))
		text.n -= url.path.n;
	else if (text.n > 0)
		buf_add(out, STR("https://"));
	buf_add(out, text);
}
