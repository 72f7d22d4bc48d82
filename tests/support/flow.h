/* SPDX-License-Identifier: MIT */
/*
 * The whole service as a function: a configuration, a fake world, a store, and
 * requests in and answers out, with neither FastCGI nor network.
 */
#ifndef TESTS_FLOW_H
#define TESTS_FLOW_H

#include "auth/exchange.h"
#include "base/log.h"
#include "tests/support/fake_env.h"
#include "tests/support/users_fake.h"

#define FLOW_PASSWORD "correct horse battery"
#define FLOW_HEADERS  64

struct flow {
	struct fake_env fake;
	struct service_shared shared;
	struct log_limits log_limits;
	struct arena *arena; /* of the configuration */
	struct settings settings;
	struct service *service;
	struct users_fake_table users_table;
	struct user_source_ops users_ops;
	struct backend *store;
	struct backend *users;
	struct service_links links;
	struct arena *request; /* of the last request */
	struct call call; /* flow_call() */
	struct hash_place *place; /* of the next requests, or NULL */
	bool queued; /* the last request waits: its answer has status 0 */
	unsigned fail_after;   /* arena torture of the next request; 0: none */
	bool arena_failed;     /* it struck */
	struct log log; /* after flow_log() */
};

/*
 * `ini` is a whole configuration text, which outlives the flow: names of rules
 * are borrowed from it; NULL takes the smallest one.  `ops` NULL: the memory
 * store.  Users: alice (roles admin,dev) and bob, both with FLOW_PASSWORD, and
 * carol, disabled.
 */
void flow_init(struct flow *f, const char *ini,
	       const struct session_store_ops *ops, const void *store_conf);
void flow_free(struct flow *f);

/* From now on a login replaces a hash that is not of today's cost. */
void flow_rehash(struct flow *f);

/* Logs from now on, from this level up. */
void flow_log(struct flow *f, enum log_level level);
/* What was logged since the last call; kept until flow_free(). */
const char *flow_logged(struct flow *f);

struct flow_answer {
	unsigned status;
	struct {
		struct str name, value;
	} header[FLOW_HEADERS];
	size_t nheaders;
	struct str body;
	struct str raw;
};

/* Asks with these parameters, `NAME=value`, NULL at the end; REQUEST_METHOD,
 * REQUEST_URI, HTTP_HOST, REMOTE_ADDR and HTTPS=on are added when they are not
 * among them.  The answer lives until the next request. */
struct flow_answer flow_ask(struct flow *f, bool authorizer,
			    const char *const *params, const char *body);

/* A request on its way through auth/, as a handler gets it, with parameters as
 * for flow_ask(); lives until the next request. */
struct flow_exchange {
	struct http_request in;
	struct http_response out;
	struct exchange e;
};
void flow_exchange(struct flow *f, const char *const *params,
		   struct flow_exchange *x);

/* What an operation works with at a moment; lives until the next call. */
struct call *flow_call(struct flow *f, int64_t now_ms);

/* Shorter: method and URI, and one more parameter each (NULL: none). */
struct flow_answer flow_get(struct flow *f, const char *uri, const char *one,
			    const char *two);
struct flow_answer flow_post(struct flow *f, const char *uri, const char *type,
			     const char *body, const char *cookie);
struct flow_answer flow_verify(struct flow *f, const char *uri,
			       const char *credential, const char *extra);

/* p is NULL when there is none; the first of several. */
struct str flow_header(const struct flow_answer *a, const char *name);

/* The value set for a cookie, "" when it is deleted, NULL when not there;
 * kept until flow_free(). */
const char *flow_cookie(struct flow *f, const struct flow_answer *a,
			const char *name);

/* Signs in by JSON; the session cookie as a parameter `HTTP_COOKIE=...`, kept
 * until flow_free(). */
const char *flow_login(struct flow *f, const char *user);

/* The csrf token of a page; kept until flow_free(). */
const char *flow_csrf(struct flow *f, const struct flow_answer *page);

/* printf into memory that is kept until flow_free(). */
const char *flow_text(struct flow *f, const char *fmt, ...) PRINTF(2, 3);

/* Does s hold this text? */
bool flow_holds(struct str s, const char *text);

#endif
