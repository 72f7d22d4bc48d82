/* SPDX-License-Identifier: MIT */
/* Cookies, in and out (RFC 6265bis). */
#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

#include "conf/settings.h"

struct http_request;
struct http_response;

/* Name and value; browsers drop a longer one (RFC 6265bis section 5.6). */
#define COOKIE_MAX_BYTES 4096

enum cookie_answer {
	COOKIE_ABSENT = 0,
	COOKIE_FOUND,
	COOKIE_CONFLICT, /* several of that name, with different values */
};

/*
 * Names compare with case (6265bis, "Cookie Name Prefixes": a server must).
 * *value is empty unless the answer is COOKIE_FOUND.
 */
enum cookie_answer cookie_find(const struct http_request *r, struct str name,
			       struct str *value);

/* The n-th cookie of that name, from 0; false when there are fewer, and *value is
 * empty. */
bool cookie_nth(const struct http_request *r, struct str name, size_t n,
		struct str *value);

/* Which of our cookies. */
enum cookie_kind {
	COOKIE_SESSION, /* base: the opaque session token */
	COOKIE_ACCESS,	/* base_access: a JWT */
	COOKIE_REFRESH, /* base_refresh: Path is the service's own prefix */
	COOKIE_LOGIN,	/* base_login: pre-session of the login form */
	COOKIE_REPEAT,	/* base_repeat: how often a form came back */
};

/*
 * The full name, with __Host- or __Secure- (RFC 6265bis section 4.1.3) where
 * the cookie is Secure, into the arena; p is NULL when out of memory.
 */
struct arena;
struct str cookie_name(const struct cookie_settings *set, enum cookie_kind kind,
		       struct arena *a);

/*
 * Adds Set-Cookie.  max_age < 0: a session cookie (no Max-Age); 0: deletes
 * it, with the attributes it was set with.  `prefix` is server.path.
 */
void cookie_set(struct http_response *res, const struct cookie_settings *set,
		struct str prefix, enum cookie_kind kind, struct str value,
		int64_t max_age);

/*
 * Deletes a cookie of that name wherever one may have been set from `host`: for
 * it alone and for each domain that it belongs to, at '/' and at `prefix`.
 */
void cookie_forget(struct http_response *res, const struct cookie_settings *set,
		   struct str prefix, enum cookie_kind kind, struct str host);

#endif
