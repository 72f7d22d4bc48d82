/* SPDX-License-Identifier: MIT */
/*
 * The whole configuration, fcgiauth.ini(5), as one struct, checked. All it
 * points to is in the arena it was loaded into. It never changes.
 */
#ifndef CONF_SETTINGS_H
#define CONF_SETTINGS_H

#include "conf/option.h"

struct arena;
struct buf;
struct problems;

enum deliver { DELIVER_COOKIE, DELIVER_BODY, DELIVER_BOTH };
enum same_site { SAME_SITE_LAX, SAME_SITE_STRICT, SAME_SITE_NONE };

enum log_refusals { REFUSALS_NO, REFUSALS_FORBIDDEN, REFUSALS_ALL };

struct server_settings {
	struct words listen;
	int64_t socket_mode;
	struct str peer_secret;
	struct words hosts; /* names or origins, lower case */
	struct str login_url;
	int64_t threads;
	struct words locations; /* paths; auth/rules.c checks them */
	struct str path; /* begins with '/', does not end with one */
	int log_level; /* enum log_level */
	int log_format; /* enum log_format */
	int log_refusals; /* enum log_refusals */
};

struct auth_settings {
	int deliver; /* enum deliver */
};

struct cookie_settings {
	struct str name;
	bool secure;
	struct str domain;
	int same_site; /* enum same_site */
};

struct redirect_settings {
	/* Lower case; ".example.com" means subdomains; perhaps with ":port". */
	struct words allow;
};

struct cors_settings {
	struct words origins; /* scheme://host[:port], exact */
};

enum header_encoding { HEADERS_PERCENT, HEADERS_UTF8 };

struct headers_settings {
	struct str user, roles, email, name;
	int encoding; /* enum header_encoding; of e-mail and name */
};

struct password_settings {
	int64_t min_length;
	const char *blocklist;
};

struct limits_settings {
	int64_t login_attempts, login_attempts_address;
	struct words trusted; /* each is a base/network.h */
	int64_t login_window, login_ban;
	int64_t body;
	int64_t hash_slots; /* 0: auto */
};

struct cache_settings {
	int64_t size; /* credentials; 0: no cache */
	int64_t heartbeat; /* milliseconds */
	struct str feed_conninfo;
	int64_t max_age; /* seconds; 0: no cache without a feed */
};

/* [pages]; conf/pages.h checks it. */
struct pages_settings {
	struct str title, notice, contact; /* may be empty */
	struct str language; /* "auto", or two letters */
	const char *logo; /* a file; NULL: none */
	const char *directory; /* NULL: none */
	struct str color; /* "#f60" or "ff6600"; may be empty */
};

enum account_reset { RESET_NO, RESET_LINK, RESET_MAIL };

struct account_settings {
	int reset; /* enum account_reset */
	bool notify_login;
};

/* [mail]; conf/mail.h checks it. Nothing is sent when `from` is empty. */
struct mail_settings {
	struct str from; /* a base/mailbox.h */
	/* One of these two is set. */
	struct str smtp; /* smtp://HOST:PORT or smtps://HOST:PORT */
	struct words command; /* program and arguments */
	struct str username, password;
	bool tls;
	const char *ca_file;
};

struct metrics_settings {
	bool enabled;
	struct words network; /* each is a base/network.h */
};

/* The keys of [users] that do not depend on the driver. */
struct users_settings {
	int64_t recheck; /* 0: never */
};

/* [rule NAME]; an empty member is no condition. */
struct rule_settings {
	struct str name;
	unsigned line; /* line of the header */
	unsigned path_line, regex_line, require_line; /* lines of these keys */
	struct words host; /* lower case */
	struct str path; /* path, path_regex or neither is set */
	/* auth/rules.h parses path, path_regex and require */
	struct str path_regex;
	struct words method; /* upper case */
	struct words network; /* each is a base/network.h */
	struct words require;
};

/* The rules, in the order of the file. */
struct rules_settings {
	const struct rule_settings *v;
	size_t n;
	unsigned locations_line; /* of server.locations */
};

/* [link NAME]: an application that the account page offers. */
struct link_settings {
	struct str name;
	struct str url; /* a path, or an absolute http or https URL */
	struct str title; /* empty: the name */
	/* auth/links.h parses it; empty: every signed-in user */
	struct str require;
	unsigned url_line, require_line; /* lines of these keys */
};

/* How many links there may be, and how many bytes their addresses and titles
 * may have together: the account page must fit into an answer. */
#define LINKS_MAX	64
#define LINKS_MAX_BYTES 8192

/* The links, in the order of the file. */
struct links_settings {
	const struct link_settings *v;
	size_t n;
};

/* Who shares the data of a backend. */
enum settings_reach {
	SETTINGS_PROCESS = 0, /* nobody: they are in the memory of a process */
	SETTINGS_HOST, /* the processes of this host: they are in a file */
	SETTINGS_HOSTS, /* all hosts that reach a server */
};

/* The part of a backend that conf needs; the registry fills it in. */
struct settings_driver {
	const char *name;
	const char *summary;
	const struct option *options; /* options of its section */
	size_t size; /* of the struct they fill */
	/* Checks rules over several options. No I/O. NULL: none. */
	int (*check)(const void *conf, struct err *err);
	bool compiled; /* false: a known name whose code is not compiled in */
	enum settings_reach reach; /* of a backend */
	/* Of a mode: whether it keeps anything in the store. NULL: it does. */
	bool (*needs_store)(const void *conf);
};

/* The words of [factors] driver that are no backends; the registry has them as
 * drivers without keys. */
#define SETTINGS_AUTO "auto"
#define SETTINGS_NONE "none"

struct settings_drivers {
	const struct settings_driver *stores, *users, *factors, *modes;
	size_t nstores, nusers, nfactors, nmodes;
};

/* A chosen driver and the struct of its options. */
struct settings_choice {
	const struct settings_driver *driver;
	const void *conf;
};

struct settings {
	const char *file;
	struct server_settings server;
	struct auth_settings auth;
	struct cookie_settings cookie;
	struct redirect_settings redirect;
	struct cors_settings cors;
	struct headers_settings headers;
	struct password_settings password;
	struct limits_settings limits;
	struct cache_settings cache;
	struct account_settings account;
	struct mail_settings mail;
	struct metrics_settings metrics;
	struct pages_settings pages;
	struct rules_settings rules;
	struct links_settings links;
	struct settings_choice mode; /* [auth] mode; its section is [NAME] */
	/* The section of every mode, because a mode may read that of another
	 * mode too. */
	struct settings_choice *modes;
	size_t nmodes;
	struct settings_choice store; /* [store] driver and its keys */
	struct settings_choice users; /* [users] driver and its keys */
	/* the keys of [users] common to all drivers */
	struct users_settings any_users;
	/* [factors] driver and its keys; never the driver "auto", which is
	 * replaced by what it stands for (conf/factors.h) */
	struct settings_choice factors;
};

/*
 * Reads `file`, checks everything that needs no I/O except reading the files of
 * `x_file` secrets, and fills *out. Every mistake becomes a problem. Returns
 * 0 when there was none, else -1 (also when out of memory, which is reported as
 * a problem).
 *
 * The section of a mode that is not chosen is parsed and checked too, so that a
 * mistake in it is found before it is chosen.
 */
int settings_load(const char *file, const struct settings_drivers *drivers,
		  struct arena *a, struct settings *out,
		  struct problems *problems) MUST_USE;

/* Does the same with a text in memory; `name` is the name of the file in
 * messages. */
int settings_parse(struct str bytes, const char *name,
		   const struct settings_drivers *drivers, struct arena *a,
		   struct settings *out, struct problems *problems) MUST_USE;

/* Returns the struct of the section [NAME], whichever mode is chosen; NULL for
 * an unknown name. */
const void *settings_mode_conf(const struct settings *s, const char *name);

/* Prints the effective values as INI for --dump-config; secrets are masked. */
void settings_dump(const struct settings *s, struct buf *out);

/* Prints the OPTIONS part of fcgiauth.ini(5) as mdoc from the tables. */
void settings_manual(const struct settings_drivers *drivers, struct buf *out);

/* Prints one line for each option: `section.key`, or for the key of a driver
 * `store.sqlite.path`. Tests compare conf/fcgiauth.ini with it. */
void settings_names(const struct settings_drivers *drivers, struct buf *out);

/* Prints the names of changed options that only a restart applies, for the log
 * of a reload. */
void settings_restart_needed(const struct settings *before,
			     const struct settings *after, struct buf *out);

#endif
