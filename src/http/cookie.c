/* SPDX-License-Identifier: MIT */
/* Finds cookies in requests and sets them in responses. */
#include "http/cookie.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/request.h"
#include "http/response.h"

#define HEADER_MAX_BYTES (COOKIE_MAX_BYTES + 1024)

/* Splits "name=value". White space is only allowed around the whole pair: a
 * name with white space at its end is another name. */
static bool
split_pair(struct str piece, struct str *name, struct str *value)
{
	struct str pair = str_trim(piece);
	size_t at = str_find(pair, '=');

	if (at == pair.n)
		return false;
	*name = (struct str){ .p = pair.p, .n = at };
	*value = str_skip(pair, at + 1);
	return true;
}

enum cookie_answer
cookie_find(const struct http_request *r, struct str name, struct str *value)
{
	enum cookie_answer answer = COOKIE_ABSENT;
	struct str found = STR("");

	*value = STR("");
	for (size_t i = 0; i < r->ncookies; i++) {
		struct str rest = r->cookies[i], piece, key, this;

		while (str_cut(&rest, ';', &piece)) {
			if (!split_pair(piece, &key, &this) ||
			    !str_eq(key, name))
				continue;
			if (answer == COOKIE_FOUND && !str_eq(this, found))
				return COOKIE_CONFLICT;
			answer = COOKIE_FOUND;
			found = this;
		}
	}
	*value = found;
	return answer;
}

bool
cookie_nth(const struct http_request *r, struct str name, size_t n,
	   struct str *value)
{
	*value = STR("");
	for (size_t i = 0; i < r->ncookies; i++) {
		struct str rest = r->cookies[i], piece, key, this;

		while (str_cut(&rest, ';', &piece)) {
			if (!split_pair(piece, &key, &this) ||
			    !str_eq(key, name) || n-- > 0)
				continue;
			*value = this;
			return true;
		}
	}
	return false;
}

static const struct {
	const char *suffix;
	bool own_path; /* Path is server.path; otherwise '/' */
	bool host_only; /* even if cookie.domain is set */
} kinds[] = {
	[COOKIE_SESSION] = { .suffix = "" },
	[COOKIE_ACCESS] = { .suffix = "_access" },
	[COOKIE_REFRESH] = { .suffix = "_refresh", .own_path = true },
	[COOKIE_LOGIN] = { .suffix = "_login", .host_only = true },
	[COOKIE_REPEAT] = { .suffix = "_repeat",
			    .own_path = true,
			    .host_only = true },
	[COOKIE_LANGUAGE] = { .suffix = "_lang", .host_only = true },
};

/* __Host- requires Path=/ and no Domain (6265bis section 4.1.3.2). */
static const char *
name_prefix(const struct cookie_settings *set, enum cookie_kind kind)
{
	if (!set->secure)
		return "";
	if (kinds[kind].own_path ||
	    (set->domain.n > 0 && !kinds[kind].host_only))
		return "__Secure-";
	return "__Host-";
}

struct str
cookie_name(const struct cookie_settings *set, enum cookie_kind kind,
	    struct arena *a)
{
	struct buf b;

	buf_init(&b, a, COOKIE_MAX_BYTES);
	buf_add_cstr(&b, name_prefix(set, kind));
	buf_add(&b, set->name);
	buf_add_cstr(&b, kinds[kind].suffix);
	if (buf_failed(&b))
		return (struct str){ .p = NULL };
	return buf_str(&b);
}

/* Returns true when all bytes are a cookie-octet of RFC 6265 section 4.1.1. */
static bool
is_cookie_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c <= ' ' || c > '~' || strchr("\",;\\", c) != NULL)
			return false;
	}
	return true;
}

static void
add_attributes(struct buf *b, const struct cookie_settings *set,
	       struct str prefix, enum cookie_kind kind, int64_t max_age)
{
	static const char *const same_site[] = {
		[SAME_SITE_LAX] = "Lax",
		[SAME_SITE_STRICT] = "Strict",
		[SAME_SITE_NONE] = "None",
	};

	buf_add_cstr(b, "; Path=");
	buf_add(b, kinds[kind].own_path ? prefix : STR("/"));
	buf_add_cstr(b, set->secure ? "; Secure" : "");
	buf_add_cstr(b, "; HttpOnly; SameSite=");
	buf_add_cstr(b, same_site[set->same_site]);
	if (set->domain.n > 0 && !kinds[kind].host_only) {
		buf_add_cstr(b, "; Domain=");
		buf_add(b, set->domain);
	}
	if (max_age >= 0)
		buf_printf(b, "; Max-Age=%jd", (intmax_t)max_age);
}

void
cookie_set(struct http_response *res, const struct cookie_settings *set,
	   struct str prefix, enum cookie_kind kind, struct str value,
	   int64_t max_age)
{
	struct str name = cookie_name(set, kind, res->arena);
	struct buf b;

	buf_init(&b, res->arena, HEADER_MAX_BYTES);
	buf_add(&b, name);
	buf_add_char(&b, '=');
	buf_add(&b, value);
	if (name.p == NULL || !is_cookie_value(value) ||
	    name.n + value.n > COOKIE_MAX_BYTES) {
		res->failed = true;
		return;
	}
	add_attributes(&b, set, prefix, kind, max_age);
	if (buf_failed(&b)) {
		res->failed = true;
		return;
	}
	http_response_header(res, "Set-Cookie", buf_str(&b));
}

static void
forget_at(struct http_response *res, const struct cookie_settings *set,
	  struct str name, struct str path, struct str domain)
{
	struct buf b;

	buf_init(&b, res->arena, HEADER_MAX_BYTES);
	buf_add(&b, name);
	buf_add(&b, STR("=; Path="));
	buf_add(&b, path);
	buf_add_cstr(&b, set->secure ? "; Secure" : "");
	buf_add(&b, STR("; HttpOnly; Max-Age=0"));
	if (domain.n > 0) {
		buf_add(&b, STR("; Domain="));
		buf_add(&b, domain);
	}
	if (buf_failed(&b))
		res->failed = true;
	else
		http_response_header(res, "Set-Cookie", buf_str(&b));
}

/* The most parent domains that are tried. */
#define DOMAINS_MAX 4

void
cookie_forget(struct http_response *res, const struct cookie_settings *set,
	      struct str prefix, enum cookie_kind kind, struct str host)
{
	struct str name = cookie_name(set, kind, res->arena);
	const struct str paths[] = { STR("/"), prefix };

	if (name.p == NULL) {
		res->failed = true;
		return;
	}
	/* With this prefix, browsers accept no other path and no domain. */
	if (str_starts(name, STR("__Host-"))) {
		forget_at(res, set, name, STR("/"), STR(""));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct str domain = host;

		forget_at(res, set, name, paths[i], STR(""));
		/* A name without a dot cannot be a cookie domain. */
		for (size_t k = 0; k < DOMAINS_MAX; k++) {
			size_t dot = str_find(domain, '.');

			if (dot == domain.n)
				break;
			forget_at(res, set, name, paths[i], domain);
			domain = str_skip(domain, dot + 1);
		}
	}
}
