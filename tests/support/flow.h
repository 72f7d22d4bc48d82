/* SPDX-License-Identifier: MIT */
/*
 * The whole service as a function, with a configuration, a fake env and a
 * store: it takes requests and returns answers, without FastCGI and without a
 * network.
 */
#ifndef TESTS_FLOW_H
#define TESTS_FLOW_H

#include "auth/metrics.h"
#include "auth/request_context.h"
#include "base/log.h"
#include "strategy/change.h"
#include "tests/support/factors_faulty.h"
#include "tests/support/fake_env.h"
#include "tests/support/store_faulty.h"
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
	struct store_faulty faulty;
	struct backend *store;
	struct backend *users;
	struct factors_faulty factors_faulty;
	struct backend *factors;
	struct service_conns conns;
	struct change_sink sink; /* after flow_cache() */
	struct arena *request; /* of the last request */
	struct call call; /* flow_call() */
	struct hash_place *place; /* for the next requests, or NULL */
	bool queued; /* the last request waits: its answer has status 0 */
	/* Allocations of the next request fail from the n-th on; 0: none. */
	unsigned fail_after;
	bool arena_failed; /* an allocation of the last request failed */
	struct log log; /* after flow_log() */
};

/*
 * Opens the service. `ini` is a complete configuration, which must outlive the
 * flow, as names of rules are borrowed from it; NULL stands for the smallest
 * one. The store is `faulty`, which is in memory and can be told to fail, and
 * so is the factor store, `factors_faulty`. The users are alice (roles
 * admin,dev) and bob, both with FLOW_PASSWORD, and carol, who is disabled.
 */
void flow_init(struct flow *f, const char *ini);
void flow_free(struct flow *f);

/* Called by flow_init(). */
void flow_open_factors(struct flow *f);
/* From now on, there is no factor store. */
void flow_no_factors(struct flow *f);

/* Sets, or returns, whether alice must change the password. */
void flow_must_change(struct flow *f, bool must);
bool flow_has_to_change(struct flow *f);

/* From now on, checks are answered from memory: no other process can change the
 * store. */
void flow_cache(struct flow *f);

/* From now on, a sign-in replaces a hash that does not have the current
 * cost. */
void flow_rehash(struct flow *f);

/* From now on, logs lines of this level and above. */
void flow_log(struct flow *f, enum log_level level);
/* Returns the log since the last call; valid until flow_free(). */
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

/* Sends a request with these parameters, `NAME=value`, terminated by NULL;
 * REQUEST_METHOD, REQUEST_URI, HTTP_HOST, REMOTE_ADDR and HTTPS=on are added if
 * they are missing. The answer is valid until the next request. */
struct flow_answer flow_ask(struct flow *f, bool authorizer,
			    const char *const *params, const char *body);

/* The same by service_try(), which has no connections to the store and the user
 * source. The status is 0 if it cannot answer. */
struct flow_answer flow_try(struct flow *f, bool authorizer,
			    const char *const *params);

/* The request context that a handler in auth/ gets, with parameters as for
 * flow_ask(); valid until the next request. */
struct flow_exchange {
	struct http_request in;
	struct http_response out;
	struct request_context e;
};
void flow_exchange(struct flow *f, const char *const *params,
		   struct flow_exchange *x);

/* Returns the call for an operation at this time; valid until the next call. */
struct call *flow_call(struct flow *f, int64_t now_ms);

/* Short forms of flow_ask(): a method, a URI, and one more parameter for each
 * further argument (NULL: none). */
struct flow_answer flow_get(struct flow *f, const char *uri, const char *one,
			    const char *two);
struct flow_answer flow_post(struct flow *f, const char *uri, const char *type,
			     const char *body, const char *cookie);
struct flow_answer flow_verify(struct flow *f, const char *uri,
			       const char *credential, const char *extra);

/* Returns the first header of this name; p is NULL when there is none. */
struct str flow_header(const struct flow_answer *a, const char *name);

/* Returns the value that is set for a cookie, "" when it is deleted, NULL when
 * it is absent; valid until flow_free(). */
const char *flow_cookie(struct flow *f, const struct flow_answer *a,
			const char *name);

/* Signs in by JSON, with one more parameter (NULL: none). */
struct flow_answer flow_sign_in(struct flow *f, const char *user,
				const char *password, const char *param);

/* Signs in by JSON and returns the session cookie as a parameter
 * `HTTP_COOKIE=...`; valid until flow_free(). */
const char *flow_login(struct flow *f, const char *user);

/* Returns the sessions of a user (NULL: of all users), at most 10; valid until
 * flow_free(). */
struct session_list flow_sessions(struct flow *f, const char *user);

/* Writes the queue last_seen, as the janitor does. */
void flow_write_touches(struct flow *f);

/* Returns the csrf token of a page; valid until flow_free(). */
const char *flow_csrf(struct flow *f, const struct flow_answer *page);

/* Formats a text like printf; valid until flow_free(). */
const char *flow_text(struct flow *f, const char *fmt, ...) PRINTF(2, 3);

/* Returns true when s contains this text. */
bool flow_holds(struct str s, const char *text);

#endif
