/* SPDX-License-Identifier: MIT */
/* What the hosts of [server] mean for other options. */
#include "conf/hosts.h"

#include "base/err.h"
#include "conf/settings.h"
#include "conf/syntax.h"

/* Words are cut for the message: it has an end. */
#define WORD_ARG(s) (int)((s).n > 80 ? 80 : (s).n), (s).p

/* One word of server.hosts; a bare name has no scheme. */
static struct syntax_url
read_word(struct str word)
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
is_plain(const struct syntax_url *url)
{
	return str_eq(url->scheme, STR("http"));
}

int
hosts_have_one_scheme(const struct settings *s, struct err *err)
{
	const struct words *hosts = &s->server.hosts;

	for (size_t i = 0; i < hosts->n; i++) {
		struct syntax_url one = read_word(hosts->v[i]);

		for (size_t k = 0; k < i; k++) {
			struct syntax_url two = read_word(hosts->v[k]);

			if (!str_eq(one.host, two.host) || one.scheme.n == 0 ||
			    two.scheme.n == 0 ||
			    is_plain(&one) == is_plain(&two))
				continue;
			return err_set(
			    err, ERR_CONFIG,
			    "has %.*s by both http and https; "
			    "browsers must come to it by one of them",
			    WORD_ARG(one.host));
		}
	}
	return 0;
}

/* What hosts has of it.  *listed: the very origin; *named: there are origins
 * of the host at all; *served: or at least its name. */
static void
find_origin(const struct settings *s, const struct syntax_url *wanted,
	    bool *listed, bool *named, bool *served)
{
	const struct words *hosts = &s->server.hosts;

	*listed = *named = *served = false;
	for (size_t i = 0; i < hosts->n; i++) {
		struct syntax_url url = read_word(hosts->v[i]);

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
	struct syntax_url url = read_word(s->server.login_url);
	bool listed, named, served;

	if (s->server.hosts.n == 0 || s->server.login_url.n == 0)
		return 0;
	find_origin(s, &url, &listed, &named, &served);
	if (!served) {
		return err_set(err, ERR_CONFIG,
			       "its host %.*s is not in hosts, so that nobody "
			       "could sign in there",
			       WORD_ARG(url.host));
	}
	if (named && !listed) {
		return err_set(err, ERR_CONFIG,
			       "its scheme and port are none of those that "
			       "hosts has of %.*s",
			       WORD_ARG(url.host));
	}
	return 0;
}

int
hosts_allow_plain_login(const struct settings *s, struct err *err)
{
	struct syntax_url url = read_word(s->server.login_url);
	bool listed, named, served;

	if (!is_plain(&url) || syntax_is_loopback(url.host))
		return 0;
	find_origin(s, &url, &listed, &named, &served);
	if (named) /* hosts_serve_login() says whether it is the right one */
		return 0;
	return err_set(err, ERR_CONFIG,
		       "must be https; http is for localhost, and for what "
		       "hosts has with http:// in front");
}

int
hosts_suit_same_site(const struct settings *s, struct err *err)
{
	const struct words *hosts = &s->server.hosts;
	bool bare = hosts->n == 0;

	if (s->cookie.same_site != SAME_SITE_NONE)
		return 0;
	for (size_t i = 0; i < hosts->n; i++) {
		struct syntax_url url = read_word(hosts->v[i]);

		bare = bare || url.scheme.n == 0;
		if (!is_plain(&url))
			continue;
		return err_set(err, ERR_CONFIG,
			       "none needs https, and [server] hosts has "
			       "%.*s; browsers drop its cookie",
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
		struct str host = read_word(hosts->v[i]).host;

		if (syntax_is_below(host, s->cookie.domain))
			continue;
		return err_set(err, ERR_CONFIG,
			       "[server] hosts has %.*s, which is not below "
			       "this domain and could never keep the cookie",
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
			       "is empty, but [rule %.*s] has a host: who "
			       "sends another Host that the web server takes "
			       "for this site passes that rule by; name the "
			       "hosts here",
			       WORD_ARG(s->rules.v[i].name));
	}
	return 0;
}

int
hosts_want_secure(const struct settings *s, struct err *err)
{
	const struct words *hosts = &s->server.hosts;

	for (size_t i = 0; i < hosts->n && !s->cookie.secure; i++) {
		struct syntax_url url = read_word(hosts->v[i]);

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
	struct syntax_url login = read_word(s->server.login_url);
	struct str other = STR("any other host");
	bool found = hosts->n == 0;

	for (size_t i = 0; i < hosts->n && !found; i++) {
		other = read_word(hosts->v[i]).host;
		found = !str_eq_nocase(other, login.host);
	}
	if (!found || s->server.login_url.n == 0 || s->cookie.domain.n > 0)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "is empty, but [server] login_url is on %.*s: who signs "
		       "in there stays unknown at %.*s, and is sent to and fro "
		       "without end",
		       WORD_ARG(login.host), WORD_ARG(other));
}

/* By redirect.allow, at any port. */
static bool
is_allowed(struct str host, const struct words *allow)
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
	struct syntax_url login = read_word(s->server.login_url);
	bool listed, named, served;

	for (size_t i = 0; i < hosts->n && login.host.n > 0; i++) {
		struct syntax_url url = read_word(hosts->v[i]);

		find_origin(s, &url, &listed, &named, &served);
		if (named || str_eq_nocase(url.host, login.host) ||
		    is_allowed(url.host, &s->redirect.allow))
			continue;
		return err_set(err, ERR_CONFIG,
			       "does not have %.*s, to which a login at %.*s "
			       "could not return; add it, or name its origin "
			       "in [server] hosts",
			       WORD_ARG(url.host), WORD_ARG(login.host));
	}
	return 0;
}
