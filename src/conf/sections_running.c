/* SPDX-License-Identifier: MIT */
/* The option tables of the sections about the running service, and of the links
 * of the account page. The help texts are the manual. */
#include "conf/sections_running.h"

#include "conf/checks.h"

const struct option cache_options[] = {
	OPTION(INT, struct cache_settings, size, .def = "100000", .min = 0,
	       .max = 10000000, .flags = OPTION_RESTART,
	       .help = "The number of verified credentials that are kept in "
		       "memory, with about 250 bytes each. A check of one of "
		       "them does not ask the store. The change feed of the "
		       "store reports the end and each change of a session to "
		       "every instance: one that was ended is refused at once "
		       "where it was ended, and after milliseconds elsewhere. "
		       "With 0 nothing is kept, and every check asks the store "
		       "or verifies its token."),
	OPTION(MS, struct cache_settings, heartbeat, .def = "500ms", .min = 10,
	       .max = 60000,
	       .help = "How often the change feed of the store must prove "
		       "that it is alive. If it has not done so for twice "
		       "this time, every check asks the store until it has. "
		       "A session that was ended may therefore be accepted "
		       "for at most twice this time, and that only while the "
		       "connection of the feed is broken."),
	OPTION(SECRET, struct cache_settings, feed_conninfo, .min = 1,
	       .max = 4096,
	       .help = "With the store postgres behind a transaction pooler: "
		       "the connection string of a direct connection for the "
		       "change feed. A pooler never delivers notifications. "
		       "If it is not set, the feed uses conninfo of the "
		       "store, with one more connection for each daemon."),
	OPTION(SECONDS, struct cache_settings, max_age, .def = "0", .min = 0,
	       .max = 3600,
	       .help = "With a store that has no change feed: for how long a "
		       "verified credential may be kept. PostgreSQL without "
		       "the triggers of store migrate is such a store, and "
		       "Redis without the rights for the feed; the log has "
		       "feed_missing with the reason. A session that "
		       "another instance or fcgiauthctl has ended is accepted "
		       "for up to this long. With 0, every check asks such a "
		       "store."),
	OPTION_END,
};

const struct option metrics_options[] = {
	OPTION(BOOL, struct metrics_settings, enabled, .def = "no",
	       .help = "Whether /auth/metrics answers with the metrics of "
		       "this process. The web server must send the parameter "
		       "AUTH_METRICS=yes; without it, the answer is 404. The "
		       "snippet for metrics sends it (guide "
		       "monitoring.md)."),
	OPTION(WORDS, struct metrics_settings, network,
	       .def = "127.0.0.0/8 ::1/128", .check = check_networks,
	       .help = "The networks from which the metrics may be read. "
		       "Clients in other networks get 404. Behind a balancer "
		       "on the same host, every client has a local address."),
	OPTION_END,
};

const struct option link_options[] = {
	OPTION(STR, struct link_settings, url, .min = 1, .max = 1024,
	       .flags = OPTION_REQUIRED, .check = check_link_url,
	       .help = "Where the link leads to: a path of the same host, "
		       "such as /wiki/, or an absolute URL, such as "
		       "https://wiki.example.com/."),
	OPTION(STR, struct link_settings, title, .min = 1, .max = 100,
	       .help = "The name that is shown. If it is empty, the name of "
		       "the section is shown."),
	OPTION(STR, struct link_settings, require, .max = 4096,
	       .help = "Who sees the link, in the words of a rule, such as "
		       "role:staff user:alice. If it is empty, every "
		       "signed-in user does. A link to a host of this "
		       "service is shown only if the rules allow the user to "
		       "open it."),
	OPTION_END,
};
