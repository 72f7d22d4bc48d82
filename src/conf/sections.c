/* SPDX-License-Identifier: MIT */
/*
 * The option tables of all sections except [mail], [pages] and those of the
 * backends. The help texts are the manual.
 */
#include "conf/sections.h"

#include "base/base.h"
#include "conf/checks.h"
#include "conf/account.h"
#include "conf/mail.h"
#include "conf/pages.h"
#include "conf/sections_running.h"

static const char *const log_levels[] = { "error", "warning", "info", "debug",
					  NULL };
static const char *const log_formats[] = { "text", "json", NULL };
static const char *const refusals[] = { "no", "forbidden", "all", NULL };
static const char *const deliveries[] = { "cookie", "body", "both", NULL };
static const char *const same_sites[] = { "lax", "strict", "none", NULL };
static const char *const encodings[] = { "percent", "utf-8", NULL };
static const char *const automatic[] = { "auto", NULL };

static const struct option server_options[] = {
	OPTION(WORDS, struct server_settings, listen,
	       .def = "unix:/run/fcgiauth/fcgiauth.sock", .min = 1, .max = 16,
	       .flags = OPTION_REQUIRED | OPTION_RESTART, .check = check_listen,
	       .help = "Addresses to listen on for FastCGI, separated by "
		       "blanks: unix:/path, 127.0.0.1:9000 or [::1]:9000. "
		       "Sockets passed by the service manager take "
		       "precedence over this option. A program that can "
		       "connect can claim to be the web server: give only "
		       "the group of the web server access to a unix socket, "
		       "and set peer_secret for a TCP address."),
	OPTION(MODE, struct server_settings, socket_mode, .def = "0660",
	       .min = 0, .max = 0777, .flags = OPTION_RESTART,
	       .help = "File mode of the unix sockets. The web server needs "
		       "write permission; no other user should have it."),
	OPTION(SECRET, struct server_settings, peer_secret, .min = 1,
	       .max = 1024, .check = check_peer_secret,
	       .help = "A secret that every request must carry in the "
		       "FastCGI parameter AUTH_SECRET; a request without it "
		       "is answered 403. Empty means that no secret is "
		       "required. Every user of the machine can connect to a "
		       "TCP address, so set a secret there; it is required "
		       "for an address that other machines can reach. The "
		       "command openssl rand -hex 32 generates a good one; a "
		       "secret of less than 16 characters causes a warning. "
		       "To change the secret, write the new one beside the "
		       "old one, separated by a blank, and reload; give the "
		       "web servers the new one; then remove the old one."),
	OPTION(WORDS, struct server_settings, hosts, .flags = OPTION_LOWER,
	       .check = check_hosts,
	       .help = "Hosts that this service answers for, as names or as "
		       "whole origins: www.example.com "
		       "https://app.example.com:8443. A check or a sign-in "
		       "for another host is refused. Empty means every host "
		       "that the web server passes on. An origin also states "
		       "the scheme and the port that browsers use, and takes "
		       "precedence over what the web server says: it is "
		       "needed behind a load balancer that terminates TLS, "
		       "with a forwarded port, and for a site with plain "
		       "http other than localhost. Sign-in, return addresses "
		       "and cookies follow the origin: with https the "
		       "cookies are Secure whatever cookie.secure says, with "
		       "http they are not. A host may have several ports, "
		       "but not both schemes. A name beside an origin of the "
		       "same host has no effect. With http, anybody on the "
		       "network can take over a session."),
	OPTION(STR, struct server_settings, login_url, .min = 1, .max = 1024,
	       .check = check_login_url,
	       .help = "The absolute URL of the login page, if one host "
		       "serves it for several. Set cookie.domain as well: "
		       "without it, browsers are redirected in a loop. The "
		       "URL must be https, except on localhost, 127.0.0.1 or "
		       "[::1], and on an origin that hosts has with http. "
		       "Empty means the login page of the requested host."),
	OPTION(WORDS, struct server_settings, locations,
	       .help = "Paths for which the configuration of the web server "
		       "has a requirement of its own ($fcgiauth_require and "
		       "its counterparts), written like the path of a rule. "
		       "The web server applies the requirement by its own "
		       "reading of the path; an application may read the "
		       "path differently. With this option, a path of which "
		       "only some readings are at or below one of these "
		       "paths is refused as ambiguous, as it is for rules. A "
		       "rule with the same path and the same requirement has "
		       "this effect too, and applies without the web server."),
	OPTION(INT, struct server_settings, threads, .def = "8", .min = 1,
	       .max = 256, .flags = OPTION_RESTART,
	       .help = "The number of requests that are processed at the "
		       "same time while they may have to wait for the store, "
		       "a password hash or a page. Checks that are answered "
		       "from memory do not count, and idle connections occupy "
		       "no thread."),
	OPTION(STR, struct server_settings, path, .def = "/auth", .min = 2,
	       .max = 64, .flags = OPTION_REQUIRED, .check = check_path,
	       .help = "The URL path below which the service's own pages "
		       "are. It begins with a slash and does not end with "
		       "one. The configuration of the web server must have "
		       "the same path."),
	OPTION(ENUM, struct server_settings, log_level, .def = "info",
	       .words = log_levels,
	       .help = "The least important level of events that are logged "
		       "to standard error. Audit events are always logged."),
	OPTION(ENUM, struct server_settings, log_format, .def = "text",
	       .words = log_formats, .flags = OPTION_RESTART,
	       .help = "Each event is one line: key=value text, or a JSON "
		       "object."),
	OPTION(ENUM, struct server_settings, log_refusals, .def = "forbidden",
	       .words = refusals,
	       .help = "Which refused requests are logged: those answered "
		       "403 (forbidden); also those answered 401, of people "
		       "who are not signed in (all); or none (no). Each is "
		       "logged as one line with status, reason, rule, user, "
		       "host, method, path (without the query), address and "
		       "the ID of the request. At most 20 lines are written "
		       "per second; the next line then says how many were "
		       "left out."),
	OPTION_END,
};

static const struct option auth_options[] = {
	OPTION(ENUM, struct auth_settings, deliver, .def = "cookie",
	       .words = deliveries,
	       .help = "How a sign-in delivers credentials: as a cookie, in "
		       "the JSON body, or both. Scripts of the page can read "
		       "a credential in the body: use it only for programs "
		       "that need it. The login form always sets a cookie."),
	OPTION_END,
};

static const struct option no_options[] = { OPTION_END };

static const struct option users_options[] = {
	OPTION(SECONDS, struct users_settings, recheck, .def = "1m", .min = 0,
	       .max = 86400,
	       .help = "How soon a change in the user source reaches the "
		       "sessions: the user of each session in use is looked "
		       "up again once in this time. The sessions of a user "
		       "who was disabled or removed then end, and those of a "
		       "changed user change. A new password ends the "
		       "sessions of the old one, wherever it was set. The "
		       "sessions also end when another program stores the "
		       "same password in a new form, but not when the "
		       "service itself replaces a weaker hash. While the "
		       "user source cannot be reached, requests for which a "
		       "lookup is due are answered 503. With 0, users are "
		       "never looked up: use it only if nothing but "
		       "fcgiauthctl changes users, which changes the "
		       "sessions itself. In mode refresh, the user is looked "
		       "up at each refresh instead, so that a change takes "
		       "effect within ttl. In mode jwt, the user is never "
		       "looked up, and a token is valid as it was issued "
		       "until it ends."),
	OPTION_END,
};

static const struct option cookie_options[] = {
	OPTION(STR, struct cookie_settings, name, .def = "fcgiauth", .min = 1,
	       .max = 64, .flags = OPTION_REQUIRED, .check = check_cookie_name,
	       .help = "The base of the names of all cookies. The prefix "
		       "__Host- or __Secure- is added automatically. "
		       "Changing the name signs all users out."),
	OPTION(BOOL, struct cookie_settings, secure, .def = "yes",
	       .help = "Whether cookies are sent over https only. The option "
		       "is for hosts without an origin in server.hosts: for "
		       "a host with an origin, its scheme decides. Say no "
		       "only for plain http in development: anybody on the "
		       "network can then take over a session."),
	OPTION(STR, struct cookie_settings, domain, .min = 1, .max = 253,
	       .flags = OPTION_LOWER, .check = check_cookie_domain,
	       .help = "A domain, such as example.com, whose host and all "
		       "hosts below it share one sign-in. Each of them then "
		       "receives the cookie and can overwrite it: leave this "
		       "empty unless all of them are yours."),
	OPTION(ENUM, struct cookie_settings, same_site, .def = "lax",
	       .words = same_sites,
	       .help = "The SameSite attribute. With strict, a user who "
		       "follows a link from another site arrives signed out. "
		       "With none, browsers send the cookie with every "
		       "request from other sites, which cross-site CORS "
		       "needs; it requires secure = yes."),
	OPTION_END,
};

static const struct option redirect_options[] = {
	OPTION(WORDS, struct redirect_settings, allow, .flags = OPTION_LOWER,
	       .check = check_redirect_allow,
	       .help = "Other hosts that a sign-in may return to, by https. "
		       "A name with a dot in front, such as .example.com, "
		       "means every host below it. A port may follow, as in "
		       "app.example.com:8443; without one, it is 443. The "
		       "origins in server.hosts need not be listed here, but "
		       "its bare names must be, if server.login_url is on "
		       "another host. An attacker who controls a listed host "
		       "can use the login page to send users there."),
	OPTION_END,
};

static const struct option cors_options[] = {
	OPTION(WORDS, struct cors_settings, origins, .flags = OPTION_LOWER,
	       .check = check_origins,
	       .help = "Origins, such as https://app.example.com, whose "
		       "scripts may call this service with the cookies of "
		       "the user. The scripts act as the user: list only "
		       "origins that you trust as much as this service. Each "
		       "is scheme, host and port exactly as browsers write "
		       "them. Browsers give the cookie to scripts of another "
		       "site only with same_site = none in the section "
		       "cookie; another host below the same domain is the "
		       "same site."),
	OPTION_END,
};

#define HEADER_NAME(field, default_name, what)                                 \
	OPTION(STR, struct headers_settings, field, .def = default_name,       \
	       .min = 1, .max = 64, .flags = OPTION_REQUIRED,                  \
	       .check = check_header_name,                                     \
	       .help = "The header that carries " what)

static const struct option headers_options[] = {
	HEADER_NAME(user, "Remote-User", "the user name."),
	HEADER_NAME(roles, "Remote-Groups", "the roles, separated by commas."),
	HEADER_NAME(email, "Remote-Email", "the e-mail address."),
	HEADER_NAME(name, "Remote-Name", "the full name."),
	OPTION(ENUM, struct headers_settings, encoding, .def = "percent",
	       .words = encodings,
	       .help = "How the full name and the e-mail address are written "
		       "in their headers. With percent, % and every byte of "
		       "their UTF-8 that is not printable ASCII are written "
		       "as %XX; every application can receive this, and "
		       "decodes it like a part of a URL. With utf-8 they are "
		       "sent unchanged: some application servers refuse such "
		       "a request or read it as Latin-1."),
	OPTION_END,
};

static const struct option password_options[] = {
	OPTION(INT, struct password_settings, min_length, .def = "15", .min = 8,
	       .max = 128,
	       .help = "The minimum number of characters of a new password. "
		       "NIST asks for 15 where the password is the only "
		       "factor. Existing passwords stay valid. Passwords are "
		       "compared in the form NFC of Unicode, so that it does "
		       "not matter how a keyboard encodes an accent or an "
		       "umlaut. A hash that another program made of another "
		       "form is accepted as well."),
	OPTION(PATH, struct password_settings, blocklist,
	       .help = "A file of passwords that nobody may choose, one per "
		       "line, compared without regard to case. A built-in "
		       "list of the most common passwords always applies."),
	OPTION_END,
};

static const struct option limits_options[] = {
	OPTION(INT, struct limits_settings, login_attempts, .def = "5",
	       .min = 1, .max = 1000,
	       .help = "The number of failed sign-ins of a user within "
		       "login_window after which a ban begins. The case of "
		       "the name does not matter. For each network from "
		       "which the user signed in within the last 90 days, at "
		       "most the ten that were used last, the name has a "
		       "counter and a ban of its own: an attacker who "
		       "guesses elsewhere does not lock the user out there. "
		       "Such a network is an IPv4 address or an IPv6 /64; it "
		       "is stored as a keyed hash."),
	OPTION(INT, struct limits_settings, login_attempts_address, .def = "50",
	       .min = 1, .max = 100000,
	       .help = "The same number for an address, whatever the names: "
		       "many people can share an address, and a successful "
		       "sign-in does not count. IPv6 is counted by /64 and, "
		       "with ten times the number, by /48."),
	OPTION(WORDS, struct limits_settings, trusted, .check = check_networks,
	       .help = "Addresses or networks, such as 10.0.0.0/8 or "
		       "2001:db8::/32, that are never banned. Users can still "
		       "be banned for failed sign-ins from there. Do not list "
		       "a proxy whose own address is the only one that arrives "
		       "here: configure it to pass on the addresses of its "
		       "clients."),
	OPTION(SECONDS, struct limits_settings, login_window, .def = "2m",
	       .min = 1, .max = 86400,
	       .help = "How long a failed sign-in counts. A sign-in during "
		       "which the service was killed counts as well, because "
		       "its result is not known."),
	OPTION(SECONDS, struct limits_settings, login_ban, .def = "5m",
	       .min = 1, .max = 30 * 86400,
	       .help = "How long a ban lasts. An attacker can cause the ban "
		       "of a user who signs in from a new network, so keep "
		       "it short."),
	OPTION(BYTES, struct limits_settings, body, .def = "16k", .min = 1024,
	       .max = 1024 * 1024,
	       .help = "The largest request body; a larger one is answered "
		       "413."),
	OPTION(
	    INT, struct limits_settings, hash_slots, .def = "auto", .min = 1,
	    .max = 64, .words = automatic, .flags = OPTION_RESTART,
	    .help =
		"The number of passwords that are hashed at the same time; "
		"each takes a processor and 19 MiB. Up to 256 other requests "
		"wait for at most 3 seconds and are then answered 503. "
		"Networks (an IPv4 address, an IPv6 /48) and accounts take "
		"turns, so that a flood costs each of the others one turn; a "
		"waiting request occupies no thread. With auto, it is the "
		"number of processors less one, and at least 1. Sign-ins "
		"never occupy more than half of the threads. For its first "
		"100 ms a hash gives way to all other threads of the host, so "
		"that it does not delay checks. This needs a limit of the "
		"nice value (RLIMIT_NICE) of at least 20: LimitNICE=20 in a "
		"systemd unit, --ulimit nice=20 in Docker."),
	OPTION_END,
};

static const struct option rule_options[] = {
	OPTION(WORDS, struct rule_settings, host,
	       .flags = OPTION_LOWER | OPTION_NOT_EMPTY,
	       .check = check_rule_hosts,
	       .help = "Host names, in full and without port; the request "
		       "must be for one of them."),
	OPTION(STR, struct rule_settings, path, .min = 1, .max = 4096,
	       .flags = OPTION_NOT_EMPTY,
	       .help = "The beginning of the path, up to the end of a "
		       "segment: /a matches /a and all paths below it, but "
		       "not /ab; /a/ matches all paths below it, but not /a "
		       "itself. It is compared with the path that the client "
		       "asked for, without the query string; case matters. "
		       "Web servers and applications may read the same path "
		       "differently, so the rule is compared with every "
		       "reading: "
		       "as sent, decoded once and twice, slashes merged, dot "
		       "segments resolved, ;parameters removed, \\ read as "
		       "/, the host of //host/path removed. A request is "
		       "allowed only if every reading allows it. If only "
		       "some readings allow it, the path is ambiguous, and "
		       "the request is refused with 403. A path in which "
		       "decoding, \\ or ; turns a segment into . or .. is "
		       "always refused. The command fcgiauthctl rule test "
		       "shows the readings."),
	OPTION(STR, struct rule_settings, path_regex, .min = 1, .max = 4096,
	       .flags = OPTION_NOT_EMPTY,
	       .help = "A regular expression (PCRE2), instead of path. It "
		       "must match the whole path, as if it stood between ^ "
		       "and $, and is compared with every reading as well. "
		       "If matching takes too many steps, the answer is 503."),
	OPTION(WORDS, struct rule_settings, method, .flags = OPTION_NOT_EMPTY,
	       .check = check_methods,
	       .help = "Request methods, such as GET or POST. GET includes "
		       "HEAD."),
	OPTION(WORDS, struct rule_settings, network, .flags = OPTION_NOT_EMPTY,
	       .check = check_networks,
	       .help = "Addresses or networks, such as 10.0.0.0/8 or "
		       "2001:db8::/32, one of which must contain the "
		       "client's address. It is the address that the web "
		       "server sees, never one from a header. If there is no "
		       "valid address, the rule refuses the request. An "
		       "address does not prove who a user is."),
	OPTION(WORDS, struct rule_settings, require, .flags = OPTION_REQUIRED,
	       .help = "Who is allowed. The word user means every signed-in "
		       "user, user:NAME and role:NAME mean certain users; "
		       "one of several words is enough. With public, "
		       "everybody is allowed: a signed-in user has an "
		       "identity, everybody else has none, also while the "
		       "store is down. With deny, which must be the only "
		       "word, nobody is allowed."),
	OPTION_END,
};

#define SECTION(field, ...)                                                    \
	{                                                                      \
		.name = #field, .options = field##_options,                    \
		.offset = offsetof(struct settings, field), __VA_ARGS__        \
	}

const struct tables_section tables_sections[] = {
	SECTION(server, .help = "How web servers reach the service."),
	SECTION(auth, .selector = &select_mode,
		.help = "What a sign-in turns into, and how it delivers "
			"credentials."),
	{ .name = "store",
	  .options = no_options,
	  .selector = &select_store,
	  .help = "Where sessions are kept." },
	{ .name = "users",
	  .options = users_options,
	  .offset = offsetof(struct settings, any_users),
	  .selector = &select_users,
	  .help = "Where users and their password hashes are kept." },
	{ .name = "factors",
	  .options = no_options,
	  .selector = &select_factors,
	  .help = "Where records of accounts are kept that are not in the user "
		  "source: whether the next sign-in must set a new password, "
		  "verified e-mail addresses, one-time links, and the mail "
		  "that waits to be sent. They are durable: a store that "
		  "loses them weakens the protection of the users. While this "
		  "store is down, what needs it is answered with 503; checks "
		  "never need it." },
	SECTION(cookie, .modes_first = true,
		.help = "The cookies that hold credentials."),
	SECTION(redirect, .help = "Where a sign-in may return to."),
	SECTION(cors, .help = "Calls from scripts of other origins."),
	SECTION(headers,
		.help = "Names of the headers that carry the identity to the "
			"application. If you change them, change the "
			"snippets of the web server as well, which also keep "
			"clients from sending them."),
	SECTION(password, .help = "Requirements for new passwords."),
	SECTION(limits, .help = "Protection against password guessing and "
				"overload."),
	SECTION(cache, .help = "Checks that are answered from memory."),
	SECTION(account, .help = "What people can do for their accounts."),
	SECTION(mail, .help = "How mail is sent, for example links for a new "
			      "password. Without this section no mail is "
			      "sent. The command fcgiauthctl mail test "
			      "sends a message."),
	SECTION(metrics, .help = "What the service counts, for Prometheus."),
	SECTION(pages, .help = "What people see of the service."),
	{ .name = "rule",
	  .options = rule_options,
	  .named = true,
	  .help = "Who may access what. There can be any number of these "
		  "sections, each with a name of its own. The first rule in "
		  "the file whose host, path, method and network all match "
		  "decides alone; a condition that is left out matches "
		  "everything. Without any rule, every signed-in user may "
		  "access everything; with rules, a request that none of "
		  "them matches is refused. A location of the web server "
		  "may require more with the parameter AUTH_REQUIRE, which "
		  "never allows what rules refuse. The command fcgiauthctl "
		  "rule test shows which rule decides, and why." },
	{ .name = "link",
	  .options = link_options,
	  .named = true,
	  .help = "An application that the account page offers. There can "
		  "be up to 64 of these sections, each with a name of its "
		  "own; they are shown in the order of the file. Their "
		  "addresses and titles may have 8192 bytes together." },
};
const size_t tables_nsections = ARRAY_LEN(tables_sections);

const struct settings_driver *
tables_drivers(const struct settings_drivers *d, enum tables_kind kind,
	       size_t *n)
{
	switch (kind) {
	case KIND_MODES:
		*n = d->nmodes;
		return d->modes;
	case KIND_STORES:
		*n = d->nstores;
		return d->stores;
	case KIND_USERS:
		*n = d->nusers;
		return d->users;
	case KIND_FACTORS:
		*n = d->nfactors;
		return d->factors;
	}
	*n = 0;
	return NULL;
}
