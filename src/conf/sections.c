/* SPDX-License-Identifier: MIT */
/*
 * The option tables of every section that is not a backend's.  The help texts
 * are the manual.
 */
#include "conf/sections.h"

#include "base/base.h"
#include "conf/checks.h"

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
	       .def = "unix:/run/fcgiauth/fcgiauth.sock",
	       .min = 1, .max = 16,
	       .flags = OPTION_REQUIRED | OPTION_RESTART,
	       .check = check_listen,
	       .help = "Addresses to listen on for FastCGI: unix:/path, "
		       "127.0.0.1:9000 or [::1]:9000, separated by blanks. "
		       "Sockets passed by the service manager win over this. "
		       "Whoever can connect can say who it checks for: keep "
		       "a unix socket to the web server's group, and set "
		       "peer_secret for a TCP address."),
	OPTION(MODE, struct server_settings, socket_mode,
	       .def = "0660", .min = 0, .max = 0777,
	       .flags = OPTION_RESTART,
	       .help = "File mode of the unix sockets. The web server needs "
		       "write permission; nobody else should have it."),
	OPTION(SECRET, struct server_settings, peer_secret,
	       .min = 1, .max = 1024, .check = check_peer_secret,
	       .help = "When set, every request must carry it in the FastCGI "
		       "parameter AUTH_SECRET, or is answered 403. Any user "
		       "of the machine can connect to a TCP address, so set "
		       "it there; openssl rand -hex 32 makes a good one, and one "
		       "of less than 16 characters is warned of. An "
		       "address that other machines can reach needs it. "
		       "To change it, write the new one beside the old one, "
		       "separated by a blank, and reload; give the web "
		       "servers the new one; then take the old one out."),
	OPTION(WORDS, struct server_settings, hosts,
	       .flags = OPTION_LOWER, .check = check_hosts,
	       .help = "Hosts that this service answers for, as names or as "
		       "whole origins: www.example.com "
		       "https://app.example.com:8443. A check or a login for "
		       "another host is refused. Empty means any host that "
		       "the web server passes on. An origin also says the "
		       "scheme and the port that browsers see, and wins over "
		       "what the web server says: it is needed behind a "
		       "balancer that ends TLS, on a forwarded port, and for "
		       "a site by plain http other than localhost. Sign-in, "
		       "return addresses and cookies follow it: with https "
		       "the cookies are Secure whatever cookie.secure says, "
		       "with http they are not. One host may have several "
		       "ports, but not both schemes. A name beside an origin "
		       "of the same host adds nothing. With http, anybody on "
		       "the network can take over a session."),
	OPTION(STR, struct server_settings, login_url,
	       .min = 1, .max = 1024, .check = check_login_url,
	       .help = "The absolute URL of the login page, for when one host "
		       "signs in for several; set cookie.domain too, without "
		       "which browsers are sent to and fro without end. It "
		       "must be https, except on localhost, 127.0.0.1 or [::1], "
		       "and on an origin that hosts has with http. Empty "
		       "means the login page of the host at hand."),
	OPTION(WORDS, struct server_settings, locations,
	       .help = "Paths that the web server's configuration guards with "
		       "a requirement of its own ($fcgiauth_require and its "
		       "counterparts), written like the path of a rule. The "
		       "web server asks for the requirement where it reads "
		       "the path itself; an application may read it "
		       "otherwise. With this key, a path that only some of "
		       "its readings put at or below one of these is refused "
		       "as ambiguous, as it is for rules. A rule with the "
		       "same path and the same requirement does this, too, "
		       "and holds without the web server."),
	OPTION(INT, struct server_settings, threads,
	       .def = "8", .min = 1, .max = 256, .flags = OPTION_RESTART,
	       .help = "How many requests are worked on at the same time. "
		       "Idle connections take no thread."),
	OPTION(STR, struct server_settings, path,
	       .def = "/auth", .min = 2, .max = 64,
	       .flags = OPTION_REQUIRED, .check = check_path,
	       .help = "The URL path below which the service's own pages "
		       "are. It begins with a slash and does not end with "
		       "one. The web server's configuration must say the "
		       "same."),
	OPTION(ENUM, struct server_settings, log_level,
	       .def = "info", .words = log_levels,
	       .help = "The least important events that are logged to "
		       "standard error. Audit events are always logged."),
	OPTION(ENUM, struct server_settings, log_format,
	       .def = "text", .words = log_formats, .flags = OPTION_RESTART,
	       .help = "Each event is one line: key=value text, or a JSON "
		       "object."),
	OPTION(ENUM, struct server_settings, log_refusals,
	       .def = "forbidden", .words = refusals,
	       .help = "Which refused requests are logged, each in a line of "
		       "its own with status, reason, rule, user, host, method, "
		       "path (without the query), address and, when the web "
		       "server sends one, its number of the request: those "
		       "answered 403 (forbidden), those answered 401 too, of "
		       "people who are not signed in (all), or none (no). At "
		       "most 20 lines a second are written; the next one then "
		       "says how many were left out."),
	OPTION_END,
};

static const struct option auth_options[] = {
	OPTION(ENUM, struct auth_settings, deliver,
	       .def = "cookie", .words = deliveries,
	       .help = "How a login hands over credentials: as a cookie, in "
		       "the JSON body, or both. In a body, scripts of the "
		       "page can read them: only for programs that need it. "
		       "The login form always sets a cookie."),
	OPTION_END,
};

static const struct option no_options[] = { OPTION_END };

static const struct option users_options[] = {
	OPTION(SECONDS, struct users_settings, recheck,
	       .def = "1m", .min = 0, .max = 86400,
	       .help = "How soon a user who was disabled, removed or changed "
		       "where the users are kept loses or changes live "
		       "sessions: the user of each session in use is looked "
		       "up again once in this time. A new password ends the "
		       "sessions of the old one, wherever it was set; so does "
		       "another program that stores the same password in a "
		       "new form, but not our own replacing of a weaker hash. "
		       "While the users cannot be "
		       "reached, requests for which this is due are answered "
		       "503. With 0 nobody is looked up: do so only when "
		       "nothing but fcgiauthctl changes users, which changes "
		       "the sessions itself. In mode refresh the user is "
		       "looked up at each refresh instead, so that ttl is the "
		       "time it takes; in mode jwt never, and a token holds "
		       "what it says until it ends."),
	OPTION_END,
};

static const struct option cookie_options[] = {
	OPTION(STR, struct cookie_settings, name,
	       .def = "fcgiauth", .min = 1, .max = 64,
	       .flags = OPTION_REQUIRED, .check = check_cookie_name,
	       .help = "What cookie names are made of. The prefix __Host- or "
		       "__Secure- is put in front by itself. Changing it "
		       "signs everybody out."),
	OPTION(BOOL, struct cookie_settings, secure, .def = "yes",
	       .help = "Cookies travel by https only. It is for hosts of "
		       "which server.hosts has no origin: those with one have "
		       "what their scheme asks for. Say no for plain http in "
		       "development and nowhere else: anybody on the "
		       "network can then take over a session."),
	OPTION(STR, struct cookie_settings, domain,
	       .min = 1, .max = 253, .flags = OPTION_LOWER,
	       .check = check_cookie_domain,
	       .help = "Set it, such as example.com, to share one login "
		       "between that host and all below it. Every one of "
		       "them then receives the cookie and can overwrite it: "
		       "leave it empty unless all of them are yours."),
	OPTION(ENUM, struct cookie_settings, same_site,
	       .def = "lax", .words = same_sites,
	       .help = "The SameSite attribute. With strict, a link from "
		       "another site arrives signed out; none sends the "
		       "cookie with every request from other sites, which "
		       "cross-site CORS needs, and requires secure = yes."),
	OPTION_END,
};

static const struct option redirect_options[] = {
	OPTION(WORDS, struct redirect_settings, allow,
	       .flags = OPTION_LOWER, .check = check_redirect_allow,
	       .help = "Other hosts that a login may return to, by https. A "
		       "name with a dot in front, such as .example.com, means "
		       "every host below it. A port may follow, such as "
		       "app.example.com:8443; without, it is 443. The origins "
		       "of server.hosts need not be here, but its bare names "
		       "need, when server.login_url is on another host. "
		       "Whoever controls a "
		       "listed host can use the login page to send people "
		       "there."),
	OPTION_END,
};

static const struct option cors_options[] = {
	OPTION(WORDS, struct cors_settings, origins,
	       .flags = OPTION_LOWER, .check = check_origins,
	       .help = "Origins, such as https://app.example.com, whose "
		       "scripts may call this service with the user's "
		       "cookies. They act as the user: list only what you "
		       "trust as this service itself. Each is scheme, host and "
		       "port exactly as browsers write them. To the scripts of "
		       "another site browsers give the cookie only with "
		       "same_site = none in the section cookie; another host "
		       "below the same domain is the same site."),
	OPTION_END,
};

#define HEADER_NAME(field, default_name, what)                                \
	OPTION(STR, struct headers_settings, field,                           \
	       .def = default_name, .min = 1, .max = 64,                      \
	       .flags = OPTION_REQUIRED, .check = check_header_name,          \
	       .help = "The header that carries " what)

static const struct option headers_options[] = {
	HEADER_NAME(user, "Remote-User", "the user name."),
	HEADER_NAME(roles, "Remote-Groups",
		    "the roles, separated by commas."),
	HEADER_NAME(email, "Remote-Email", "the e-mail address."),
	HEADER_NAME(name, "Remote-Name", "the full name."),
	OPTION(ENUM, struct headers_settings, encoding,
	       .def = "percent", .words = encodings,
	       .help = "How the full name and the e-mail address stand in "
		       "their headers. With percent, every byte of their UTF-8 "
		       "that is not printable ASCII, and % itself, is written "
		       "as %XX, which every application can receive and "
		       "decodes as it decodes a part of a URL. With utf-8 they "
		       "stand as they are: some servers of applications refuse "
		       "such a request or read it as Latin-1."),
	OPTION_END,
};

static const struct option password_options[] = {
	OPTION(INT, struct password_settings, min_length,
	       .def = "15", .min = 8, .max = 128,
	       .help = "The least characters of a new password. NIST asks "
		       "for 15 where the password is the only factor. "
		       "Passwords that exist stay valid."),
	OPTION(PATH, struct password_settings, blocklist,
	       .help = "A file of passwords that nobody may choose, one a "
		       "line, compared without regard to case. A built-in "
		       "list of the commonest always applies."),
	OPTION_END,
};

static const struct option limits_options[] = {
	OPTION(INT, struct limits_settings, login_attempts, .def = "5",
	       .min = 1, .max = 1000,
	       .help = "Failed logins of a user within login_window after "
		       "which a ban begins. The case of the name does not "
		       "matter. In networks where the user has signed in "
		       "within 90 days, the ten that were used last, the name "
		       "has a counter and a ban of its own each: strangers who "
		       "guess elsewhere do not lock its owner out there. Such "
		       "a network is an IPv4 address or an IPv6 /64; what is "
		       "stored is a keyed hash."),
	OPTION(INT, struct limits_settings, login_attempts_address, .def = "50",
	       .min = 1, .max = 100000,
	       .help = "The same for an address, whatever the names: many "
		       "people can be behind one, and a login that succeeds "
		       "does not count. IPv6 is counted by /64 and, with ten "
		       "times the allowance, by /48."),
	OPTION(WORDS, struct limits_settings, trusted, .check = check_networks,
	       .help = "Addresses or networks, such as 10.0.0.0/8 or "
		       "2001:db8::/32, which are never banned. The users who "
		       "fail to sign in from there still are. A proxy in "
		       "front whose own address is all that arrives here does "
		       "not belong here: have it pass on its clients' "
		       "addresses."),
	OPTION(SECONDS, struct limits_settings, login_window, .def = "2m",
	       .min = 1, .max = 86400,
	       .help = "How long a failed login counts. So does one whose "
		       "service was killed before its end: nobody knows how "
		       "it went."),
	OPTION(SECONDS, struct limits_settings, login_ban, .def = "5m",
	       .min = 1, .max = 30 * 86400,
	       .help = "How long a ban lasts. A stranger can have a user "
		       "banned who signs in from a network that is new, so "
		       "keep it short."),
	OPTION(BYTES, struct limits_settings, body, .def = "16k", .min = 1024,
	       .max = 1024 * 1024,
	       .help = "The largest request body; a larger one is answered "
		       "413."),
	OPTION(
	    INT, struct limits_settings, hash_slots, .def = "auto", .min = 1,
	    .max = 64, .words = automatic, .flags = OPTION_RESTART,
	    .help =
		"How many passwords are hashed at the same time; each "
		"takes a processor and 19 MiB. Up to 256 others wait for at "
		"most 3 seconds and are then answered 503. Networks "
		"(an IPv4 address, an IPv6 /48) and accounts take "
		"turns, so that a flood costs others a turn each; who "
		"waits keeps no thread. With auto it is the number of "
		"processors less one, and at least 1. Logins never hold more "
		"than half of the threads."),
	OPTION_END,
};

static const struct option rule_options[] = {
	OPTION(WORDS, struct rule_settings, host,
	       .flags = OPTION_LOWER | OPTION_NOT_EMPTY,
	       .check = check_rule_hosts,
	       .help = "Host names, one of which the request must be for, "
		       "written out in full and without port."),
	OPTION(STR, struct rule_settings, path,
	       .min = 1, .max = 4096, .flags = OPTION_NOT_EMPTY,
	       .help = "The beginning of the path, up to the end of a "
		       "segment: /a is for /a and all below it, not for /ab; "
		       "/a/ is for all below it, not for /a itself. It is "
		       "compared with the path that the client asked for, "
		       "without the query string; the case of letters counts. "
		       "Web servers and applications do not read a path alike, "
		       "so it is compared with every reading: as sent, decoded "
		       "once and twice, slashes merged, dot segments resolved, "
		       ";parameters cut, \\ as /, the host of //host/path "
		       "taken off. Who is let in would be on each of them; "
		       "whom some let in and some do not is "
		       "refused with 403, the path being ambiguous. A path "
		       "with a segment that only decoding, \\ or ; makes . or "
		       ".. is always refused. The command fcgiauthctl rule "
		       "test shows the readings."),
	OPTION(STR, struct rule_settings, path_regex,
	       .min = 1, .max = 4096, .flags = OPTION_NOT_EMPTY,
	       .help = "Instead of path: a regular expression (PCRE2) for the "
		       "whole path, as if it stood between ^ and $, compared "
		       "with every reading as well. One that takes too many "
		       "steps to tell makes the answer 503."),
	OPTION(WORDS, struct rule_settings, method,
	       .flags = OPTION_NOT_EMPTY, .check = check_methods,
	       .help = "Request methods, such as GET or POST. GET includes "
		       "HEAD."),
	OPTION(WORDS, struct rule_settings, network,
	       .flags = OPTION_NOT_EMPTY, .check = check_networks,
	       .help = "Addresses or networks, such as 10.0.0.0/8 or "
		       "2001:db8::/32, one of which the client's address "
		       "must be in. It is the address that the web server "
		       "sees, never one from a header. If it has none that "
		       "can be read, the rule refuses. An address is no proof "
		       "of who somebody is."),
	OPTION(WORDS, struct rule_settings, require,
	       .flags = OPTION_REQUIRED,
	       .help = "Who may: user is anybody who is signed in, user:NAME "
		       "and role:NAME say which, and any one of several is "
		       "enough. With public everybody may: who is signed in "
		       "has an identity, everybody else has none, also while "
		       "the store is down. With deny, alone, nobody may."),
	OPTION_END,
};

static const struct tables_selector select_mode = {
	.key = "mode",
	.def = "session",
	.kind = KIND_MODES,
	.choice = offsetof(struct settings, mode),
	.own_section = true,
	.help = "What a login becomes. Each mode has a section of its own "
		"name; the sections of modes that are not chosen are checked "
		"and otherwise unused.",
};

static const struct tables_selector select_store = {
	.key = "driver",
	.def = "sqlite",
	.kind = KIND_STORES,
	.choice = offsetof(struct settings, store),
	.help = "The kind of store. The other keys of this section are those "
		"of the driver chosen here.",
};

static const struct tables_selector select_users = {
	.key = "driver",
	.def = "sqlite",
	.kind = KIND_USERS,
	.choice = offsetof(struct settings, users),
	.help = "The kind of user source. The other keys of this section are "
		"those of the driver chosen here.",
};

#define SECTION(field, ...)                                                   \
	{                                                                     \
		.name = #field, .options = field##_options,                   \
		.offset = offsetof(struct settings, field), __VA_ARGS__       \
	}

const struct tables_section tables_sections[] = {
	SECTION(server, .help = "How web servers reach the service."),
	SECTION(auth, .selector = &select_mode,
		.help = "What signing in means."),
	{ .name = "store", .options = no_options, .selector = &select_store,
	  .help = "Where sessions are kept." },
	{ .name = "users", .options = users_options,
	  .offset = offsetof(struct settings, any_users),
	  .selector = &select_users,
	  .help = "Where users and their password hashes are kept." },
	SECTION(cookie, .modes_first = true,
		.help = "The cookies that hold credentials."),
	SECTION(redirect, .help = "Where a login may lead."),
	SECTION(cors, .help = "Calls from scripts of other origins."),
	SECTION(headers,
		.help = "Names of the headers that carry the identity to the "
			"application. Whoever changes them must change the "
			"web server's snippets as well, which also keep "
			"clients from sending them."),
	SECTION(password, .help = "What a new password must be."),
	SECTION(limits, .help = "Protection against guessing and overload."),
	{ .name = "rule", .options = rule_options, .named = true,
	  .help = "Who may do what. There can be any number of these "
		  "sections, each with a name of its own. The first one in "
		  "the file whose host, path, method and network all match "
		  "decides alone; what is left out matches everything. "
		  "Without any rule every signed-in user may do everything; "
		  "with rules, what none of them matches is refused. A "
		  "location of the web server may ask for more by the "
		  "parameter AUTH_REQUIRE, which never allows what rules "
		  "refuse. The command fcgiauthctl rule test says which rule "
		  "decides, and why." },
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
	}
	*n = 0;
	return NULL;
}
