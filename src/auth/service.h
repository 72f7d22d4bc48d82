/* SPDX-License-Identifier: MIT */
/*
 * The service of one configuration: what all requests under it share.  Const
 * once opened, but for what it points to in struct service_shared.
 */
#ifndef AUTH_SERVICE_H
#define AUTH_SERVICE_H

#include "strategy/auth_mode.h"
#include "base/log.h"
#include "conf/settings.h"
#include "http/message.h"
#include "http/origin.h"

struct arena;
struct buf;
struct csrf_key;
struct hash_slots;
struct login_floor;
struct probe;
struct problems;
struct rules;
struct touches;

/* Of what clients can have logged as often as they like. */
struct log_limits {
	struct log_limit refusals;  /* auth/refusals.h */
	struct log_limit csrf;	    /* auth/csrf.h */
	struct log_limit banned; /* logins that a ban refuses */
	struct log_limit unavailable; /* auth/answer.h */
	struct log_limit requests;  /* those that are not believed at all */
};

/* What lives as long as the process and locks itself. */
struct service_shared {
	const struct env *env;
	bool look_only; /* of a process that will not serve */
	struct hash_slots *hash_slots;
	struct login_floor *login_floor; /* NULL: there is none */
	struct touches *touches;
	struct probe *probe;		    /* auth/status.h */
	struct log_limits *log_limits;
};

/* Our cookies at hosts that browsers reach by https, or by http. */
struct cookie_jar {
	struct cookie_settings set;	   /* with `secure` of those hosts */
	struct str access, refresh; /* their full names */
	struct str login, repeat;
};

struct service {
	const struct settings *set;
	const struct service_shared *shared;
	const struct auth_mode_ops *mode_ops;
	void *mode;
	struct csrf_key *csrf;	/* locks itself */
	struct rules *rules;
	struct sites sites;	   /* server.hosts */
	struct origin login_page;  /* of login_url; no host: there is none */
	struct cookie_jar jars[2]; /* not Secure, Secure */
	struct str csp; /* Content-Security-Policy of our pages */
	/* The identity headers as parameters: "HTTP_REMOTE_USER". */
	struct str identity_params[4];
};

/*
 * Everything from `a`; closed by it (arena_defer). Reads keys from files, and
 * makes the first one unless shared->look_only; no store is asked.  What is
 * wrong becomes a problem; then -1.
 */
int service_open(const struct settings *set,
		 const struct service_shared *shared, struct arena *a,
		 struct service **out, struct problems *problems) MUST_USE;

/* One worker's ways to store and users; nobody else's meanwhile. */
struct service_links {
	struct store_link *store;
	struct users_link *users;
};

/*
 * Answers one request: the whole of it, as a function of what it is given.
 * Never fails; appends the answer in CGI form to `out`.  True: none yet, the
 * request waits in its place (http/message.h), and is not the caller's to touch
 * until it is woken.
 */
bool service_answer(const struct service *s, const struct service_links *links,
		    struct arena *a, const struct message *in, struct buf *out);

#endif
