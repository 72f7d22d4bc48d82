/* SPDX-License-Identifier: MIT */
/* Finds cookies in requests and sets them in responses (RFC 6265bis). */
#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

#include "conf/settings.h"

struct http_request;
struct http_response;

/* Size of name and value; browsers drop a longer cookie (RFC 6265bis section
 * 5.6). */
#define COOKIE_MAX_BYTES 4096

enum cookie_answer {
	COOKIE_ABSENT = 0,
	COOKIE_FOUND,
	COOKIE_CONFLICT, /* several of that name, with different values */
};

/*
 * Finds a cookie by name; case matters ("Cookie Name Prefixes" in 6265bis
 * requires it). *value is empty unless the answer is COOKIE_FOUND.
 */
enum cookie_answer cookie_find(const struct http_request *r, struct str name,
			       struct str *value);

/* Sets *value to the n-th cookie of that name, counted from 0. Returns false,
 * with an empty *value, when there are fewer. */
bool cookie_nth(const struct http_request *r, struct str name, size_t n,
		struct str *value);

/* The cookies of the service; `base` is cookie.name. */
enum cookie_kind {
	COOKIE_SESSION, /* base: the opaque session token */
	COOKIE_ACCESS, /* base_access: a JWT */
	COOKIE_REFRESH, /* base_refresh: Path is the service's own prefix */
	COOKIE_LOGIN, /* base_login: pre-session of the login form */
	COOKIE_REPEAT, /* base_repeat: how often a form was shown again */
	COOKIE_LANGUAGE, /* base_lang: the language of the pages */
};

/*
 * Returns the full name, in the arena, with the prefix __Host- or __Secure-
 * (RFC 6265bis section 4.1.3) if the cookie is Secure; p is NULL when out of
 * memory.
 */
struct arena;
struct str cookie_name(const struct cookie_settings *set, enum cookie_kind kind,
		       struct arena *a);

/*
 * Adds Set-Cookie. max_age < 0 makes a session cookie (no Max-Age); 0 deletes
 * the cookie, with the attributes it was set with. `prefix` is server.path.
 */
void cookie_set(struct http_response *res, const struct cookie_settings *set,
		struct str prefix, enum cookie_kind kind, struct str value,
		int64_t max_age);

/*
 * Deletes a cookie of that name wherever it may have been set from `host`: for
 * the host alone and for each domain it belongs to, with the paths '/' and
 * `prefix`.
 */
void cookie_forget(struct http_response *res, const struct cookie_settings *set,
		   struct str prefix, enum cookie_kind kind, struct str host);

#endif
