/* SPDX-License-Identifier: MIT */
/*
 * The service under one configuration: the state that all its requests share.
 * It is const after service_open(), except for the objects that struct
 * service_shared points to.
 */
#ifndef AUTH_SERVICE_H
#define AUTH_SERVICE_H

#include "strategy/auth_mode.h"
#include "strategy/factors.h"
#include "base/log.h"
#include "conf/settings.h"
#include "http/message.h"
#include "http/origin.h"

struct arena;
struct buf;
struct cache;
struct change_sink;
struct csrf_key;
struct hash_slots;
struct login_floor;
struct metrics;
struct probe;
struct problems;
struct rules;
struct last_seen;
struct pages;

/* Limits of the log lines that clients can cause as often as they like. */
struct log_limits {
	struct log_limit refusals; /* auth/refusals.h */
	struct log_limit csrf; /* auth/csrf.h */
	struct log_limit banned; /* sign-ins that a ban refuses */
	struct log_limit unavailable; /* auth/answer.h */
	/* Requests that are refused before routing. */
	struct log_limit requests;
};

/* What the server knows of itself, for the metrics. */
struct server_counts {
	uint64_t connections; /* at present */
	uint64_t accepted, requests, malformed, timeouts;
	uint64_t workers, busy_ms; /* busy: all workers together */
	/* Whether they did not answer the last operation. */
	bool store_down, users_down, factors_down;
};

/* Objects that exist as long as the process; each has its own lock. */
struct service_shared {
	const struct env *env;
	bool check_only; /* for a process that does not serve requests */
	struct hash_slots *hash_slots;
	bool hash_in_background; /* background_is_permitted() */
	struct login_floor *login_floor; /* NULL: not used */
	struct last_seen *last_seen;
	struct probe *probe; /* auth/status.h */
	struct cache *cache; /* NULL: none */
	/* Is told what this process changes in the store; NULL: nobody. */
	const struct change_sink *changes;
	struct log_limits *log_limits;
	struct metrics *metrics; /* NULL: nothing is counted */
	/* Fills in *out, which is zero; NULL: there is no server. */
	void (*count_server)(void *server, struct server_counts *out);
	void *server;
};

/* The cookies for hosts that browsers reach by https, or by http. */
struct cookie_jar {
	/* The cookie settings, with the value of `secure` for those hosts. */
	struct cookie_settings set;
	struct str access, refresh; /* full names of the cookies */
	struct str login, repeat, language;
};

struct service {
	const struct settings *set;
	const struct service_shared *shared;
	const struct auth_mode_ops *mode_ops;
	unsigned mode_number; /* its place in the registry */
	void *mode;
	/* A random number, which tells its entries in the cache from those of
	 * another configuration. */
	uint64_t generation;
	struct csrf_key *csrf; /* has its own lock */
	struct rules *rules;
	struct sites sites; /* server.hosts */
	/* Origin of login_url; its host is empty when there is none. */
	struct origin login_page;
	struct cookie_jar jars[2]; /* without and with Secure */
	struct pages *pages; /* pages/pages.h */
	struct str csp; /* Content-Security-Policy of the pages */
	/* The names of the identity headers as parameters:
	 * "HTTP_REMOTE_USER". */
	struct str identity_params[4];
};

/*
 * Opens the service. Everything is allocated in `a`, which also closes it
 * (arena_defer). Reads keys from files, and creates the first key unless
 * shared->check_only is set; no store is accessed. Each error is added to
 * `problems`; then the result is -1.
 */
int service_open(const struct settings *set,
		 const struct service_shared *shared, struct arena *a,
		 struct service **out, struct problems *problems) MUST_USE;

/* Returns whether a check of a credential may ask the store. */
bool service_asks_store(const struct service *s);

/* Returns whether the store has a record of each session. */
bool service_keeps_sessions(const struct service *s);

/* The connections of one worker; no other thread may use them at the same
 * time. */
struct service_conns {
	struct store_conn *store;
	struct users_conn *users;
	struct factors_conn *factors; /* bound to nothing, or NULL, if there is
				       * no factor store */
};

/*
 * Answers one request; the result depends only on the arguments. Never fails;
 * appends the answer in CGI form to `out`. Returns true when there is no
 * answer yet: the request waits in its place (http/message.h), and the caller
 * must not access it until it is woken.
 */
bool service_answer(const struct service *s, const struct service_conns *conns,
		    struct arena *a, const struct message *in, struct buf *out);

/*
 * Answers a request like service_answer(), but only if that can be done without
 * waiting: a check whose credential the cache knows, or that needs no store, or
 * the question for the state. Returns false, and appends nothing, if it cannot.
 */
bool service_try(const struct service *s, struct arena *a,
		 const struct message *in, struct buf *out);

#endif
